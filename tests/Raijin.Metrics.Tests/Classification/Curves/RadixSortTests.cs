using CsCheck;

namespace Raijin.Metrics.Tests.Curves;

public sealed class RadixSortTests
{
    [Fact]
    public void Keys_come_out_in_order_with_any_number_of_workers() =>
        Gen.Select(Gen.UInt.Array[0, 300], Gen.Int[0, 31], Gen.Int[1, 4]).Sample((keys, shift, workers) =>
        {
            for (var i = 0; i < keys.Length; i++) keys[i] >>= shift;
            var sorted = RadixSort.Sort([.. keys], new uint[keys.Length], keys.Length, 32 - shift, workers);
            Assert.Equal(keys.Order(), sorted);
        }, iter: 200);

    [Fact]
    public void Items_stay_with_their_keys_and_equal_keys_keep_their_order() =>
        Gen.Select(Gen.ULong[0, 40].Array[0, 300], Gen.Int[0, 58], Gen.Int[1, 4]).Sample((small, shift, workers) =>
        {
            var keys = Array.ConvertAll(small, k => k << shift);
            var items = Enumerable.Range(0, keys.Length).ToArray();
            var sorted = RadixSort.Sort([.. keys], new ulong[keys.Length], [.. items], new int[keys.Length], keys.Length, 64, workers);
            Assert.Equal(keys.Order(), sorted.Keys);
            Assert.Equal(items.OrderBy(i => keys[i]), sorted.Items);
        }, iter: 200);

    [Fact]
    public void Only_the_first_keys_are_sorted()
    {
        var sorted = RadixSort.Sort([5u, 3u, 4u, 1u], new uint[4], 3, 3, 1);
        Assert.Equal([3u, 4u, 5u], sorted[..3]);
    }

    [Fact]
    public void Keys_in_cache_come_out_in_order_also_where_they_wrap_round() =>
        Gen.Select(Gen.UInt.Array[0, 300], Gen.Int[0, 32], Gen.UInt).Sample((offsets, bits, low) =>
        {
            for (var i = 0; i < offsets.Length; i++) offsets[i] = bits == 0 ? 0 : offsets[i] >> (32 - bits);
            var sorted = RadixSort.Sort(Array.ConvertAll(offsets, o => unchecked(o + low)), new uint[offsets.Length], low, bits);
            Assert.Equal(offsets.Order().Select(o => unchecked(o + low)), sorted.ToArray());
        }, iter: 300);

    [Fact]
    public void Every_piece_of_work_is_done_once_with_any_number_of_workers() =>
        Gen.Select(Gen.Int[0, 40], Gen.Int[1, 4]).Sample((pieces, workers) =>
        {
            var done = new int[pieces];
            RadixSort.Run<MemoryStream>(workers, pieces, (i, _) => Interlocked.Increment(ref done[i]));
            Assert.All(done, d => Assert.Equal(1, d));
        }, iter: 50);
}

public sealed class ScoreCodeTests
{
    static readonly Gen<float> Scores = Gen.OneOf(Gen.Float[-20, 20], Gen.Const(0f), Gen.Const(-0f), Gen.Const(float.Epsilon), Gen.Const(-float.Epsilon), Gen.Const(float.NegativeInfinity), Gen.Const(float.PositiveInfinity));

    [Fact]
    public void Codes_are_in_the_order_of_scores_and_give_them_back() =>
        Gen.Select(Scores, Scores).Sample((a, b) =>
        {
            Assert.Equal(a, ScoreCode.Score(ScoreCode.Of(a)));
            Assert.Equal(a == b ? 0 : a.CompareTo(b), ScoreCode.Of(a).CompareTo(ScoreCode.Of(b)));
            Assert.Equal(a < 0, ScoreCode.Of(a) < 1u << 31);
            Assert.Equal(ScoreCode.Of(0f), ScoreCode.Of(-0f));
        }, iter: 2000);

    [Fact]
    public void Codes_of_doubles_are_in_their_order_and_give_them_back() =>
        Gen.Double.Where(d => !double.IsNaN(d)).Select(Gen.Double[-1, 1]).Sample((a, b) =>
        {
            Assert.Equal(a == b ? 0 : a.CompareTo(b), ScoreCode.Of(a).CompareTo(ScoreCode.Of(b)));
            Assert.Equal(a, ScoreCode.Score(ScoreCode.Of(a)));
            Assert.Equal(ScoreCode.Of(0.0), ScoreCode.Of(-0.0));
        }, iter: 500);
}
