using CsCheck;

namespace Raijin.Data.Tests.Order;

public sealed class EpochOrderTests
{
    // Samples, batch size (at most the samples), ranks, seed, epoch, shuffled.
    static readonly Gen<(long Count, int Batch, int World, ulong Seed, long Epoch, bool Shuffle)> Cases =
        Gen.Select(Gen.Long[1, 200], Gen.Int[1, 40], Gen.Int[1, 9], Gen.ULong, Gen.Long[0, 1000], Gen.Bool)
            .Select((count, batch, world, seed, epoch, shuffle) => (count, (int)Math.Min(batch, count), world, seed, epoch, shuffle));

    [Fact]
    public void Evaluation_sees_every_sample_exactly_once_over_all_ranks() => Cases.Sample(c =>
    {
        var ranks = Ranks(c, Remainder.Exact);
        Assert.Equal(All(c.Count), ranks.SelectMany(batches => batches).SelectMany(batch => batch).Order());
        Assert.InRange(ranks.Max(b => b.Count) - ranks.Min(b => b.Count), 0, 1);
        Assert.All(ranks.SelectMany(b => b), batch => Assert.InRange(batch.Length, 1, c.Batch));
    }, iter: 1000);

    [Fact]
    public void Training_gives_every_rank_as_much_and_leaves_nothing_out() => Cases.Sample(c =>
    {
        var ranks = Ranks(c, Remainder.Wrap);
        var sizes = ranks[0].Select(batch => batch.Length).ToArray();
        Assert.All(ranks, batches => Assert.Equal(sizes, batches.Select(batch => batch.Length)));
        var seen = ranks.SelectMany(b => b).SelectMany(b => b).ToArray();
        Assert.Equal(All(c.Count), seen.Distinct().Order());
        Assert.InRange(seen.Length - c.Count, 0, c.World - 1);
    }, iter: 1000);

    [Fact]
    public void One_rank_repeats_nothing_in_training() => Cases.Sample(c =>
        Assert.Equal(All(c.Count), Ranks(c with { World = 1 }, Remainder.Wrap)[0].SelectMany(b => b).Order()), iter: 300);

    [Fact]
    public void Dropping_leaves_full_batches_only_and_less_than_one_out() => Cases.Where(c => c.Count >= (long)c.Batch * c.World).Sample(c =>
    {
        var ranks = Ranks(c, Remainder.Drop);
        Assert.All(ranks, batches => Assert.Equal(c.Count / (c.Batch * c.World), batches.Count));
        Assert.All(ranks.SelectMany(b => b), batch => Assert.Equal(c.Batch, batch.Length));
        var seen = ranks.SelectMany(b => b).SelectMany(b => b).ToArray();
        Assert.Equal(seen.Length, seen.Distinct().Count());
    }, iter: 1000);

    [Fact]
    public void The_samples_of_a_step_do_not_depend_on_how_many_ranks_share_it() => Cases.Where(c => c.Batch * c.World <= c.Count).Sample(c =>
    {
        var alone = Ranks(c with { World = 1, Batch = c.Batch * c.World }, Remainder.Exact)[0];
        var shared = Ranks(c, Remainder.Exact);
        for (var step = 0; step < alone.Count; step++)
            Assert.Equal(alone[step], shared.SelectMany(batches => step < batches.Count ? batches[step] : []));
    }, iter: 300);

    [Fact]
    public void Epochs_and_seeds_have_orders_of_their_own()
    {
        var options = new LoaderOptions { BatchSize = 100 };
        var orders = new[] { Samples(options, 0), Samples(options, 1), Samples(options with { Seed = 1 }, 0) };
        Assert.Equal(3, orders.Select(order => string.Join(' ', order)).Distinct().Count());
        Assert.Equal(Samples(options, 1), Samples(options, 1));

        static long[] Samples(LoaderOptions options, long epoch)
        {
            var order = new EpochOrder(100, options);
            return order.OfEpoch(epoch).Fill(0, new long[100]).ToArray();
        }
    }

    [Fact]
    public void All_faults_of_the_options_are_named_at_once()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => new EpochOrder(0, new LoaderOptions { BatchSize = 0, Workers = -1, Timeout = TimeSpan.Zero, Remainder = (Remainder)9 }));
        Assert.Equal(["dataset", "loader.batchSize", "loader.remainder", "loader.workers", "loader.timeout"], error.Faults.Select(fault => fault.Key));
    }

    [Fact]
    public void A_batch_larger_than_the_set_is_refused_with_both_numbers()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => new EpochOrder(10, new LoaderOptions { BatchSize = 64 }));
        Assert.Contains("loader.batchSize    = 64, but the dataset has 10 samples; give at most that", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ranks_that_cannot_fill_one_batch_together_are_refused_when_the_rest_is_dropped()
    {
        var order = new EpochOrder(100, new LoaderOptions { BatchSize = 40, Remainder = Remainder.Drop });
        var error = Assert.Throws<InvalidOptionsException>(() => order.Shard(0, 4));
        Assert.Contains("= 40 on 4 ranks takes 160 samples, but the dataset has 100", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ranks_are_checked()
    {
        var order = new EpochOrder(100, new LoaderOptions());
        Assert.Throws<ArgumentOutOfRangeException>(() => order.Shard(2, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => order.Shard(-1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => order.Shard(0, 0));
        Assert.Throws<InvalidOperationException>(() => order.Shard(0, 2).Shard(0, 2));
    }

    static IEnumerable<long> All(long count) => Enumerable.Range(0, (int)count).Select(i => (long)i);

    static List<List<long[]>> Ranks((long Count, int Batch, int World, ulong Seed, long Epoch, bool Shuffle) c, Remainder remainder)
    {
        var all = new EpochOrder(c.Count, new LoaderOptions { BatchSize = c.Batch, Seed = c.Seed, Shuffle = c.Shuffle, Remainder = remainder });
        return [.. Enumerable.Range(0, c.World).Select(rank =>
        {
            var order = all.Shard(rank, c.World);
            var epoch = order.OfEpoch(c.Epoch);
            return Enumerable.Range(0, (int)order.Batches).Select(batch => epoch.Fill(batch, new long[c.Batch]).ToArray()).ToList();
        })];
    }
}
