using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Optimization;

public sealed class RunOptimizerTests
{
    static RunOptimizer Make(OptimizerSetup setup, Clip clip = default, LossScaler? scaler = null, long? totalSteps = null, long? stepsPerEpoch = null) =>
        new(setup.Requests[0], clip, scaler, totalSteps, stepsPerEpoch, (algorithm, groups) => new FusedOptimizer(algorithm, groups));

    /// <summary>A line with given gradients, scaled by <paramref name="scale"/>, as backward would leave them.</summary>
    static void SetGradients(Module module, int step, double scale = 1)
    {
        using var scope = NewDisposeScope();
        var seed = 0;
        foreach (var parameter in module.parameters())
        {
            var values = new float[parameter.numel()];
            for (var i = 0; i < values.Length; i++) values[i] = (float)(Math.Sin((i + 1) * (step + 2) + seed) * scale);
            seed++;
            parameter.grad = tensor(values).reshape(parameter.shape);
        }
    }

    static Module<Tensor, Tensor> Line()
    {
        var line = Linear(8, 3);
        using var gradients = no_grad();
        var seed = 0;
        foreach (var parameter in line.parameters())
        {
            using var scope = NewDisposeScope();
            parameter.copy_(linspace(-1 + seed, 1, parameter.numel()).reshape(parameter.shape));
            seed++;
        }
        return line;
    }

    public static TheoryData<string, double> Clips => new() { { "none", 1 }, { "norm 0.5", 1 }, { "value 0.25", 1 }, { "norm 0.5", 1.5 }, { "none", 1024 }, { "norm 0.5", 1024 } };

    /// <summary>Three updates of Adam by a way of calling it.</summary>
    static (Dictionary<string, float[]> Weights, List<double?> Norms) Train(Clip clip, double scale, Func<RunOptimizer, double, double?> update)
    {
        using var line = Line();
        var scaler = scale == 1024 ? new LossScaler(new() { InitialScale = scale }) : null;
        using var optimizer = Make(Optimizers.AdamW(line, 0.05).With(Schedules.WarmupCosine(2)), clip, scaler, totalSteps: 3);
        var norms = new List<double?>();
        for (var step = 0; step < 3; step++)
        {
            SetGradients(line, step, scaler?.Scale ?? 1);
            norms.Add(update(optimizer, scale == 1.5 ? scale : 1));
        }
        Assert.All(line.parameters(), p => Assert.Null(p.grad));
        return (Fixture.Weights(line), norms);
    }

    [Theory]
    [MemberData(nameof(Clips))]
    public void The_parts_of_an_update_come_to_the_bits_of_the_whole(string clipText, double scale)
    {
        var clip = Clip.Parse(clipText, null);
        var whole = Train(clip, scale, (o, rescale) => o.Step(rescale));
        var parts = Train(clip, scale, (o, rescale) =>
        {
            o.Rescale(rescale);
            var measured = o.MeasureGradients();
            Assert.Equal(measured, o.ClipGradients(o.Clip));
            Assert.True(o.Update());
            o.AdvanceSchedule();
            o.ClearGradients();
            return measured;
        });
        Fixture.AssertBitwise(whole.Weights, parts.Weights);
        if (clip.ByNorm || scale == 1024) Assert.Equal(whole.Norms, parts.Norms);
    }

    [Theory]
    [MemberData(nameof(Clips))]
    public void A_step_after_clipping_by_hand_clips_no_second_time(string clipText, double scale)
    {
        var clip = Clip.Parse(clipText, null);
        var whole = Train(clip, scale, (o, rescale) => o.Step(rescale));
        var byHand = Train(Clip.Norm(1e-3), scale, (o, rescale) =>
        {
            o.Rescale(rescale);
            o.ClipGradients(clip);
            return o.Step();
        });
        Fixture.AssertBitwise(whole.Weights, byHand.Weights);
    }

    [Fact]
    public void A_loss_scale_changes_neither_norm_nor_weights()
    {
        // 1024 is a power of two: scaling by it and back loses nothing.
        var plain = Train(Clip.Norm(0.5), 1, (o, r) => o.Step(r));
        var scaled = Train(Clip.Norm(0.5), 1024, (o, r) => o.Step(r));
        Assert.All(plain.Norms.Zip(scaled.Norms), p => Assert.Equal(p.First!.Value, p.Second!.Value, 1e-6));
        foreach (var (name, values) in plain.Weights) Assert.All(values.Zip(scaled.Weights[name]), p => Assert.Equal(p.First, p.Second, 1e-6f));
    }

