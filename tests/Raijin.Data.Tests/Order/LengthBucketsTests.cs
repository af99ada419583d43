using CsCheck;
using Raijin.Data.Tests.Loading;

namespace Raijin.Data.Tests.Order;

public sealed class LengthBucketsTests
{
    sealed record Case(int[] Lengths, int Batch, int World, int? Tokens, double Padding, ulong Seed, bool Shuffle, Remainder Remainder)
    {
        public LengthBuckets Buckets => new(Lengths) { MaxTokens = Tokens, MaxPadding = Padding };

        public LoaderOptions Options => new() { BatchSize = Batch, Seed = Seed, Shuffle = Shuffle, Remainder = Remainder };
    }

    static readonly Gen<Case> Cases = Gen.Select(Gen.Int[0, 50].Array[1, 120], Gen.Int[1, 12], Gen.Int[1, 5], Gen.Bool, Gen.Double[0, 0.9], Gen.ULong, Gen.Bool, Gen.Enum<Remainder>())
        .Select((lengths, batch, world, tokens, padding, seed, shuffle, remainder) =>
            new Case(lengths, Math.Min(batch, lengths.Length), world, tokens ? Math.Max(1, lengths.Max()) + 60 : null, padding, seed, shuffle, remainder));

    [Fact]
    public void Every_sample_comes_once_over_all_ranks() => Cases.Sample(c =>
    {
        var seen = Ranks(c with { Remainder = Remainder.Exact }, 3).SelectMany(batches => batches).SelectMany(batch => batch);
        Assert.Equal(Enumerable.Range(0, c.Lengths.Length).Select(i => (long)i), seen.Order());
    }, iter: 500);

    [Fact]
    public void Wrapping_gives_every_rank_a_batch_and_repeats_less_than_one_sample_a_rank() => Cases.Sample(c =>
    {
        var ranks = Ranks(c with { Remainder = Remainder.Wrap }, 3);
        Assert.All(ranks, batches => Assert.Equal(ranks[0].Count, batches.Count));
        var seen = ranks.SelectMany(batches => batches).SelectMany(batch => batch).ToArray();
        Assert.Equal(c.Lengths.Length, seen.Distinct().Count());
        Assert.InRange(seen.Length - c.Lengths.Length, 0, c.World - 1);
    }, iter: 500);

    [Fact]
    public void Dropping_repeats_nothing_and_fills_batches_where_they_have_a_size() => Cases.Sample(c =>
    {
        if (Orders(c with { Remainder = Remainder.Drop }) is not { } orders) return;
        var batches = orders.SelectMany(order => Batches(order, 3)).ToArray();
        var seen = batches.SelectMany(batch => batch).ToArray();
        Assert.Equal(seen.Length, seen.Distinct().Count());
        if (c.Tokens is null) Assert.All(batches, batch => Assert.Equal(c.Batch, batch.Length));
    }, iter: 500);

    [Fact]
    public void Batches_keep_their_bounds_and_padding_its() => Cases.Sample(c =>
    {
        var batches = Ranks(c with { World = 1 }, 7)[0];
        Assert.All(batches, batch => Assert.InRange(batch.Length, 1, c.Batch));
        if (c.Tokens is { } tokens) Assert.All(batches, batch => Assert.InRange(batch.Length * batch.Max(sample => c.Lengths[sample]), 0, tokens));
        if (c.Remainder == Remainder.Drop) return;
        var padded = batches.Sum(batch => (double)batch.Length * batch.Max(sample => c.Lengths[sample]));
        var share = padded == 0 ? 0 : 1 - c.Lengths.Sum() / padded;
        Assert.InRange(share, 0, c.Buckets.PaddingShare(c.Options) + 1e-12);
    }, iter: 500);

    [Fact]
    public void Bounds_hold_on_every_rank_too() => Cases.Sample(c =>
    {
        if (c.Tokens is { } tokens && Orders(c) is { } orders)
            Assert.All(orders.SelectMany(order => Batches(order, 2)), batch => Assert.InRange(batch.Length * batch.Max(sample => c.Lengths[sample]), 0, tokens));
    }, iter: 300);

