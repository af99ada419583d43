using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Data.Tests.Loading.Combined;

public sealed class CombinedLoaderTests
{
    // Batches of two loaders over sets of one and two hundreds up; ranks; position.
    static readonly Gen<(int A, int B, int BatchA, int BatchB, int World, ulong Seed, long Epoch)> Cases =
        Gen.Select(Gen.Int[1, 30], Gen.Int[1, 30], Gen.Int[1, 6], Gen.Int[1, 6], Gen.Int[1, 3], Gen.ULong, Gen.Long[0, 4])
            .Select((a, b, batchA, batchB, world, seed, epoch) => (a, b, Math.Min(a, batchA), Math.Min(b, batchB), world, seed, epoch));

    [Fact]
    public void The_shortest_ends_the_pairs() => Cases.Sample(c =>
    {
        var (a, b) = Loaders(c);
        var pairs = Pairs(CombinedLoader.Shortest(a, b), c.Epoch);
        Assert.Equal(Numbers(a, c.Epoch).Zip(Numbers(b, c.Epoch)), pairs);
    }, iter: 60);

    [Fact]
    public void The_longest_goes_on_alone() => Cases.Sample(c =>
    {
        var (a, b) = Loaders(c);
        var pairs = Optional(CombinedLoader.Longest(a, b), c.Epoch);
        Assert.Equal(Numbers(a, c.Epoch), pairs.Where(pair => pair.First is not null).Select(pair => pair.First));
        Assert.Equal(Numbers(b, c.Epoch), pairs.Where(pair => pair.Second is not null).Select(pair => pair.Second));
        Assert.Equal(Math.Max(a.BatchesPerEpoch!.Value, b.BatchesPerEpoch!.Value), pairs.Count);
    }, iter: 60);

    [Fact]
    public void The_shorter_begins_anew_in_its_next_epoch_and_goes_on_where_it_stopped() => Cases.Sample(c =>
    {
        var (a, b) = Loaders(c);
        var loader = CombinedLoader.Cycling(a, b);
        var seen = Enumerable.Range(0, 3).SelectMany(epoch => Pairs(loader, epoch)).ToArray();
        Assert.Equal(Epochs(a).Take(seen.Length), seen.Select(pair => pair.First));
        Assert.Equal(Epochs(b).Take(seen.Length), seen.Select(pair => pair.Second));

        static IEnumerable<string> Epochs(DataLoader<LabeledBatch> loader) => Enumerable.Range(0, 100).SelectMany(epoch => Numbers(loader, epoch));
    }, iter: 40);

    [Fact]
    public void Loaders_come_one_after_the_other() => Cases.Sample(c =>
    {
        var (a, b) = Loaders(c);
        Assert.Equal([.. Numbers(a, c.Epoch), .. Numbers(b, c.Epoch), .. Numbers(a, c.Epoch)], Numbers(CombinedLoader.Sequential(a, b, a), c.Epoch));
    }, iter: 60);

    [Fact]
    public void Turns_alternate_and_every_loader_is_seen_evenly_over_epochs() => Cases.Sample(c =>
    {
        var (a, b) = Loaders(c);
        var loader = CombinedLoader.Alternating([a, b], batchesPerEpoch: 7);
        var seen = Enumerable.Range(0, 3).SelectMany(epoch => Numbers(loader, epoch)).ToArray();
        Assert.Equal(21, seen.Length);
        Assert.Equal(Enumerable.Range(0, 30).SelectMany(epoch => Numbers(a, epoch)).Take(11), seen.Where((_, turn) => turn % 2 == 0));
        Assert.Equal(Enumerable.Range(0, 30).SelectMany(epoch => Numbers(b, epoch)).Take(10), seen.Where((_, turn) => turn % 2 == 1));
    }, iter: 20);

    [Fact]
    public void Mixtures_keep_their_shares_in_every_block_and_the_order_of_each_loader()
    {
        using var low = Read.Numbered(500);
        using var high = Read.Numbered(400);
        var (a, b) = (low.Batches(1), Shifted(high.Batches(1), 10_000));
        var loader = CombinedLoader.Mix([(a, 3), (b, 1)], seed: 5, batchesPerEpoch: 640);
        var seen = Numbers(loader, 0).Concat(Numbers(loader, 1)).Select(long.Parse).ToArray();
        foreach (var block in seen.Chunk(64)) Assert.Equal(48, block.Count(number => number < 10_000));
        Assert.Equal(Numbers(a, 0).Concat(Numbers(a, 1)).Take(960), seen.Where(number => number < 10_000).Select(number => number.ToString()));
        Assert.NotEqual(seen[..64].Select(number => number < 10_000), seen[64..128].Select(number => number < 10_000));
    }

