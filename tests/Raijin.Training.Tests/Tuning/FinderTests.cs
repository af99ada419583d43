using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Tuning;

public sealed class FinderTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(96);

    public void Dispose() => _set.Dispose();

    sealed class Model : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Sequential(Linear(8, 16), ReLU(), Dropout(0.2), Linear(16, 3));

        public List<double> Rates { get; } = [];

        public int? Exhausts { get; init; }

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            if (batch.Count > Exhausts) throw new OutOfMemoryException();
            Rates.Add(step.Run.Optimizers[0].Groups[0].LearningRate);
            return functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1, momentum: 0.9).With(Schedules.WarmupCosine(5));
    }

    [Fact]
    public void The_rate_grows_by_a_factor_from_step_to_step_whatever_the_modules_schedule()
    {
        using var model = new Model();
        var found = new Trainer(Fixture.Quiet()).FindLearningRate(model, _set.Batches(16), new() { Minimum = 1e-6, Maximum = 1e-2, Steps = 5 });
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(1e-6 * Math.Pow(10, i), found.Rates[i], 1e-15);
            Assert.Equal(found.Rates[i], model.Rates[i], 1e-15);
        }
    }

    [Fact]
    public void The_suggestion_is_a_rate_that_trains_and_the_sweep_ends_where_the_loss_explodes()
    {
        using var model = new Model();
        var found = new Trainer(Fixture.Quiet()).FindLearningRate(model, _set.Batches(16), new() { Maximum = 1000, Smoothing = 0.9 });
        Assert.InRange(found.Suggestion!.Value, 1e-4, 10);
        Assert.Contains(found.StopReason, new[] { "the loss exploded", "the loss is not finite any more" });
        Assert.True(found.Rates.Count < 100);
        var png = found.Chart().Png();
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], png[..4]);
    }

    [Fact]
    public void The_suggestion_is_where_the_loss_falls_fastest()
    {
        // A logistic fall around the 40th rate.
        var rates = Enumerable.Range(0, 80).Select(i => 1e-6 * Math.Pow(1.2, i)).ToList();
        var losses = rates.Select((_, i) => 2.0 / (1 + Math.Exp((i - 40) / 5.0))).ToList();
        Assert.Equal(rates[40], new FoundLearningRate { Rates = rates, Losses = losses, StopReason = "" }.Suggestion);
        Assert.Null(new FoundLearningRate { Rates = rates, Losses = [.. losses.Reverse<double>()], StopReason = "" }.Suggestion);
    }

    [Fact]
    public void Weights_and_random_state_are_as_before()
    {
        using var model = new Model();
        using var untouched = new Model();
        untouched.load_state_dict(model.state_dict());
        var trainer = new Trainer(Fixture.Quiet());
        var random = get_rng_state();
        var before = random.data<byte>().ToArray();
        trainer.FindLearningRate(model, _set.Batches(16), new() { Steps = 10 });
        var after = get_rng_state();
        Assert.Equal(before, after.data<byte>().ToArray());
        Fixture.AssertBitwise(Fixture.Weights(untouched), Fixture.Weights(model));
        random.Dispose();
        after.Dispose();
    }

    [Fact]
    public void Sixteen_bit_weights_come_back_unrounded()
    {
        using var model = new Model();
        var before = Fixture.Weights(model);
        new Trainer(Fixture.Quiet() with { Precision = Precision.BFloat16 }).FindLearningRate(model, _set.Batches(16), new() { Steps = 3 });
        Fixture.AssertBitwise(before, Fixture.Weights(model));
    }

    [Fact]
    public void Doubling_ends_at_the_last_size_that_there_is_memory_for()
    {
        using var model = new Model { Exhausts = 20 };
        var found = new Trainer(Fixture.Quiet()).FindBatchSize(model, size => _set.Batches(size));
        Assert.Equal(16, found.BatchSize);
        Assert.Equal([2, 4, 8, 16, 32], found.Trials.Select(t => t.BatchSize));
        Assert.Equal([true, true, true, true, false], found.Trials.Select(t => t.Fits));
        Assert.Contains("is full", found.Trials[^1].Problem);
    }

    [Fact]
    public void Halving_the_gap_comes_closer()
    {
        using var model = new Model { Exhausts = 21 };
        var found = new Trainer(Fixture.Quiet()).FindBatchSize(model, size => _set.Batches(size), new() { Search = BatchSizeSearch.Binary });
        Assert.Equal(21, found.BatchSize);
        Assert.Equal([2, 4, 8, 16, 32, 24, 20, 22, 21], found.Trials.Select(t => t.BatchSize));
    }

    [Fact]
    public void Nothing_is_tried_that_would_not_fit_by_what_was_seen()
    {
        var asked = new List<int>();
        var finder = new BatchSizeFinder { Maximum = 64 };
        BatchSizeTrial Attempt(int size, IReadOnlyList<BatchSizeTrial> before)
        {
            asked.Add(size);
            return new(size, size <= 64, null, size * 1000, 0);
        }
        Assert.Equal(64, finder.Run(Attempt).BatchSize);
        Assert.Equal([2, 4, 8, 16, 32, 64], asked);
    }

    [Fact]
    public void A_model_that_has_no_memory_for_the_first_size_has_no_answer()
    {
        using var model = new Model { Exhausts = 1 };
        var found = new Trainer(Fixture.Quiet()).FindBatchSize(model, size => _set.Batches(size));
        Assert.Null(found.BatchSize);
        Assert.Single(found.Trials);
    }

    [Fact]
    public void Settings_that_cannot_be_are_refused_together()
    {
        using var model = new Model();
        var error = Assert.Throws<InvalidOptionsException>(() => new Trainer(Fixture.Quiet()).FindLearningRate(model, _set.Batches(16), new() { Minimum = 0, Steps = 1, StopFactor = 0.5 }));
        Assert.Equal(["learningRateFinder.minimum", "learningRateFinder.steps", "learningRateFinder.stopFactor"], error.Faults.Select(f => f.Key));
    }
}
