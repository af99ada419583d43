using CsCheck;

namespace Raijin.DeepSpeed.Tests;

public sealed class ElasticityTests
{
    static readonly ElasticityOptions Published = new() { MaxTrainBatchSize = 10_000, MicroBatchSizes = [8, 12, 16, 17], MinRanks = 32, MaxRanks = 1500, Version = 0.1 };

    [Fact]
    public void The_published_example_has_the_published_batch()
    {
        var batch = DeepSpeedElasticity.Batch(Published, 64);
        Assert.Equal((9792, 23, 17), (batch.TrainBatchSize, batch.Ranks.Count, batch.MicroBatchSize));
        Assert.DoesNotContain(128, batch.Ranks);
        Assert.All(batch.Ranks, ranks => Assert.Contains(Published.MicroBatchSizes, size => 9792 % ranks == 0 && 9792 / ranks % size == 0));
    }

    // By the definition: every number of ranks tried, every composite number tried.
    [Fact]
    public void The_batch_is_the_one_that_most_numbers_of_ranks_divide() => Gen.Select(Gen.Int[1, 12].Array[1, 4], Gen.Int[12, 400], Gen.Int[1, 4], Gen.Int[5, 60], Gen.Bool).Sample((sizes, most, min, max, larger) =>
    {
        int[] composite = [1, 2, 4, 6, 12, 24, 36, 48, 60, 120, 180, 240, 360];
        var lcm = Enumerable.Range(1, int.MaxValue - 1).First(n => sizes.All(size => n % size == 0));
        var candidates = sizes.Append(lcm).Where(b => b <= most).Select(b => composite.Last(c => c * b <= most) * b).Distinct().Order().ToList();
        (int Batch, List<int> Ranks) best = (sizes.Min(), []);
        foreach (var batch in candidates)
        {
            var ranks = Enumerable.Range(min, max - min + 1).Where(n => sizes.Any(size => batch % size == 0 && batch / size % n == 0)).ToList();
            if (ranks.Count > best.Ranks.Count || (ranks.Count == best.Ranks.Count && (larger ? batch > best.Batch : batch < best.Batch))) best = (batch, ranks);
        }
        var actual = DeepSpeedElasticity.Batch(new() { MaxTrainBatchSize = most, MicroBatchSizes = sizes, MinRanks = min, MaxRanks = max, PreferLargerBatch = larger, Version = 0.1 }, 1);
        Assert.Equal(best.Batch, actual.TrainBatchSize);
        Assert.Equal(best.Ranks, actual.Ranks);
    }, iter: 300);

    [Fact]
    public void Hosts_count_in_version_2()
    {
        var options = new ElasticityOptions { MaxTrainBatchSize = 10_000, MicroBatchSizes = [8, 12, 16, 17], MinRanks = 32, MaxRanks = 1500, RanksPerHost = 8, ModelParallelSize = 4, Version = 0.2 };
        var batch = DeepSpeedElasticity.Batch(options, 64);
        Assert.All(batch.Ranks, ranks => Assert.Equal(0, ranks % 2));
        Assert.Contains(16, batch.Ranks);
        Assert.True(batch.TrainBatchSize <= 10_000);
        // 16 data-parallel ranks fit; 22 hosts don't: their own batch, as large as it goes.
        var odd = DeepSpeedElasticity.Batch(options, 23 * 8);
        Assert.Equal([46], odd.Ranks);
        Assert.Equal(46 * 8 * (10_000 / (46 * 8)), DeepSpeedElasticity.Batch(options with { MicroBatchSizes = [8] }, 23 * 8).TrainBatchSize);
    }

    [Fact]
    public void The_next_number_of_ranks_is_the_largest_that_is_left()
    {
        var batch = new ElasticBatch(48, [1, 2, 3, 4, 6, 8, 12], 4);
        Assert.Equal([null, 1, 4, 4, 8, 12], ((int[])[0, 1, 4, 5, 11, 99]).Select(batch.RanksWithin));
    }

    [Theory]
    [InlineData(128, "elasticity.enabled: allows 32, 34, 36, 48, 51, 64, 68, 72, 96, 102, 136, 144, … ranks for its batch of 9792, but 128 are there (ds.json line 1, column 19)")]
    [InlineData(64, null)]
    public void A_number_of_ranks_that_does_not_fit_is_refused(int ranks, string? expected) => Assert.Equal(expected is null ? [] : [expected], Samples.Faults(Samples.Elastic, ranks));

    [Fact]
    public void A_batch_size_beside_it_is_an_error()
    {
        const string Text = """{ "train_batch_size": 4, "elasticity": { "enabled": true } }""";
        Assert.Equal(["train_batch_size: stands beside elasticity, which decides it: leave one out, or set elasticity.ignore_non_elastic_batch_info (ds.json line 1, column 3)"], Samples.Faults(Text));
        Assert.Empty(Samples.Faults(Text.Replace("true }", "true, \"ignore_non_elastic_batch_info\": true }", StringComparison.Ordinal)));
    }

    [Fact]
    public void Ranks_that_hold_one_model_among_them_are_not_there_yet()
    {
        var run = DeepSpeedConfig.Parse("""{ "elasticity": { "enabled": true, "num_gpus_per_node": 4, "model_parallel_size": 2 } }""", "ds.json").Resolve(4);
        Assert.Equal("elasticity.model_parallel_size = 2 is not available: there is no model parallelism yet: every rank sees other samples. In its place: 1", Assert.Single(run.Unavailable.Select(fault => $"{fault.Key} {fault.Message}")));
    }

    [Fact]
    public void What_cannot_be_is_named() => Assert.Equal(
        ["elasticity.version", "elasticity.micro_batch_sizes", "elasticity.num_gpus_per_node"],
        new ElasticityOptions { Version = 0.3, MicroBatchSizes = [], RanksPerHost = 3, ModelParallelSize = 2 }.Faults().Select(fault => fault.Key));
}