    [Fact]
    public void Shares_that_no_short_block_holds_are_rounded_to_a_long_one()
    {
        using var set = Read.Numbered(4);
        var a = set.Batches(1);
        var shares = CombinedLoader.Mix([(a, Math.PI), (a, 1), (a, 1e-3)]).Fingerprint.Split(' ')[3].Split(':').Select(int.Parse).ToArray();
        Assert.Equal(65536, shares.Sum());
        Assert.Equal([Math.Round(65536 * Math.PI / (Math.PI + 1.001)), Math.Round(65536 / (Math.PI + 1.001)), Math.Round(65.536 / (Math.PI + 1.001))], shares.Select(share => (double)share));
        Assert.Contains(" mixed 22:22:22 by seed 0 ", CombinedLoader.Mix([(a, 1), (a, 1), (a, 1)]).Fingerprint, StringComparison.Ordinal);
        foreach (var share in new[] { 1e-6, 0, -1, double.NaN, double.PositiveInfinity }) Assert.Throws<ArgumentException>(() => CombinedLoader.Mix([(a, 1), (a, share)]));
    }

    [Fact]
    public void Any_position_of_any_combination_is_the_tail_of_the_epoch() => Cases.Sample(c =>
    {
        var (a, b) = Loaders(c);
        var mixed = new[] { CombinedLoader.Sequential(a, b), CombinedLoader.Alternating([a, b]), CombinedLoader.Mix([(a, 2.5), (b, 1)], c.Seed) };
        foreach (var loader in mixed) Check(loader, (l, first) => Numbers(l, c.Epoch, first));
        foreach (var loader in new[] { CombinedLoader.Shortest(a, b), CombinedLoader.Cycling(a, b) }) Check(loader, (l, first) => Pairs(l, c.Epoch, first));
        Check(CombinedLoader.Longest(a, b), (l, first) => Optional(l, c.Epoch, first));
        Check(CombinedLoader.Cycling(a, b, a), (l, first) => Triples(l, c.Epoch, first));

        void Check<T, TRead>(DataLoader<T> loader, Func<DataLoader<T>, long, List<TRead>> read) where T : IBatch<T>
        {
            for (var rank = 0; rank < c.World; rank++)
            {
                var shard = loader.Shard(rank, c.World);
                var whole = read(shard, 0);
                Assert.Equal(shard.BatchesPerEpoch, whole.Count);
                for (var first = 1; first <= whole.Count; first += 4) Assert.Equal(whole.Skip(first), read(shard, first));
                Assert.Throws<ArgumentOutOfRangeException>(() => shard.Open(0, whole.Count + 1, TestContext.Current.CancellationToken));
            }
        }
    }, iter: 25);

    [Fact]
    public void Ranks_together_see_what_one_sees() => Cases.Sample(c =>
    {
        using var a = Read.Numbered(c.A);
        using var b = Read.Numbered(c.B);
        var options = new LoaderOptions { Seed = c.Seed, Shuffle = true, Remainder = Remainder.Exact };
        var loader = CombinedLoader.Sequential(a.Batches(c.BatchA, options), Shifted(b.Batches(c.BatchB, options), 1000));
        var ranks = Enumerable.Range(0, c.World).SelectMany(rank => Numbers(loader.Shard(rank, c.World), c.Epoch)).SelectMany(batch => batch.Split(' ')).Select(long.Parse);
        Assert.Equal(Enumerable.Range(0, c.A).Concat(Enumerable.Range(1000, c.B)).Select(i => (long)i), ranks.Order());
    }, iter: 60);

    [Fact]
    public void A_stream_of_unknown_length_goes_where_a_position_can_be_found()
    {
        using var set = Read.Numbered(6);
        var known = set.Batches(new LoaderOptions { BatchSize = 2, Shuffle = false });
        var stream = Dataset.Stream(_ => Enumerable.Range(0, 5).Select(i => (long)i)).Batches(new LoaderOptions { BatchSize = 2, Shuffle = false }, Read.Collated);
        Assert.Null(CombinedLoader.Shortest(known, stream).BatchesPerEpoch);
        Assert.Equal([("2 3", "2 3"), ("4 5", "4")], Pairs(CombinedLoader.Shortest(known, stream), 0, 1));
        Assert.Equal(["4 5", "0 1", "2 3", "4"], Numbers(CombinedLoader.Sequential(known, stream), 0, 2));
        Assert.Equal("combined.loaders[0]", Assert.Single(Assert.Throws<InvalidOptionsException>(() => CombinedLoader.Sequential(stream, known)).Faults).Key);
        Assert.Equal(["combined.first", "combined.second"], Assert.Throws<InvalidOptionsException>(() => CombinedLoader.Cycling(stream, stream)).Faults.Select(fault => fault.Key));
        Assert.Throws<InvalidOptionsException>(() => CombinedLoader.Longest(known, stream));
        Assert.Throws<InvalidOptionsException>(() => CombinedLoader.Mix([(known, 1.0), (stream, 1.0)]));
    }

