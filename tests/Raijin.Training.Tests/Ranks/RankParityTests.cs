namespace Raijin.Training.Tests.Ranks;

/// <summary>What several ranks reach together is what one reaches alone on as many samples; and no strategy changes a bit of it.</summary>
public sealed class RankParityTests
{
    // 80 samples to train on, 20 to validate. Means of means and one mean over all differ by rounding, no more.
    const float Rounding = 2e-6f;

    static DataLoaders<LabeledBatch> Data(LabeledDataset set, int batch) => set.Split(validation: 0.2).Batches(batch);

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Ranks_reach_what_one_reaches_on_batches_as_large_as_theirs_together(int ranks)
    {
        using var set = Fixture.Blobs(100);
        var options = Fixture.Quiet() with { Checkpoints = false, Output = "unused", FastDevRun = 0, ClipGradients = Clip.Norm(0.5) };
        var alone = RankFit.Run(1, _ => options with { LeavesNothing = true }, Data(set, 16))[0];
        var together = RankFit.Run(ranks, _ => options with { LeavesNothing = true }, Data(set, 16 / ranks));
        foreach (var (result, weights) in together)
        {
            Assert.Equal(alone.Result.Steps, result.Steps);
            Assert.Equal(alone.Result.Samples, result.Samples);
            RankFit.AssertClose(alone.Weights, weights, Rounding);
            Assert.Equal(alone.Result.Metrics["val/samples"], result.Metrics["val/samples"]);
            Assert.Equal(alone.Result.Metrics["val/accuracy"], result.Metrics["val/accuracy"]);
            Assert.Equal(alone.Result.Metrics["train/accuracy"], result.Metrics["train/accuracy"]);
            Assert.Equal(alone.Result.Metrics["val/loss"], result.Metrics["val/loss"], 1e-5);
            Assert.Equal(alone.Result.Metrics["train/loss"], result.Metrics["train/loss"], 1e-5);
            Assert.Equal(alone.Result.Metrics["val/highest"], result.Metrics["val/highest"], 1e-5);
            Assert.Equal(alone.Result.Metrics["val/lowest"], result.Metrics["val/lowest"], 1e-5);
            Assert.Equal(7.0, result.Metrics["val/first"]);
        }
        for (var rank = 1; rank < ranks; rank++)
        {
            Fixture.AssertBitwise(together[0].Weights, together[rank].Weights);
            Assert.Equal(together[0].Result.Metrics.OrderBy(m => m.Key), together[rank].Result.Metrics.OrderBy(m => m.Key));
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(1, 3)]
    [InlineData(2, 3)]
    [InlineData(3, 3)]
    public void Every_stage_reaches_the_bits_of_data_parallelism(int stage, int accumulate)
    {
        using var set = Fixture.Blobs(100);
        TrainerOptions Options(int of) => Fixture.Quiet() with { LeavesNothing = true, Strategy = RankFit.Stage(of), ClipGradients = Clip.Norm(0.5), AccumulateGradients = accumulate };
        var expected = RankFit.Run(2, _ => Options(0), Data(set, 8));
        var actual = RankFit.Run(2, _ => Options(stage), Data(set, 8));
        foreach (var (result, weights) in actual)
        {
            // Gradients that accumulate after they were reduced, as they are where they lie divided, add up in another order.
            if (accumulate == 1 || stage == 1) Fixture.AssertBitwise(expected[0].Weights, weights);
            else RankFit.AssertClose(expected[0].Weights, weights, Rounding);
            Assert.Equal(expected[0].Result.Steps, result.Steps);
            Assert.Equal(expected[0].Result.Metrics["val/accuracy"], result.Metrics["val/accuracy"]);
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 5)]
    [InlineData(3, 1)]
    [InlineData(3, 5)]
    public void An_evaluation_counts_every_sample_once_though_ranks_have_fewer_batches_or_none(int stage, int samples)
    {
        using var train = Fixture.Blobs(32);
        using var held = Fixture.Blobs(samples, seed: 9);
        var loader = held.Batches(new LoaderOptions { BatchSize = 1 }.ForEvaluation());
        var data = new DataLoaders<LabeledBatch>(train.Batches(new LoaderOptions { BatchSize = 4 }), loader);
        var options = Fixture.Quiet() with { LeavesNothing = true, MaxEpochs = 1, SanityValidationBatches = 1 };
        var results = RankFit.Run(3, _ => options with { Strategy = RankFit.Stage(stage) }, data);
        foreach (var (result, _) in results)
        {
            Assert.Equal(samples, result.Metrics["val/samples"]);
            Assert.Equal(results[0].Result.Metrics.OrderBy(m => m.Key), result.Metrics.OrderBy(m => m.Key));
        }

        // What one rank makes of the same weights.
        using var model = new PlainClassifier();
        using (TorchSharp.torch.no_grad())
        using (TorchSharp.torch.NewDisposeScope())
            foreach (var (name, tensor) in model.state_dict()) tensor.copy_(TorchSharp.torch.tensor(results[0].Weights[name]).reshape(tensor.shape));
        var alone = new Trainer(options).Validate(model, loader);
        Assert.Equal(alone.Metrics["val/accuracy"], results[0].Result.Metrics["val/accuracy"]);
        Assert.Equal(alone.Metrics["val/loss"], results[0].Result.Metrics["val/loss"], 1e-12);
        Assert.Equal(alone.Metrics["val/highest"], results[0].Result.Metrics["val/highest"]);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    public void A_microbatch_that_one_rank_passes_over_counts_for_none(int stage, int accumulate)
    {
        using var set = Fixture.Blobs(32);
        var data = set.Batches(new LoaderOptions { BatchSize = 4, Shuffle = false });
        var options = Fixture.Quiet() with { LeavesNothing = true, MaxEpochs = null, MaxSteps = 1, AccumulateGradients = accumulate, Strategy = RankFit.Stage(stage) };
        // Plain descent: the weights show the gradient.
        PlainClassifier Model(int rank, int skipped) => new() { Rank = rank, Skips = s => rank == skipped && s.Microbatch == accumulate - 1, Optimizer = m => Optimizers.Sgd(m, 1.0) };
        // A check waits where a call begins: a rank that reduces during backward would wait for one that has none.
        var together = RankFit.Run(2, _ => options, data, rank => Model(rank, skipped: 0), checks: false);
        Fixture.AssertBitwise(together[0].Weights, together[1].Weights);

        // One rank alone on the microbatches that were used: of each common batch of 8 the first rank has the first half.
        using var model = new PlainClassifier { Optimizer = m => Optimizers.Sgd(m, 1.0), Skips = s => s.Microbatch == (accumulate - 1) * 2 };
        Seed.Everything(5);
        using var first = new PlainClassifier();
        using (TorchSharp.torch.no_grad())
            foreach (var (name, tensor) in model.state_dict()) tensor.copy_(first.state_dict()[name]);
        new Trainer(Fixture.Quiet() with { LeavesNothing = true, MaxEpochs = null, MaxSteps = 1, AccumulateGradients = 2 * accumulate }).Fit(model, data);
        RankFit.AssertClose(Fixture.Weights(model), together[0].Weights, Rounding);
    }

    [Fact]
    public void A_stream_of_unknown_length_ends_its_epoch_on_all_ranks_together()
    {
        var loader = new Rows(30).Batches(new LoaderOptions { BatchSize = 4, Shuffle = false }, Rows.Collate);
        var options = Fixture.Quiet() with { LeavesNothing = true, MaxEpochs = 2, AccumulateGradients = 3 };
        var results = RankFit.Run(2, _ => options, loader, rank => new PlainClassifier { Rank = rank, Optimizer = m => Optimizers.Sgd(m, 0.1) });
        Assert.All(results, r => Assert.Equal(4, r.Result.Steps));
        Assert.All(results, r => Assert.Equal(60, r.Result.Samples));
        Fixture.AssertBitwise(results[0].Weights, results[1].Weights);
    }

    sealed class Rows(int count) : StreamDataset<int>
    {
        public override IEnumerable<int> Read(long epoch, long first, CancellationToken cancellationToken) => Enumerable.Range((int)first, count - (int)first);

        public static LabeledBatch Collate(IReadOnlyList<int> rows) => new(
            TorchSharp.torch.tensor(rows.SelectMany(r => Enumerable.Range(0, 8).Select(d => (float)Math.Sin(r + d))).ToArray()).reshape(rows.Count, 8),
            TorchSharp.torch.tensor(rows.Select(r => (long)(r % 3)).ToArray()));
    }
}
