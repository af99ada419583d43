using CsCheck;
using Raijin.Testing;

namespace Raijin.Training.Tests.Driving;

/// <summary>A run stopped anywhere and resumed ends with the bits of one that never stopped.</summary>
public sealed class ResumeTests
{
    const int Samples = 100;          // 7 batches of 16, the last of 4

    static TrainerOptions Options(string folder) => Fixture.Quiet(folder) with { MaxEpochs = 3, Callbacks = [new ModelCheckpoint { Save = Every.Steps(1), KeepLast = 1000, InBackground = false }] };

    static Dictionary<string, float[]> Train(TrainerOptions options, int? stopAfter, Resume? resume, out FitResult result)
    {
        using var set = Fixture.Blobs(Samples);
        using var stop = new CancellationTokenSource();
        var trainer = new Trainer(options);
        using var model = new SmallClassifier { OnStep = s => { if (s.Index + 1 == stopAfter) stop.Cancel(); } };
        result = trainer.Fit(model, set.Split(validation: 0.2).Batches(16), resume, stop.Token);
        return Fixture.Weights(model);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Resumed_after_any_step_the_weights_are_those_of_an_undisturbed_run(int accumulate)
    {
        using var folder = new TemporaryFolder();
        var expected = Train(Options(folder["whole"]) with { AccumulateGradients = accumulate }, null, null, out var whole);

        for (var stop = 1; stop < whole.Steps; stop++)
        {
            var options = Options(folder[$"stopped-{stop}"]) with { AccumulateGradients = accumulate };
            Train(options, stop, null, out var first);
            Assert.Equal(stop, first.Steps);
            Assert.Equal("cancelled", first.StopReason);
            var resumed = Train(options, null, Resume.Last, out var second);
            Fixture.AssertBitwise(expected, resumed);
            Assert.Equal(whole.Steps, second.Steps);
            Assert.Equal(whole.Metrics.OrderBy(m => m.Key), second.Metrics.OrderBy(m => m.Key));
        }
    }

    [Fact]
    public void Interrupted_at_several_random_steps_it_still_ends_with_the_same_bits()
    {
        using var folder = new TemporaryFolder();
        var expected = Train(Options(folder["whole"]), null, null, out var whole);
        var run = 0;
        Gen.Int[1, (int)whole.Steps - 1].Array[1, 4].Sample(stops =>
        {
            var options = Options(folder[$"run-{run++}"]);
            Resume? resume = null;
            foreach (var stop in stops.Distinct().Order())
            {
                Train(options, stop, resume, out _);
                resume = Resume.Last;
            }
            Fixture.AssertBitwise(expected, Train(options, null, resume, out _));
        }, iter: 10, threads: 1);
    }

    [Fact]
    public void A_finished_run_made_longer_equals_one_planned_so_long()
    {
        using var folder = new TemporaryFolder();
        TrainerOptions Long(string name) => Options(folder[name]) with { MaxEpochs = null, MaxSteps = 17 };
        // A constant rate: a schedule over the run's length is another schedule when the run is longer.
        static SmallClassifier Model() => new() { Optimizer = m => Optimizers.Adam(m, 1e-2) };
        using var set = Fixture.Blobs(Samples);
        var data = set.Split(validation: 0.2).Batches(16);

        using var planned = Build(Long("planned"), null);
        using var first = Build(Long("short") with { MaxSteps = 9 }, null);
        using var longer = Build(Long("short"), Resume.Last);
        Fixture.AssertBitwise(Fixture.Weights(planned), Fixture.Weights(longer));

        SmallClassifier Build(TrainerOptions options, Resume? resume)
        {
            var trainer = new Trainer(options);
            var model = Model();
            trainer.Fit(model, data, resume);
            return model;
        }
    }

    [Fact]
    public void With_nothing_to_resume_it_starts_afresh_and_says_so()
    {
        using var folder = new TemporaryFolder();
        var log = new ListLogger();
        Train(Options(folder["new"]) with { Logger = log }, null, Resume.Last, out var result);
        Assert.True(result.Steps > 0);
        Assert.Contains(log.Messages, m => m.Contains("Nothing to resume") && m.Contains("Starting afresh"));
    }

    [Fact]
    public void A_folder_that_holds_a_run_is_not_written_over()
    {
        using var folder = new TemporaryFolder();
        Train(Options(folder["run"]), null, null, out _);
        var error = Assert.Throws<InvalidOptionsException>(() => Train(Options(folder["run"]), null, null, out _));
        Assert.Contains("already holds a run", error.Message);
    }

    [Fact]
    public void Other_data_is_refused_with_both_descriptions()
    {
        using var folder = new TemporaryFolder();
        Train(Options(folder["run"]), 3, null, out _);
        using var set = Fixture.Blobs(Samples);
        using var model = new SmallClassifier();
        var error = Assert.Throws<CheckpointException>(() => new Trainer(Options(folder["run"])).Fit(model, set.Split(validation: 0.2).Batches(8), Resume.Last, TestContext.Current.CancellationToken));
        Assert.Contains("training loader", error.Message);
    }

    [Fact]
    public void A_damaged_last_checkpoint_is_passed_over_for_the_one_before()
    {
        using var folder = new TemporaryFolder();
        var expected = Train(Options(folder["whole"]), null, null, out _);
        var log = new ListLogger();
        var options = Options(folder["damaged"]) with { Logger = log };
        Train(options, 5, null, out var first);
        using (var file = new FileStream(Path.Combine(first.LastCheckpoint!, "model.safetensors"), FileMode.Open)) file.SetLength(file.Length - 1);

        Fixture.AssertBitwise(expected, Train(options, null, Resume.Last, out _));
        Assert.Contains(log.Messages, m => m.Contains("Passed over a damaged checkpoint") && m.Contains("model.safetensors"));

        // Asked for by name, it is refused, and the good one offered.
        using (var file = new FileStream(Path.Combine(first.LastCheckpoint!, "optimizer.safetensors"), FileMode.Open)) file.SetLength(0);
        using var set = Fixture.Blobs(Samples);
        using var model = new SmallClassifier();
        var error = Assert.Throws<CheckpointException>(() => new Trainer(Options(folder["other"])).Fit(model, set.Split(validation: 0.2).Batches(16), Resume.From(first.LastCheckpoint!)));
        Assert.Contains("step-", error.PreviousGood);
    }
}
