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
}

public sealed class ScoreCodeTests
{
    static readonly Gen<float> Scores = Gen.OneOf(Gen.Float[-20, 20], Gen.Const(0f), Gen.Const(-0f), Gen.Const(float.Epsilon), Gen.Const(-float.Epsilon), Gen.Const(float.NegativeInfinity), Gen.Const(float.PositiveInfinity));

    [Fact]
    public void Codes_are_in_the_order_of_scores_and_give_them_back() =>
        Scores.Array[2, 40].Sample(scores =>
        {
            var magnitudes = scores.Select(ScoreCode.Magnitude).Where(m => m > 0);
            var code = new ScoreCode(scores.Min(), scores.Max(), magnitudes.Any() ? magnitudes.Min() : int.MaxValue);
            foreach (var a in scores)
            {
                Assert.InRange(code.Of(a), 0u, (uint)(code.Count - 1));
                Assert.Equal(a, code.Score(code.Of(a)));
                foreach (var b in scores) Assert.Equal(a.CompareTo(b) is var sign && a == b ? 0 : sign, code.Of(a).CompareTo(code.Of(b)));
            }
        }, iter: 500);

    [Fact]
    public void Codes_of_doubles_are_in_their_order_and_give_them_back() =>
        Gen.Double.Where(d => !double.IsNaN(d)).Select(Gen.Double[-1, 1]).Sample((a, b) =>
        {
            Assert.Equal(a == b ? 0 : a.CompareTo(b), ScoreCode.Of(a).CompareTo(ScoreCode.Of(b)));
            Assert.Equal(a, ScoreCode.Score(ScoreCode.Of(a)));
            Assert.Equal(ScoreCode.Of(0.0), ScoreCode.Of(-0.0));
        }, iter: 500);

    [Fact]
    public void Logits_without_tiny_magnitudes_leave_a_bit_for_the_label() =>
        Assert.True(new ScoreCode(-100, 100, ScoreCode.Magnitude(1e-12f)).LeavesRoomForLabel);

    [Fact]
    public void Scores_of_all_magnitudes_and_signs_do_not() =>
        Assert.False(new ScoreCode(float.MinValue, float.MaxValue, 1).LeavesRoomForLabel);
}
