using Raijin.Collectives;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Training.Tests.Ranks;

/// <summary>Each feature of the trainer on two ranks: no stage changes a bit of what it does, and it is what one rank does on as many samples.</summary>
public sealed class RankFeatureTests
{
    /// <summary>A feature: the options that ask for it, with callbacks of their own for each rank.</summary>
    /// <param name="Options">From the common ones.</param>
    /// <param name="Alone">How close one rank comes to it; null where one rank does something else.</param>
    sealed record Feature(Func<TrainerOptions, TrainerOptions> Options, float? Alone = 2e-6f)
    {
        public Func<int, PlainClassifier> Model { get; init; } = rank => new PlainClassifier { Rank = rank };
    }

    static readonly Dictionary<string, Feature> Features = new()
    {
        ["accumulation"] = new(o => o with { AccumulateGradients = 2 }),
        ["accumulation by a scheduler"] = new(o => o with { Callbacks = [new GradientAccumulationScheduler(new Dictionary<long, int> { [0] = 1, [1] = 2 })] }),
        ["clipping by norm"] = new(o => o with { ClipGradients = Clip.Norm(0.3) }),
        ["clipping by value"] = new(o => o with { ClipGradients = Clip.Value(0.02) }),
        ["an exponential average"] = new(o => o with { Callbacks = [new ExponentialMovingAverage(0.8)] }),
        ["an exponential average, now and then"] = new(o => o with { Callbacks = [new ExponentialMovingAverage(0.9, warmUp: true) { EverySteps = 2, StartAtStep = 3 }] }),
        ["a mean of weights"] = new(o => o with { Callbacks = [new StochasticWeightAveraging(0.5) { StartAtEpoch = 1, AnnealEpochs = 1 }] }),
        ["pruning over all layers"] = new(o => o with { Callbacks = [new ModelPruning { Prune = Every.Steps(3), Rounds = 3, Amount = 0.6 }] }),
        ["pruning layer by layer"] = new(o => o with { Callbacks = [new ModelPruning { Globally = false }] }),
        ["pruning of rows"] = new(o => o with { Callbacks = [new ModelPruning("*weight") { Method = PruningMethod.Structured(), Prune = Every.Steps(2), Rounds = 2 }] }),
        ["pruning of columns"] = new(o => o with { Callbacks = [new ModelPruning("*weight") { Method = PruningMethod.Structured(dim: 1, norm: 1), Amount = 0.3 }] }),
        ["pruning at random"] = new(o => o with { Callbacks = [new ModelPruning { Method = PruningMethod.Random, Prune = Every.Steps(2), Rounds = 4 }] }),
        ["pruning with a way back"] = new(o => o with { Callbacks = [new ModelPruning { Rewind = true }] }),
        ["passing over spikes"] = new(o => o with { Callbacks = [new SpikeDetection()] }) { Model = rank => new PlainClassifier { Rank = rank, Breaks = s => s.Run.Batches is 4 or 7 } },
        ["going back after spikes"] = new(o => o with { Callbacks = [new SpikeDetection { Action = SpikeAction.Rewind, SnapshotSteps = 3 }] }) { Model = rank => new PlainClassifier { Rank = rank, Breaks = s => s.Run.Batches is 5 or 8 } },
        ["a part that is frozen first"] = new(o => o with { Callbacks = [new BackboneFinetuning("_first.*") { UnfreezeAtEpoch = 1 }] }),
        ["a rate that follows a metric"] = new(o => o) { Model = rank => new PlainClassifier { Rank = rank, Optimizer = m => Optimizers.AdamW(m, 1e-2).With(new ReduceOnPlateau(Best.Min("val/loss")) { Patience = 0, Threshold = 0.5 }) } },
        ["converted weights"] = new(o => o with { Precision = Precision.BFloat16 }, Alone: 0.02f),
        ["automatic casts"] = new(o => o with { Precision = Precision.BFloat16Autocast }, Alone: 0.02f),
        ["the same few batches"] = new(o => o with { OverfitBatches = Limit.Batches(2) }, Alone: null),
        ["validation within epochs"] = new(o => o with { Validate = Every.Steps(2) }),
        ["an early end"] = new(o => o with { MaxEpochs = 30, Callbacks = [new EarlyStopping("val/loss", patience: 1) { MinDelta = 0.1 }] }),
        ["evaluation weights of its own"] = new(o => o) { Model = rank => new PlainClassifier { Rank = rank, Optimizer = m => Optimizers.ScheduleFreeAdamW(m, 1e-2) } },
    };

    static TrainerOptions Common => Fixture.Quiet() with { LeavesNothing = true, MaxEpochs = 2 };

    public static TheoryData<string, int> Cases()
    {
        var cases = new TheoryData<string, int>();
        foreach (var name in Features.Keys)
            for (var stage = 1; stage <= 3; stage++) cases.Add(name, stage);
        return cases;
    }

