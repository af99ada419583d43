using Raijin.Testing;

namespace Raijin.Training.Tests.Ranks;

/// <summary>1-bit Adam, and coded gradients of stage 0, in runs: what a rank's codec has yet to give back is part of a checkpoint.</summary>
public sealed class RankOneBitTests
{
    const int Freeze = 3;

    static OptimizerSetup OneBit(PlainClassifier module) => Optimizers.OneBitAdam(module, 1e-2, Freeze, weightDecay: 0.01).With(Schedules.WarmupCosine(5));

    static (FitResult Result, Dictionary<string, float[]> Weights)[] Run(
        int ranks, TrainerOptions options, Func<PlainClassifier, OptimizerSetup> optimizer, int batch, int? stopAfter = null, Resume? resume = null)
    {
        using var set = Fixture.Blobs(100);
        using var stop = new CancellationTokenSource();
        return RankFit.Run(
            ranks, _ => options with { MaxEpochs = 3, Callbacks = [new ModelCheckpoint { Save = Every.Steps(1), KeepLast = 1000 }] }, set.Split(validation: 0.2).Batches(batch),
            rank => new PlainClassifier { Rank = rank, Optimizer = optimizer, OnStep = s => { if (rank == ranks - 1 && s.Index + 1 == stopAfter) stop.Cancel(); } }, resume, _ => stop.Token);
    }

    [Theory]
    [InlineData("1-bit Adam")]
    [InlineData("int4")]
    [InlineData("1 bit")]
    public void Resumed_after_any_step_the_errors_go_on_too(string coding)
    {
        var strategy = Zero.Stage0 with { GradientCodec = coding switch { "int4" => GradientCodec.Int4, "1 bit" => GradientCodec.OneBit, _ => GradientCodec.None } };
        Func<PlainClassifier, OptimizerSetup> optimizer = coding == "1-bit Adam" ? OneBit : m => Optimizers.AdamW(m, 1e-2);
        using var folder = new TemporaryFolder();
        TrainerOptions In(string name) => Fixture.Quiet(folder[name]) with { Strategy = strategy, ClipGradients = Clip.Norm(1) };
        var whole = Run(2, In("whole"), optimizer, 8);
        foreach (var stop in (int[])[2, Freeze, 5, 8])
        {
            Run(2, In($"{stop}"), optimizer, 8, stopAfter: stop);
            var second = Run(2, In($"{stop}"), optimizer, 8, resume: Resume.Last);
            for (var rank = 0; rank < 2; rank++) Fixture.AssertBitwise(whole[rank].Weights, second[rank].Weights);
        }
    }

    [Fact]
    public void Until_the_freeze_two_ranks_are_one_on_as_many_samples_and_later_all_have_the_same_weights()
    {
        var options = Fixture.Quiet() with { LeavesNothing = true, Validate = Every.Never };
        OptimizerSetup Plain(PlainClassifier module) => Optimizers.OneBitAdam(module, 1e-2, freezeSteps: 1000);
        RankFit.AssertClose(Run(1, options, Plain, 16)[0].Weights, Run(2, options, Plain, 8)[0].Weights, 2e-6f);
        var coded = Run(2, options, OneBit, 8);
        Fixture.AssertBitwise(coded[0].Weights, coded[1].Weights);
        Assert.NotEqual(Run(1, options, OneBit, 16)[0].Weights["_first.weight"], coded[0].Weights["_first.weight"]);
        Assert.True(coded[0].Result.Metrics["train/loss"] < 0.9, $"train/loss = {coded[0].Result.Metrics["train/loss"]}");
    }

    [Fact]
    public void A_run_of_two_ranks_goes_on_with_one()
    {
        using var folder = new TemporaryFolder();
        var options = Fixture.Quiet(folder["run"]);
        Run(2, options, OneBit, 8, stopAfter: 7);
        var second = Run(1, options, OneBit, 16, resume: Resume.Last)[0];
        Assert.Equal(15, second.Result.Steps);
        Assert.True(double.IsFinite(second.Result.Metrics["val/loss"]));
    }

    public static TheoryData<string, Strategy> Refused() => new()
    {
        { "stage 2 divides them: give strategy ddp, or AdamW with gradientCodec int4", Zero.Stage2 },
        { "keeps its moments in memory: leave out strategy.offloadOptimizer = disk:", Zero.Stage0 with { OffloadOptimizer = Tier.Disk("unused") } },
        { "leave out strategy.gradientCodec and strategy.gradientWire", Zero.Stage0 with { GradientWire = TorchSharp.torch.ScalarType.BFloat16 } },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_it_can_not_do_on_several_ranks_is_refused_with_the_remedy(string message, Strategy strategy)
    {
        var options = Fixture.Quiet() with { LeavesNothing = true, Strategy = strategy };
        Assert.Contains(message, Assert.Throws<InvalidOptionsException>(() => Run(2, options, OneBit, 8)).Message, StringComparison.Ordinal);
        // One rank sends nothing, and divides nothing.
        if (strategy.OffloadOptimizer == Tier.Device) Assert.Equal(15, Run(1, options, OneBit, 16)[0].Result.Steps);
    }

    [Fact]
    public void Its_momentum_is_not_cycled() => Assert.Contains(
        "the schedule cycleMomentum: false", Assert.Throws<InvalidOptionsException>(() => Run(1, Fixture.Quiet() with { LeavesNothing = true }, m => Optimizers.OneBitAdam(m).With(DeepSpeedSchedules.OneCycle(0.1)), 16)).Message, StringComparison.Ordinal);
}
