using Raijin.Collectives;
using Raijin.Testing;
using Raijin.Training.Tests.Panels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Ranks;

/// <summary>Steps that are not the usual ones, on ranks: several optimizers, a loss asked for again, overridden parts, parameters that are not there.</summary>
public sealed class RankStepTests
{
    static TrainerOptions Options(int stage) => Fixture.Quiet() with { LeavesNothing = true, MaxEpochs = 2, Strategy = RankFit.Stage(stage) };

    /// <summary>Fits a model on ranks that begin alike; gives each rank's weights.</summary>
    static Dictionary<string, float[]>[] Fit<TModel>(int ranks, Func<World, TrainerOptions> options, Func<TModel> make, int batch) where TModel : TrainingModule<LabeledBatch>
    {
        using var set = Fixture.Blobs(96);
        var models = Enumerable.Range(0, ranks).Select(_ => { Seed.Everything(5); return make(); }).ToList();
        try
        {
            World.Run(ranks, world => new Trainer(options(world), world).Fit(models[world.Rank], set.Batches(batch)), RankFit.Options);
            return [.. models.Select(Fixture.Weights)];
        }
        finally
        {
            foreach (var model in models) model.Dispose();
        }
    }

    /// <summary>Two networks with an optimizer each, one of which accumulates.</summary>
    sealed class Pair : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _encoder = Linear(8, 16);
        readonly Module<Tensor, Tensor> _head = Linear(16, 3);

        protected override void ManualStep(LabeledBatch batch, ManualStep step)
        {
            step.Update(_encoder, () => functional.cross_entropy(_head.call(_encoder.call(batch.Inputs)), batch.Labels));
            step.Accumulate(_head, 2, () => functional.cross_entropy(_head.call(_encoder.call(batch.Inputs)), batch.Labels));
        }

        protected override OptimizerSetup ConfigureOptimizers() => Raijin.Optimizers.Several(Raijin.Optimizers.AdamW(_encoder, 1e-2), Raijin.Optimizers.Sgd(_head, 0.1, momentum: 0.9));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Several_optimizers_take_turns(int stage)
    {
        var alone = Fit(1, _ => Options(0), () => new Pair(), 16)[0];
        foreach (var weights in Fit(2, _ => Options(stage), () => new Pair(), 8)) RankFit.AssertClose(alone, weights, 3e-6f);
    }

    sealed class Quadratic : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Linear(8, 3);

        public bool StrongWolfe { get; init; }

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Lbfgs(this, learningRate: 0.5, maxIterations: 5, history: 4, strongWolfe: StrongWolfe);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void L_bfgs_minimizes_the_mean_loss_of_all_ranks(bool strongWolfe)
    {
        Quadratic Make() => new() { StrongWolfe = strongWolfe };
        var alone = Fit(1, _ => Options(0), Make, 96)[0];
        var together = Fit(3, _ => Options(0), Make, 32);
        // A line search magnifies rounding.
        foreach (var weights in together) RankFit.AssertClose(alone, weights, 1e-4f);
        Fixture.AssertBitwise(together[0], together[1]);
        Fixture.AssertBitwise(together[0], together[2]);
    }