    static (FitResult Result, Dictionary<string, float[]> Weights)[] Fit(Feature feature, int ranks, int stage)
    {
        using var set = Fixture.Blobs(100);
        // Callbacks keep state: each rank makes its own.
        return RankFit.Run(ranks, _ => feature.Options(Common with { Strategy = RankFit.Stage(stage) }), set.Split(validation: 0.2).Batches(16 / ranks), feature.Model);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void No_stage_changes_what_a_feature_does(string name, int stage)
    {
        var feature = Features[name];
        var expected = Fit(feature, 2, 0);
        var actual = Fit(feature, 2, stage);
        for (var rank = 0; rank < 2; rank++)
        {
            // From stage 2 on accumulated gradients are summed in another order.
            if (stage >= 2 && name.StartsWith("accumulation", StringComparison.Ordinal)) RankFit.AssertClose(expected[0].Weights, actual[rank].Weights, 2e-6f);
            else Fixture.AssertBitwise(expected[0].Weights, actual[rank].Weights);
            Assert.Equal(expected[0].Result.Steps, actual[rank].Result.Steps);
            Assert.Equal(actual[0].Result.Metrics.OrderBy(m => m.Key), actual[rank].Result.Metrics.OrderBy(m => m.Key));
            Assert.Equal(expected[0].Result.Metrics["val/loss"], actual[rank].Result.Metrics["val/loss"], 1e-5);
        }
    }

    public static TheoryData<string> Names() => [.. Features.Where(f => f.Value.Alone is not null).Select(f => f.Key)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Two_ranks_do_what_one_does(string name)
    {
        var feature = Features[name];
        var alone = Fit(feature, 1, 0)[0];
        foreach (var (result, weights) in Fit(feature, 2, 0))
        {
            Assert.Equal(alone.Result.Steps, result.Steps);
            RankFit.AssertClose(alone.Weights, weights, feature.Alone!.Value);
            Assert.Equal(alone.Result.Metrics["val/loss"], result.Metrics["val/loss"], Math.Max(1e-5, feature.Alone.Value));
        }
    }

    [Fact]
    public void In_stage_3_each_rank_has_a_part_while_it_trains() => World.Run(2, world =>
    {
        using var set = Fixture.Blobs(100);
        using var model = new PlainClassifier();
        var held = 0L;
        var look = new LambdaCallback { TrainStart = run => { using (NewDisposeScope()) held = run.Sharded!.HeldParameters().Sum(p => p.Values.NumberOfElements); } };
        new Trainer(Common with { Strategy = Zero.Stage3, Callbacks = [look] }, world).Fit(model, set.Batches(8));
        Assert.InRange(held, 1, model.parameters().Sum(p => p.numel()) - 1);
    }, RankFit.Options);

    [Theory]
    [InlineData(0, "an exponential average")]
    [InlineData(2, "an exponential average")]
    [InlineData(3, "an exponential average")]
    [InlineData(3, "pruning over all layers")]
    [InlineData(3, "pruning of rows")]
    [InlineData(3, "pruning with a way back")]
    public void What_is_kept_beside_the_weights_is_in_the_checkpoint_whoever_goes_on(int stage, string name)
    {
        using var folder = new TemporaryFolder();
        using var set = Fixture.Blobs(100);
        var whole = Run(2, stage, "whole");
        Assert.All(Run(2, stage, "parts", stops: true), r => Assert.Equal(7, r.Result.Steps));
        foreach (var (result, weights) in Run(2, stage, "parts", Resume.Last))
        {
            Fixture.AssertBitwise(whole[0].Weights, weights);
            Assert.Equal(whole[0].Result.Metrics.OrderBy(m => m.Key), result.Metrics.OrderBy(m => m.Key));
        }
        Run(2, stage, "moved", stops: true);
        RankFit.AssertClose(whole[0].Weights, Run(1, 0, "moved", Resume.Last)[0].Weights, 5e-6f);

        (FitResult Result, Dictionary<string, float[]> Weights)[] Run(int ranks, int of, string output, Resume? resume = null, bool stops = false) => RankFit.Run(
            ranks,
            _ =>
            {
                var options = Features[name].Options(Fixture.Quiet(folder[output]) with { MaxEpochs = 3, Strategy = RankFit.Stage(of) });
                // A wish is obeyed after the next step.
                return stops ? options with { Callbacks = [.. options.Callbacks, new LambdaCallback { TrainStepEnd = s => { if (s.Run.Step == 6) s.Run.RequestStop("enough"); } }] } : options;
            },
            set.Split(validation: 0.2).Batches(16 / ranks), Features[name].Model, resume);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void An_evaluation_of_saved_averages_is_that_of_the_fit(int stage)
    {
        using var folder = new TemporaryFolder();
        using var set = Fixture.Blobs(100);
        var data = set.Split(validation: 0.2).Batches(8);
        var models = Enumerable.Range(0, 2).Select(_ => new PlainClassifier()).ToList();
        World.Run(2, world =>
        {
            var trainer = new Trainer(Fixture.Quiet(folder["run"]) with { Strategy = RankFit.Stage(stage), Callbacks = [new ExponentialMovingAverage(0.9)] }, world);
            var fit = trainer.Fit(models[world.Rank], data);
            var evaluation = trainer.Validate(models[world.Rank], data.Validation!, Weights.Last);
            Assert.Equal(fit.Metrics["val/loss"], evaluation.Metrics["val/loss"]);
        }, RankFit.Options);
        foreach (var model in models) model.Dispose();
    }
}