    [Fact]
    public void A_rank_without_a_batch_cannot_cycle()
    {
        using var set = Read.Numbered(2);
        var exact = set.Batches(new LoaderOptions { BatchSize = 1, Remainder = Remainder.Exact });
        var error = Assert.Throws<InvalidOptionsException>(() => CombinedLoader.Cycling(exact, exact).Shard(2, 3));
        Assert.Contains("has no batch on this rank", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_source_shorter_than_it_says_is_found_out()
    {
        var loader = new Boastful().Batches(new LoaderOptions { BatchSize = 1, Shuffle = false }, Read.Collated);
        var error = Assert.Throws<InvalidOperationException>(() => Numbers(CombinedLoader.Alternating([loader]), 0));
        Assert.Contains("A loader of 3 batches an epoch ended at batch 2 of epoch 0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fingerprints_name_the_mode_and_the_parts()
    {
        using var set = Read.Numbered(4);
        var loader = set.Batches(new LoaderOptions { BatchSize = 2, Seed = 1 });
        Assert.Equal($"Cycling pairs of [{loader.Fingerprint}] and [{loader.Fingerprint}]", CombinedLoader.Cycling(loader, loader).Fingerprint);
        Assert.Equal($"8 batches mixed 48:16 by seed 9 of [{loader.Fingerprint}] [{loader.Fingerprint}]", CombinedLoader.Mix([(loader, 3.0), (loader, 1.0)], 9, 8).Fingerprint);
    }

    [Fact]
    public void Optional_pairs_map_what_is_there()
    {
        using var scope = TensorScope.Open();
        var half = new OptionalPair<TensorBatch, LabeledBatch>(new(zeros(3, 2)), null);
        Assert.Equal((3, ScalarType.Float64), (half.Count, half.Map(tensor => tensor.to(ScalarType.Float64)).First!.Inputs.dtype));
        Assert.Equal(5, new PairBatch<TensorBatch, TensorBatch>(new(zeros(3, 2)), new(zeros(2))).Count);
    }

    sealed class Boastful : StreamDataset<long>
    {
        public override long? Count => 3;

        public override IEnumerable<long> Read(long epoch, long first, CancellationToken cancellationToken) => [.. new long[] { 0, 1 }.Skip((int)first)];
    }

    static (DataLoader<LabeledBatch> A, DataLoader<LabeledBatch> B) Loaders((int A, int B, int BatchA, int BatchB, int World, ulong Seed, long Epoch) c)
    {
        var options = new LoaderOptions { Seed = c.Seed };
        return (Dataset.Of(c.A, request => request.Index).Batches(options with { BatchSize = c.BatchA }, Read.Collated),
            Dataset.Of(c.B, request => request.Index + 100).Batches(options with { BatchSize = c.BatchB, Workers = c.World % 2 }, Read.Collated));
    }

    static DataLoader<LabeledBatch> Shifted(DataLoader<LabeledBatch> loader, long by) => loader.Map(batch => new LabeledBatch(batch.Inputs + by, batch.Labels + by));

    static List<string> Numbers(DataLoader<LabeledBatch> loader, long epoch, long first = 0) => Walk(loader, epoch, first, batch => Text(batch)!);

    static List<(string First, string Second)> Pairs(DataLoader<PairBatch<LabeledBatch, LabeledBatch>> loader, long epoch, long first = 0) =>
        Walk(loader, epoch, first, batch => (Text(batch.First)!, Text(batch.Second)!));

    static List<(string? First, string? Second)> Optional(DataLoader<OptionalPair<LabeledBatch, LabeledBatch>> loader, long epoch, long first = 0) =>
        Walk(loader, epoch, first, batch => (Text(batch.First), Text(batch.Second)));

    static List<(string?, string?, string?)> Triples(DataLoader<TripleBatch<LabeledBatch, LabeledBatch, LabeledBatch>> loader, long epoch, long first) =>
        Walk(loader, epoch, first, batch => (Text(batch.First), Text(batch.Second), Text(batch.Third)));

    static List<TRead> Walk<T, TRead>(DataLoader<T> loader, long epoch, long first, Func<T, TRead> read) where T : IBatch<T>
    {
        using var reader = loader.Open(epoch, first, TestContext.Current.CancellationToken);
        var batches = new List<TRead>();
        using var scope = TensorScope.Open();
        while (reader.MoveNext())
        {
            batches.Add(read(reader.Current));
            scope.Free();
        }
        Assert.False(reader.MoveNext());
        return batches;
    }

    static string? Text(LabeledBatch? batch) => batch is null ? null : string.Join(' ', batch.Labels.data<long>().ToArray());
}