    [Fact]
    public void L_bfgs_needs_gradients_whole()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => Fit(2, _ => Options(1), () => new Quadratic(), 48));
        Assert.Contains("give strategy ddp", Assert.Single(error.Faults).Message, StringComparison.Ordinal);
    }

    /// <summary>Clips by itself, and skips microbatches, so that gradients need a factor besides.</summary>
    sealed class OwnClipping : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _first = Linear(8, 16);
        readonly Module<Tensor, Tensor> _last = Linear(16, 3);

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => functional.cross_entropy(_last.call(functional.relu(_first.call(batch.Inputs))), batch.Labels);

        protected override void ClipGradients(TrainStep step, RunOptimizer optimizer) => optimizer.ClipGradients(Clip.Norm(0.2));

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Clipping_of_ones_own_is_given_unscaled_gradients_in_every_stage(int stage)
    {
        // The last window of an epoch has two microbatches of four.
        var expected = Fit(2, _ => Options(0) with { AccumulateGradients = 4 }, () => new OwnClipping(), 8)[0];
        var alone = Fit(1, _ => Options(0) with { AccumulateGradients = 4 }, () => new OwnClipping(), 16)[0];
        RankFit.AssertClose(alone, expected, 2e-6f);
        foreach (var weights in Fit(2, _ => Options(stage) with { AccumulateGradients = 4 }, () => new OwnClipping(), 8)) RankFit.AssertClose(expected, weights, 2e-6f);
    }

    /// <summary>Uses a layer's weight without calling the layer.</summary>
    sealed class Reaching : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _first = Linear(8, 16);
        readonly Module<Tensor, Tensor> _last = Linear(16, 3);

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => functional.linear(batch.Inputs, _first.get_parameter("weight")!).square().mean() + _last.get_parameter("weight")!.square().mean();

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);
    }

    [Fact]
    public void A_parameter_used_outside_its_unit_is_told_with_what_to_do()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Fit(2, _ => Options(3), () => new Reaching(), 8));
        Assert.Contains("outside the call of its unit", error.Message, StringComparison.Ordinal);
        Assert.Contains("_first, _last", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void In_a_loop_of_ones_own_too() => World.Run(2, world =>
    {
        using var fabric = Fabric.Launch(new FabricOptions { World = world, Strategy = Zero.Stage3 with { UnitBytes = 1 }, Device = DeviceChoice.Cpu });
        using var model = Sequential(("first", Linear(8, 16)), ("second", Linear(16, 3)));
        fabric.Setup(model, m => Optimizers.Sgd(m, 0.1));
        using var step = fabric.Step();
        var loss = functional.linear(ones(2, 8), model.get_parameter("first.weight")!).sum();
        Assert.Contains("outside the call of its unit", Assert.Throws<InvalidOperationException>(() => fabric.Backward(loss)).Message, StringComparison.Ordinal);
    }, RankFit.Options);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Gradients_are_shown_whole(int stage)
    {
        using var folder = new TemporaryFolder();
        var shown = new ShownItems();
        var written = new bool[2];
        Fit(2, world => Options(stage) with
        {
            LeavesNothing = false,
            Checkpoints = false,
            Output = folder["run"],
            MaxEpochs = 1,
            Log = Every.Steps(3),
            Loggers = [world.Rank == 0 ? shown : new ShownItems()],
            Callbacks = [new GradientHistograms { Weights = true }, new LambdaCallback { TrainStepEnd = s => written[world.Rank] |= s.IsWritten }],
        }, () => new OwnClipping(), 16);
        Assert.Equal(
            ["gradients/_first.bias", "gradients/_first.weight", "gradients/_last.bias", "gradients/_last.weight", "weights/_first.bias", "weights/_first.weight", "weights/_last.bias", "weights/_last.weight"],
            shown.Items.Select(i => i.Item.Key).Order(StringComparer.Ordinal));
        Assert.Equal([16, 128, 3, 48], new[] { "_first.bias", "_first.weight", "_last.bias", "_last.weight" }.Select(n => (long)shown.Items.Select(i => i.Item).OfType<HistogramItem>().Single(i => i.Key == "gradients/" + n).Histogram.Count));
        // What one rank writes may take all to compute.
        Assert.Equal([true, true], written);
    }

    [Fact]
    public void A_trainer_says_which_rank_it_is() => World.Run(2, world =>
    {
        var trainer = new Trainer(Fixture.Quiet(), world);
        Assert.Equal((world.Rank, 2, world.Rank == 0), (trainer.Rank, trainer.WorldSize, trainer.IsRankZero));
    }, RankFit.Options);

    [Fact]
    public void A_trainer_alone_is_the_first_of_one()
    {
        var trainer = new Trainer(Fixture.Quiet());
        Assert.Equal((0, 1, true), (trainer.Rank, trainer.WorldSize, trainer.IsRankZero));
    }
}
