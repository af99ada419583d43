using System.Globalization;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Raijin.Testing;
using TorchSharp;

namespace Raijin.Training.Tests.Display;

public sealed class ProgressViewTests : IDisposable
{
    readonly FakeTimeProvider _time = new();
    readonly TorchSharp.Modules.Linear _model = torch.nn.Linear(1, 1);
    readonly Fabric _fabric = Fabric.Launch(new FabricOptions { Device = DeviceChoice.Cpu, Seed = null });

    public void Dispose()
    {
        _fabric.Dispose();
        _model.Dispose();
    }

    TrainingRun Run(long? epochs = 10, long? batches = 450, TrainerOptions? options = null)
    {
        var plan = new RunPlan
        {
            Options = (options ?? new()) with { Time = _time },
            Device = torch.CPU,
            Directory = null,
            BatchesPerEpoch = batches,
            Accumulation = 1,
            MaxEpochs = epochs,
            Validate = Every.Epochs(1),
            LimitValidation = Limit.None,
            ValidationBatches = 29,
            Validates = true,
            SanityBatches = 0,
            Manual = false,
            LoaderFingerprint = "",
            Warnings = [],
        };
        return new TrainingRun(plan, _model, new ListLogger(), _fabric) { Clock = new RunClock(_time, TimeSpan.Zero) };
    }

    /// <summary>Two seconds of training, a look each half, at 100 steps of 64 samples a second.</summary>
    void Train(TrainingRun run, ProgressView view)
    {
        for (var i = 0; i < 4; i++)
        {
            view.Observe();
            _time.Advance(TimeSpan.FromSeconds(0.5));
            run.Step += 50;
            run.Batch += 50;
            run.Samples += 50 * 64;
        }
    }

    static void AddValues(TrainingRun run, ProgressView view)
    {
        run.TrainLog.Add("train/loss", 0.12345, 1, run.Step, Reduce.Mean);
        view.Validation = [new("val/loss", 0.2), new("val/accuracy", 0.9722)];
    }

    [Fact]
    public void Frames_fit_every_width()
    {
        var run = Run();
        var view = new ProgressView(run);
        run.Epoch = 2;
        run.Step = 900;
        Train(run, view);
        AddValues(run, view);
        var text = new StringBuilder();
        foreach (var width in new[] { 120, 100, 80, 60, 40, 20 })
        {
            var frame = view.Frame(view.Observe(), width);
            Assert.All(frame, line => Assert.InRange(line.Cells, 0, Math.Max(width, 15)));
            text.Append(CultureInfo.InvariantCulture, $"-- {width} columns --\n{TestConsole.TextOf(frame)}");
        }
        Golden.Match(text.ToString(), "frames.txt");
    }

    [Fact]
    public void A_validation_has_a_bar_of_its_own_once_it_lasts_longer_than_a_look()
    {
        var run = Run();
        var view = new ProgressView(run);
        Train(run, view);
        run.ValidationBatch = 12;
        Assert.Single(view.Frame(view.Observe(), 100));
        run.ValidationBatch = 20;
        var frame = view.Frame(view.Observe(), 100);
        Assert.Equal(2, frame.Count);
        Assert.Equal("  validation ━━━━━━━━━━━━━━━━━━━━━━━━━━━╸────────────  20/29\n", TestConsole.TextOf(frame.Skip(1)));
        run.ValidationBatch = null;
        Assert.Single(view.Frame(view.Observe(), 100));
    }

    [Fact]
    public void Speed_leaves_the_time_of_validations_out()
    {
        var run = Run();
        var view = new ProgressView(run);
        Train(run, view);
        run.ValidationBatch = 1;
        view.Observe();
        _time.Advance(TimeSpan.FromMinutes(1));
        view.Observe();
        run.ValidationBatch = null;
        Train(run, view);
        Assert.Contains("100 steps/s", TestConsole.TextOf([view.Line(view.Observe())]), StringComparison.Ordinal);
    }

    [Fact]
    public void Slow_steps_seen_many_times_give_their_true_speed()
    {
        var run = Run();
        var view = new ProgressView(run);
        for (var i = 0; i < 200; i++)
        {
            view.Observe();
            _time.Advance(TimeSpan.FromSeconds(0.1));
            if (i % 40 == 39) run.Step++;
        }
        Assert.Contains("4.00 s/step", TestConsole.TextOf([view.Line(view.Observe())]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10L, 450L, null, null, "epoch  1/10   44%  eta 0:43  100 steps/s  200/450  6.40k samples/s")]
    [InlineData(10L, 450L, 1000L, null, "epoch  1/10   44%  eta 0:08  100 steps/s  200/450  step   200/1,000  6.40k samples/s")]
    [InlineData(10L, 450L, null, 30, "epoch  1/10   44%  eta 0:28  100 steps/s  200/450  6.40k samples/s")]
    [InlineData(null, null, 1000L, null, "epoch 1   20%  eta 0:08  100 steps/s  step   200/1,000  6.40k samples/s")]
    [InlineData(null, null, null, 3600, "epoch 1  eta 59:58  100 steps/s  step 200  6.40k samples/s")]
    public void A_plain_line_says_what_the_limits_allow(long? epochs, long? batches, long? maxSteps, int? maxSeconds, string expected)
    {
        var run = Run(epochs, batches, new() { MaxEpochs = epochs, MaxSteps = maxSteps, MaxTime = maxSeconds is { } s ? TimeSpan.FromSeconds(s) : null });
        var view = new ProgressView(run);
        Train(run, view);
        Assert.Equal(expected + "\n", TestConsole.TextOf([view.Line(view.Observe())]));
    }

    [Fact]
    public void Without_unicode_lines_are_ascii()
    {
        var run = Run();
        var view = new ProgressView(run);
        Train(run, view);
        var text = TestConsole.TextOf(view.Frame(view.Observe(), 100), unicode: false);
        Assert.True(Ascii.IsValid(text), text);
        Assert.Contains("####", text, StringComparison.Ordinal);
    }
}