    [Fact]
    public void Opening_at_any_batch_gives_the_tail_of_the_epoch() => Cases.Sample(c =>
    {
        if (Orders(c) is null) return;
        var set = Dataset.Of(c.Lengths.Length, request => request.Index);
        var loader = set.Batches(c.Options, c.Buckets, Read.Collated).Shard(c.World - 1, c.World);
        var whole = Read.Labels(loader, 4);
        Assert.Equal(loader.BatchesPerEpoch, whole.Count);
        for (var first = 0; first <= whole.Count; first += 3) Assert.Equal(whole.Skip(first), Read.Labels(loader, 4, first));
    }, iter: 30);

    [Fact]
    public void Epochs_mix_samples_of_a_bucket_and_the_batches()
    {
        var c = new Case([.. Enumerable.Range(0, 400).Select(i => 10 + i % 40)], 8, 1, null, 0.2, 1, true, Remainder.Wrap);
        var (a, b) = (Ranks(c, 0)[0], Ranks(c, 1)[0]);
        Assert.NotEqual(a.Select(batch => c.Lengths[batch[0]]), b.Select(batch => c.Lengths[batch[0]]));
        var pairs = a.SelectMany(batch => batch.SelectMany(x => batch.Where(y => y > x).Select(y => (x, y)))).ToHashSet();
        var again = b.SelectMany(batch => batch.SelectMany(x => batch.Where(y => y > x).Select(y => (x, y)))).Count(pairs.Contains);
        Assert.InRange(again / (double)pairs.Count, 0, 0.3);
        Assert.InRange(c.Buckets.PaddingShare(c.Options), 0, 0.2);
        // One bucket of all lengths is a plain shuffle: it pads far more.
        Assert.True((c with { Padding = 0.99 }).Buckets.PaddingShare(c.Options) > 0.35);
    }

    [Fact]
    public void Without_a_shuffle_the_longest_come_first()
    {
        var c = new Case([3, 9, 1, 9, 4], 2, 1, null, 0, 0, false, Remainder.Exact);
        Assert.Equal([[1, 3], [4, 0], [2]], Ranks(c, 0)[0]);
    }

    [Fact]
    public void Faults_are_named_together()
    {
        var options = new LoaderOptions { BatchSize = 2, Sampler = Sampler.Weighted([1, 1, 1]) };
        var error = Assert.Throws<InvalidOptionsException>(() => Dataset.Of([1L, 2, 3]).Batches(options, new LengthBuckets([5, -1]) { MaxPadding = 1, MaxTokens = 4 }, Read.Collated));
        Assert.Equal(["buckets.lengths", "buckets.maxPadding", "buckets.lengths", "buckets.maxTokens", "loader.sampler"], error.Faults.Select(fault => fault.Key));
        Assert.Contains("= 4, but the longest sample has 5", error.Message, StringComparison.Ordinal);
        var few = Assert.Throws<InvalidOptionsException>(() => new BucketOrder(3, new LoaderOptions { BatchSize = 2, Remainder = Remainder.Drop }, new([1, 2, 3])).Shard(0, 2));
        Assert.Contains("makes 2 batches, too few for 2 ranks", few.Message, StringComparison.Ordinal);
    }

    static List<List<long[]>> Ranks(Case c, long epoch) => [.. (Orders(c) ?? []).Select(order => Batches(order, epoch))];

    // Null where dropping leaves nothing.
    static List<BatchOrder>? Orders(Case c)
    {
        var all = new BucketOrder(c.Lengths.Length, c.Options, c.Buckets);
        try
        {
            return [.. Enumerable.Range(0, c.World).Select(rank => all.Shard(rank, c.World))];
        }
        catch (InvalidOptionsException) when (c.Remainder == Remainder.Drop)
        {
            return null;
        }
    }

    static List<long[]> Batches(BatchOrder order, long epoch)
    {
        var batches = order.OfEpoch(epoch);
        return [.. Enumerable.Range(0, (int)order.Batches).Select(batch => batches.Fill(batch, new long[order.BatchSize]).ToArray())];
    }
}
