using Raijin.Testing;

namespace Raijin.Training.Tests.Ranks;

/// <summary>A run of several ranks that was stopped goes on with the same bits; with another number of ranks or another stage it goes on at the same sample.</summary>
public sealed class RankResumeTests
{
    static TrainerOptions Options(string folder, int stage, bool inBackground = true) => Fixture.Quiet(folder) with
    {
        MaxEpochs = 3,
        Strategy = RankFit.Stage(stage),
        ClipGradients = Clip.Norm(1),
        Callbacks = [new ModelCheckpoint { Save = Every.Steps(1), KeepLast = 1000, InBackground = inBackground }],
    };

    static (FitResult Result, Dictionary<string, float[]> Weights)[] Run(int ranks, string folder, int stage, int? stopAfter, Resume? resume, int batch)
    {
        using var set = Fixture.Blobs(100);
        using var stop = new CancellationTokenSource();
        return RankFit.Run(
            ranks, _ => Options(folder, stage), set.Split(validation: 0.2).Batches(batch),
            rank => new PlainClassifier { Rank = rank, OnStep = s => { if (rank == ranks - 1 && s.Index + 1 == stopAfter) stop.Cancel(); } }, resume, _ => stop.Token);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Resumed_after_any_step_weights_and_metrics_are_those_of_an_undisturbed_run(int stage)
    {
        using var folder = new TemporaryFolder();
        var whole = Run(2, folder["whole"], stage, null, null, 8);
        for (var stop = 1; stop < whole[0].Result.Steps; stop += 3)
        {
            var first = Run(2, folder[$"stopped-{stop}"], stage, stop, null, 8);
            Assert.All(first, r => Assert.Equal(stop, r.Result.Steps));
            var second = Run(2, folder[$"stopped-{stop}"], stage, null, Resume.Last, 8);
            for (var rank = 0; rank < 2; rank++)
            {
                Fixture.AssertBitwise(whole[rank].Weights, second[rank].Weights);
                Assert.Equal(whole[rank].Result.Metrics.OrderBy(m => m.Key), second[rank].Result.Metrics.OrderBy(m => m.Key));
            }
        }
    }

    [Theory]
    [InlineData(2, 0, 1, 0)]
    [InlineData(1, 0, 2, 3)]
    [InlineData(4, 2, 2, 0)]
    [InlineData(2, 3, 4, 1)]
    [InlineData(2, 3, 1, 0)]
    public void Resumed_by_another_number_of_ranks_it_goes_on_at_the_same_sample(int ranks, int stage, int nextRanks, int nextStage)
    {
        using var folder = new TemporaryFolder();
        var whole = Run(ranks, folder["whole"], stage, null, null, 16 / ranks)[0];
        Run(ranks, folder["moved"], stage, 7, null, 16 / ranks);
        foreach (var (result, weights) in Run(nextRanks, folder["moved"], nextStage, null, Resume.Last, 16 / nextRanks))
        {
            Assert.Equal(whole.Result.Steps, result.Steps);
            Assert.Equal(whole.Result.Samples, result.Samples);
            RankFit.AssertClose(whole.Weights, weights, 5e-6f);
            Assert.Equal(whole.Result.Metrics["train/accuracy"], result.Metrics["train/accuracy"]);
            Assert.Equal(whole.Result.Metrics["train/loss"], result.Metrics["train/loss"], 1e-5);
        }
    }

    [Fact]
    public void Where_batches_are_cut_otherwise_the_place_is_the_last_whole_batch_before()
    {
        using var folder = new TemporaryFolder();
        Run(2, folder["run"], 0, 3, null, 8);
        // 48 samples done; batches of 4 × 8 begin at 32: 16 samples are seen again, and the epoch of 80 has 48 left, in two steps; two epochs of three follow.
        var results = Run(4, folder["run"], 0, null, Resume.Last, 8);
        Assert.All(results, r => Assert.Equal(3 + 2 + 3 + 3, r.Result.Steps));
    }
}
