using Raijin.Collectives;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Ranks;

/// <summary>Ranks search together, find the same, and go on with the weights they had.</summary>
public sealed class RankFinderTests
{
    sealed class Model : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _first = Linear(8, 16);
        readonly Module<Tensor, Tensor> _last = Linear(16, 3);

        /// <summary>The batch size above which there is no memory.</summary>
        public int? Exhausts { get; init; }

        public Exception? Fails { get; init; }

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            var hidden = functional.relu(_first.call(batch.Inputs));
            if (batch.Count > Exhausts) throw Fails ?? new OutOfMemoryException();
            return functional.cross_entropy(_last.call(hidden), batch.Labels);
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1, momentum: 0.9);
    }

    static Model[] Models(params int?[] exhausts) => [.. exhausts.Select(size => { Seed.Everything(3); return new Model { Exhausts = size }; })];

    static TrainerOptions Options(int stage) => Fixture.Quiet() with { Strategy = RankFit.Stage(stage) };

    [Theory]
    [InlineData(0, 20, 10)]
    [InlineData(0, 10, 10)]
    [InlineData(1, 20, 10)]
    [InlineData(2, 10, null)]
    [InlineData(3, 20, 10)]
    [InlineData(3, 10, 10)]
    public void The_batch_size_is_that_of_the_rank_with_the_least_memory(int stage, int first, int? second)
    {
        using var set = Fixture.Blobs(96);
        var models = Models(first, second);
        var before = Fixture.Weights(models[0]);
        var found = World.Run(2, world => new Trainer(Options(stage), world).FindBatchSize(models[world.Rank], size => set.Batches(size)), RankFit.Options with { CheckCalls = false });
        foreach (var of in found)
        {
            Assert.Equal(8, of.BatchSize);
            Assert.Equal([2, 4, 8, 16], of.Trials.Select(t => t.BatchSize));
            Assert.Equal([true, true, true, false], of.Trials.Select(t => t.Fits));
            Assert.Contains("is full", of.Trials[^1].Problem, StringComparison.Ordinal);
        }
        foreach (var model in models)
        {
            Fixture.AssertBitwise(before, Fixture.Weights(model));
            Assert.All(model.parameters(), p => Assert.True(p.requires_grad));
            model.Dispose();
        }
    }

    [Fact]
    public void A_failure_that_is_no_lack_of_memory_ends_the_search_on_all()
    {
        using var set = Fixture.Blobs(96);
        Seed.Everything(3);
        Model[] models = [new Model(), new Model { Exhausts = 5, Fails = new InvalidDataException("broken rows") }];
        var error = Assert.Throws<InvalidDataException>(() => World.Run(2, world => new Trainer(Options(0), world).FindBatchSize(models[world.Rank], size => set.Batches(size)), RankFit.Options with { CheckCalls = false }));
        Assert.Equal("broken rows", error.Message);
        foreach (var model in models) model.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void The_learning_rate_is_found_by_the_losses_of_all(int stage)
    {
        using var set = Fixture.Blobs(96);
        var finder = new LearningRateFinder { Maximum = 100, Steps = 40, Smoothing = 0.9 };
        var models = Models(null, null, null);
        var before = Fixture.Weights(models[0]);
        var alone = new Trainer(Fixture.Quiet()).FindLearningRate(models[2], set.Batches(16), finder);
        var found = World.Run(2, world => new Trainer(Options(stage), world).FindLearningRate(models[world.Rank], set.Batches(8), finder), RankFit.Options);
        foreach (var of in found)
        {
            Assert.Equal(found[0].Losses, of.Losses);
            Assert.Equal(alone.Losses.Count, of.Losses.Count);
            Assert.All(alone.Losses.Zip(of.Losses).Take(20), l => Assert.Equal(l.First, l.Second, 1e-5));
        }
        foreach (var model in models)
        {
            Fixture.AssertBitwise(before, Fixture.Weights(model));
            model.Dispose();
        }
    }
}