    [Fact]
    public void Of_several_clips_before_one_update_the_tighter_bound_holds_and_the_next_update_knows_none()
    {
        using var line = Line();
        using var optimizer = Make(Optimizers.Sgd(line, 1));
        var before = Fixture.Weights(line);
        SetGradients(line, 0);
        var norm = optimizer.ClipGradients(Clip.Norm(0.5))!.Value;
        Assert.Equal(norm, optimizer.ClipGradients(Clip.Norm(2)));
        optimizer.Update();
        var first = Fixture.Weights(line);
        Assert.Equal(0.5, Distance(before, first), 1e-5);
        // The gradients are still there, and not clipped.
        optimizer.Update();
        Assert.Equal(norm, Distance(first, Fixture.Weights(line)), 1e-5);
    }

    [Fact]
    public void An_overflow_skips_the_update_and_the_schedule_once_whichever_way_it_is_called()
    {
        foreach (var inParts in (bool[])[false, true])
        {
            using var line = Line();
            var scaler = new LossScaler(new() { InitialScale = 8, Hysteresis = 1 });
            using var optimizer = Make(Optimizers.Sgd(line, 1).With(Schedules.StepDecay(1, 0.5)), scaler: scaler);
            var before = Fixture.Weights(line);
            SetGradients(line, 0, double.PositiveInfinity);
            if (inParts)
            {
                Assert.False(double.IsFinite(optimizer.MeasureGradients()));
                Assert.False(optimizer.Update());
                optimizer.AdvanceSchedule();
                optimizer.ClearGradients();
            }
            else
            {
                Assert.False(double.IsFinite(optimizer.Step()!.Value));
            }
            Fixture.AssertBitwise(before, Fixture.Weights(line));
            Assert.Equal((0, 1.0, 4.0), (optimizer.Updates, optimizer.Groups[0].LearningRate, scaler.Scale));
        }
    }

    [Fact]
    public void An_update_without_advancing_holds_the_rate()
    {
        using var line = Line();
        using var optimizer = Make(Optimizers.Sgd(line, 1).With(Schedules.StepDecay(1, 0.5)));
        SetGradients(line, 0);
        optimizer.Update();
        optimizer.Update();
        Assert.Equal(1.0, optimizer.Groups[0].LearningRate);
        optimizer.AdvanceSchedule();
        Assert.Equal(0.25, optimizer.Groups[0].LearningRate);
        Assert.Equal(1.0, optimizer.LastLearningRate(0));
    }

    [Fact]
    public void A_cycled_momentum_reaches_the_update()
    {
        using var line = Line();
        var schedule = Schedules.Cyclic(0.1, stepsUp: 4, minMomentum: 0.5, maxMomentum: 0.9);
        using var optimizer = Make(Optimizers.Adam(line, 0.1).With(schedule));
        using var fixedBeta = Line();
        for (var step = 0; step < 4; step++)
        {
            Assert.Equal(0.9 - 0.1 * step, optimizer.Groups[0].Momentum!.Value, 12);
            SetGradients(line, step);
            optimizer.Step();
        }
        using var other = Make(Optimizers.Adam(fixedBeta, 0.1).With(Schedules.Cyclic(0.1, stepsUp: 4, cycleMomentum: false)));
        for (var step = 0; step < 4; step++)
        {
            Assert.Null(other.Groups[0].Momentum);
            SetGradients(fixedBeta, step);
            other.Step();
        }
        Assert.True(Distance(Fixture.Weights(line), Fixture.Weights(fixedBeta)) > 1e-3);
    }

    [Fact]
    public void A_plateau_lowers_all_groups_and_multiplies_their_schedules()
    {
        using var line = Line();
        var setup = Optimizers.Sgd(line, 1).Group("bias", ["bias"], 0.5, schedule: Schedules.Hold(0.5, 1000)).With(Schedules.ReduceOnPlateau(Best.Min("val/loss"), 0.1, patience: 1));
        using var optimizer = Make(setup);
        double[] Rates() => [.. optimizer.Groups.Select(g => g.LearningRate)];
        void Observe(double loss) => optimizer.Observe(new Dictionary<string, double> { ["val/loss"] = loss, ["val/accuracy"] = 1 });
        Observe(1);
        Observe(1);
        Assert.Equal([1, 0.25], Rates());
        Observe(1);
        Assert.Equal([0.1, 0.025], Rates());
    }

