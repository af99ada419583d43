using CsCheck;
using Raijin.Data.Tests.Loading;

namespace Raijin.Data.Tests.Order;

public sealed class SamplerTests
{
    static readonly double[] Weights = [0, 1, 2, 3, 0.5, 0, 3.5];

    [Fact]
    public void Weighted_draws_follow_the_weights()
    {
        const int draws = 100_000;
        var counts = new double[Weights.Length];
        foreach (var sample in Drawn(Sampler.Weighted(Weights, draws), seed: 3, epoch: 1)) counts[sample]++;
        Assert.Equal((0, 0), (counts[0], counts[5]));
        var chiSquare = Enumerable.Range(0, counts.Length).Where(i => Weights[i] > 0).Sum(i => Square(counts[i] - draws * Weights[i] / 10) / (draws * Weights[i] / 10));
        // 4 degrees of freedom: 18.5 is exceeded once in a thousand seeds, and this seed is fixed.
        Assert.InRange(chiSquare, 0, 18.5);
    }

    [Fact]
    public void Weights_count_by_their_proportions_alone() =>
        Assert.Equal(Drawn(Sampler.Weighted(Weights), 1, 0), Drawn(Sampler.Weighted([.. Weights.Select(weight => weight * 1e307)]), 1, 0));

    [Fact]
    public void Once_weighted_samples_come_once_each_and_heavy_ones_early()
    {
        var firsts = new double[Weights.Length];
        for (var epoch = 0; epoch < 20_000; epoch++)
        {
            var order = Drawn(Sampler.WeightedOnce(Weights), 5, epoch);
            if (epoch < 50) Assert.Equal([1, 2, 3, 4, 6], order.Order());
            firsts[order[0]]++;
        }
        var chiSquare = Enumerable.Range(0, firsts.Length).Where(i => Weights[i] > 0).Sum(i => Square(firsts[i] - 2000 * Weights[i]) / (2000 * Weights[i]));
        Assert.InRange(chiSquare, 0, 18.5);
    }

    [Fact]
    public void The_second_of_once_weighted_samples_follows_the_weights_of_those_left()
    {
        // First 1 then 0 has chance 3/4 · 1/1, and of three samples with weights 1, 1, 2: 2 then 0 has 2/4 · 1/2.
        var hits = Enumerable.Range(0, 20_000).Count(epoch => Drawn(Sampler.WeightedOnce([1, 1, 2]), 8, epoch) is [2, 0, 1]);
        Assert.InRange(hits / 20_000.0, 0.24, 0.26);
    }

    [Fact]
    public void Balancing_draws_every_class_equally_often_and_its_samples_evenly() =>
        Gen.Select(Gen.Int[1, 5].Array[1, 60], Gen.Enum<ClassBalance>(), Gen.ULong, Gen.Long[0, 5]).Sample((labels, balance, seed, epoch) =>
        {
            var keys = labels.Select(label => label * -7L).ToArray();
            var classes = keys.GroupBy(key => key).ToDictionary(group => group.Key, group => group.Count());
            var each = balance == ClassBalance.Oversample ? classes.Values.Max() : classes.Values.Min();
            var drawn = Drawn(Sampler.Balanced(keys, balance), seed, epoch);
            Assert.Equal(each * classes.Count, drawn.Length);
            foreach (var group in drawn.GroupBy(sample => keys[sample]))
            {
                Assert.Equal(each, group.Count());
                var times = group.GroupBy(sample => sample).Select(same => same.Count()).ToArray();
                Assert.InRange(times.Max() - times.Min(), 0, 1);
                Assert.Equal(Math.Min(each, classes[group.Key]), times.Length);
            }
        }, iter: 300);

    [Fact]
    public void Epochs_that_undersample_draw_others_of_the_frequent_classes()
    {
        var sampler = Sampler.Balanced([.. Enumerable.Range(0, 1000).Select(i => i < 20 ? 0L : 1)], ClassBalance.Undersample);
        Assert.True(Enumerable.Range(0, 20).SelectMany(epoch => Drawn(sampler, 1, epoch)).Distinct().Count() > 300);
    }

    [Fact]
    public void Any_part_of_an_epoch_is_drawn_alone() =>
        Gen.Select(Gen.Int[0, 2], Gen.ULong, Gen.Long[0, 9], Gen.Int[0, 6]).Sample((kind, seed, epoch, first) =>
        {
            var sampler = Kind(kind);
            var whole = Drawn(sampler, seed, epoch);
            first = Math.Min(first, whole.Length);
            var tail = new long[whole.Length - first];
            sampler.Order(seed, epoch).Fill(first, tail);
            Assert.Equal(whole[first..], tail);
        }, iter: 200);

    [Fact]
    public void Sampled_loaders_resume_and_share_like_any_other() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[1, 3], Gen.Int[1, 3], Gen.ULong).Sample((kind, batch, world, seed) =>
        {
            using var set = Read.Numbered(Weights.Length);
            var loader = set.Batches(new LoaderOptions { BatchSize = batch, Seed = seed, Sampler = Kind(kind), Remainder = Remainder.Exact });
            var all = new List<long>();
            for (var rank = 0; rank < world; rank++)
            {
                var whole = Read.Labels(loader.Shard(rank, world), epoch: 2);
                for (var first = 0; first <= whole.Count; first++) Assert.Equal(whole.Skip(first), Read.Labels(loader.Shard(rank, world), 2, first));
                all.AddRange(whole.SelectMany(samples => samples));
            }
            Assert.Equal(Drawn(Kind(kind), seed, 2).Order(), all.Order());
        }, iter: 40);

    [Fact]
    public void Faults_are_named()
    {
        Assert.Contains("weights[1] = -1", Assert.Throws<ArgumentException>(() => Sampler.Weighted([1, -1])).Message, StringComparison.Ordinal);
        Assert.Contains("None of the 2 weights", Assert.Throws<ArgumentException>(() => Sampler.Weighted([0, 0])).Message, StringComparison.Ordinal);
        Assert.Contains("3 draws", Assert.Throws<ArgumentException>(() => Sampler.WeightedOnce([1, 0, 1], 3)).Message, StringComparison.Ordinal);
        var error = Assert.Throws<InvalidOptionsException>(() => new EpochOrder(10, new LoaderOptions { BatchSize = 8, Shuffle = false, Sampler = Kind(0) }));
        Assert.Equal(["loader.sampler", "loader.shuffle", "loader.batchSize"], error.Faults.Select(fault => fault.Key));
        Assert.Null(new LoaderOptions { Sampler = Kind(0) }.ForEvaluation().Sampler);
    }

    [Fact]
    public void Fingerprints_tell_samplers_apart()
    {
        var options = new LoaderOptions { BatchSize = 2, Sampler = Sampler.Weighted([1, 2, 3]) };
        Assert.Matches("^3 samples, batch 2, drawn from 3 by weights [0-9a-f]{16} by seed 0, remainder Wrap, world 1$", new EpochOrder(3, options).Fingerprint);
        Assert.NotEqual(Sampler.Weighted([1, 2, 3]).Fingerprint, Sampler.Weighted([1, 2, 4]).Fingerprint);
    }

    static Sampler Kind(int kind) => kind switch
    {
        0 => Sampler.Weighted(Weights),
        1 => Sampler.WeightedOnce(Weights),
        _ => Sampler.Balanced([0, 0, 1, 0, 0, 1, 0]),
    };

    static long[] Drawn(Sampler sampler, ulong seed, long epoch)
    {
        var samples = new long[sampler.Draws];
        sampler.Order(seed, epoch).Fill(0, samples);
        return samples;
    }

    static double Square(double value) => value * value;
}
