using CsCheck;

namespace Raijin.Metrics.Tests.Curves;

public sealed class BucketPlanTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(20_000, 1)]
    [InlineData(20_000, 3)]
    [InlineData(1_200_000, 2)]
    public void Every_code_has_a_place_of_its_own_in_a_bucket_above_all_before(int count, int workers)
    {
        var random = new Random(5);
        var codes = new uint[count];
        for (var i = 0; i < count; i++) codes[i] = ScoreCode.Of((float)Math.Pow(random.NextDouble() - 0.3, 3));
        using var plan = new BucketPlan(count, workers);
        for (var i = 0; i < count; i++) plan.Counts(i % workers)[(int)(codes[i] >> plan.Shift)]++;
        plan.Divide();
        var placed = new uint[count];
        for (var i = 0; i < count; i++) placed[plan.Counts(i % workers)[plan.BucketOf[(int)(codes[i] >> plan.Shift)]]++] = codes[i];

        Assert.Equal(count, plan.Count);
        var next = 0;
        foreach (var bucket in plan.Buckets)
        {
            Assert.Equal(next, bucket.Start);
            next += bucket.Count;
            Assert.InRange(bucket.Bits, 0, 31);
            foreach (var code in bucket.Of(placed))
            {
                Assert.True(code >= bucket.Low && (code - bucket.Low) >> bucket.Bits == 0);
                Assert.Equal(bucket.Low >> 31, code >> 31);
            }
        }
        Assert.Equal(count, next);
        Array.Sort(codes);
        foreach (var bucket in plan.Buckets) bucket.Of(placed).Sort();
        Assert.Equal(codes, placed);
    }

    [Fact]
    public void Scores_that_are_all_equal_are_one_bucket()
    {
        using var plan = new BucketPlan(100_000, 1);
        plan.Counts(0)[(int)(ScoreCode.Of(0.5f) >> plan.Shift)] = 100_000;
        plan.Divide();
        Assert.Equal(100_000, Assert.Single(plan.Buckets).Count);
    }
}

public sealed class PairCountTests
{
    // A bucket of one cell: 16 bits of code and the label.
    static readonly Gen<(uint Cell, uint[] Keys)> Cell = Gen.Select(Gen.UInt[0, 0x7F7F], Gen.Int[0, 15], Gen.UInt[0, 0x1FFFF].Array[0, 200], (cell, shift, keys) => (cell, Array.ConvertAll(keys, k => (cell << 17) | (k >> shift))));

    [Fact]
    public void Pairs_are_those_of_every_positive_and_negative() =>
        Cell.Sample(c =>
        {
            var expected = Slowly(c.Keys);
            Assert.Equal(expected, PairCount.OfSorted([.. c.Keys.Order()]));
            Assert.Equal(expected, PairCount.OfCounted(c.Keys, new uint[1 << 16]));
            Assert.Equal(expected, PairCount.OfManyCounted(c.Keys, new ulong[1 << 16]));
        }, iter: 100);

    [Theory]
    [InlineData(1, 0x3F80_0000u, 16, 0xFFFF)]
    [InlineData(PairCount.LeastCounted, 0x3F80_0000u, 16, 0xFFFF)]
    [InlineData(PairCount.LeastCounted, 0xBF80_1000u, 16, 0xFFFF)]
    [InlineData(PairCount.MostNarrow, 0xBF80_0000u, 16, 0xFFFF)]
    [InlineData(PairCount.MostNarrow, 0xBF80_0000u, 16, 1)]
    [InlineData(PairCount.MostNarrow + 1, 0xBF80_0000u, 16, 0)]
    [InlineData(300_000, 0xBF80_0000u, 16, 0xFFFF)]
    [InlineData(5_000, 0x8000_0000u, 31, int.MaxValue)]
    public void However_a_bucket_is_counted_the_pairs_are_those_of_its_sorted_keys(int count, uint low, int bits, int range)
    {
        var random = new Random(7);
        var keys = new uint[count];
        for (var i = 0; i < count; i++) keys[i] = ((low + (uint)random.NextInt64(range + 1L)) << 1) | (random.Next(4) == 0 ? 1u : 0u);
        var expected = PairCount.OfSorted([.. keys.Order()]);
        using var counter = new PairCounter();
        // Twice: what is kept between buckets is left as it was found.
        for (var i = 0; i < 2; i++) Assert.Equal(expected, counter.Of([.. keys], new Bucket(0, count, low, bits)));
    }

    [Fact]
    public void Half_of_each_label_at_one_score_is_the_most_that_32_bits_hold()
    {
        var keys = Enumerable.Range(0, PairCount.MostNarrow).Select(i => (uint)(i & 1)).ToArray();
        Assert.Equal(new PairCount(32767, 32768, 32767L * 32768), PairCount.OfCounted(keys, new uint[1 << 16]));
        var apart = Array.ConvertAll(keys, k => k == 1 ? uint.MaxValue : 0);
        Assert.Equal(new PairCount(32767, 32768, 2 * 32767L * 32768), PairCount.OfCounted(apart, new uint[1 << 16]));
    }

    static PairCount Slowly(uint[] keys)
    {
        var (positives, negatives) = (keys.Where(k => k % 2 == 1).ToArray(), keys.Where(k => k % 2 == 0).ToArray());
        return new(positives.Length, negatives.Length, positives.Sum(p => negatives.Sum(n => 1L + (p >> 1).CompareTo(n >> 1))));
    }
}