    [Fact]
    public void A_metric_that_nothing_logs_is_named_with_what_is_logged_once_everything_came()
    {
        using var line = Line();
        using var optimizer = Make(Optimizers.Sgd(line, 1).With(Schedules.ReduceOnPlateau(Best.Min("val/los"))));
        optimizer.Observe(new Dictionary<string, double> { ["val/loss"] = 1 });
        var error = Assert.Throws<InvalidOptionsException>(() => optimizer.Observe(new Dictionary<string, double> { ["train/loss"] = 1 }, complete: true));
        Assert.Contains("watches val/los, which nothing logs; logged so far: train/loss, val/loss", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Own_clipping_sees_the_gradients_of_the_loss_and_nothing_is_unscaled_after_it()
    {
        var plain = Train(Clip.None, 1, (o, r) => o.Step(r));
        var own = Train(Clip.Norm(1e-3), 1024, (o, r) =>
        {
            o.OwnClipping = optimizer => Assert.Equal(optimizer.Updater.MeasureGradients().Norm, optimizer.MeasureGradients());
            return o.Step(r);
        });
        // A power of two: scaled and unscaled, the gradients have the same bits.
        Fixture.AssertBitwise(plain.Weights, own.Weights);
        Assert.All(own.Norms, norm => Assert.InRange(norm!.Value, 1, 10));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(11)]
    public void Resumed_from_a_checkpoint_plateau_and_sequence_give_the_same_rates(int stop)
    {
        using var folder = new TemporaryFolder();
        double[] losses = [5, 4, 4, 4, 3, 3, 3, 3, 3, 2, 2, 2];
        static OptimizerSetup Setup(Module<Tensor, Tensor> m) => Optimizers.Sgd(m, 0.1, momentum: 0.9)
            .With(Schedules.Sequential(Schedules.Warmup(3), (3, Schedules.Cyclic(0.2, 2)), (8, Schedules.Exponential(0.9))))
            .With(Schedules.ReduceOnPlateau(Best.Min("val/loss"), 0.5, patience: 1) with { Cooldown = 1 });

        var whole = new List<(double, double?)>();
        using (var fabric = Fabric.Launch(new() { Device = DeviceChoice.Cpu }))
        {
            var (line, optimizer) = fabric.Setup(Line(), Setup);
            for (var n = 0; n < losses.Length; n++) Advance(line, optimizer, n, whole);
            line.Dispose();
        }

        var pieces = new List<(double, double?)>();
        using (var fabric = Fabric.Launch(new() { Device = DeviceChoice.Cpu }))
        {
            var (line, optimizer) = fabric.Setup(Line(), Setup);
            for (var n = 0; n < stop; n++) Advance(line, optimizer, n, pieces);
            fabric.Save(folder["stop"], line);
            line.Dispose();
        }
        using var resumed = Fabric.Launch(new() { Device = DeviceChoice.Cpu });
        var (again, itsOptimizer) = resumed.Setup(Line(), Setup);
        resumed.Load(folder["stop"], again);
        for (var n = stop; n < losses.Length; n++) Advance(again, itsOptimizer, n, pieces);
        again.Dispose();

        Assert.Equal(whole, pieces);
        Assert.True(whole[^1].Item1 < 0.9 * 0.05);

        void Advance(Module<Tensor, Tensor> line, RunOptimizer optimizer, int n, List<(double, double?)> seen)
        {
            seen.Add((optimizer.Groups[0].LearningRate, optimizer.Groups[0].Momentum));
            SetGradients(line, n);
            optimizer.Step();
            optimizer.Observe(new Dictionary<string, double> { ["val/loss"] = losses[n] });
        }
    }

    [Fact]
    public void A_checkpoint_without_a_plateaus_memory_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var fabric = Fabric.Launch(new() { Device = DeviceChoice.Cpu });
        using var line = Line();
        var (_, _) = fabric.Setup(line, m => Optimizers.Sgd(m, 0.1));
        fabric.Save(folder["plain"], line);
        using var other = Fabric.Launch(new() { Device = DeviceChoice.Cpu });
        using var again = Line();
        var (_, _) = other.Setup(again, m => Optimizers.Sgd(m, 0.1).With(Schedules.ReduceOnPlateau(Best.Min("val/loss"))));
        Assert.Contains("holds 0 schedules that follow a metric", Assert.Throws<CheckpointException>(() => other.Load(folder["plain"], again)).Message, StringComparison.Ordinal);
    }

    static double Distance(Dictionary<string, float[]> a, Dictionary<string, float[]> b) =>
        Math.Sqrt(a.Sum(p => p.Value.Zip(b[p.Key], (x, y) => Math.Pow((double)x - y, 2)).Sum()));
}
