// Selection by radix: a score's bits, as a whole number that orders as the scores do, are fixed from the highest down, by counting in each round how many of those that agree so far have which digit. Six rounds of
// 2,048 counts find the n-th lowest of any number of scores exactly, wherever they lie: over ranks the counts are added up, and nothing else crosses. Then those below are marked, and of those equal to it the first.

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>Marks the lowest of scores that lie in several tensors, and divided among ranks.</summary>
static class LowestScores
{
    const int DigitBits = 11;
    const int HighestShift = 55;
    const int Digits = 1 << DigitBits;

    /// <summary>Marks exactly so many.</summary>
    /// <param name="scores">[n] each, floating-point: 0 and above, or -1 for those that come before all others. Where a tensor's scores are divided, those of this rank's part, which may be none.</param>
    /// <param name="isDivided">Whether ranks have parts of a tensor's scores; else each has all of them.</param>
    /// <param name="count">How many. Of equal scores those of the earlier tensors go first, and in a tensor the earlier elements.</param>
    /// <param name="parts">Adds numbers up over the parts, in place; and says how many there are, and which is this rank's.</param>
    /// <returns>[n] each, true for those that are among the lowest; the open scope owns them.</returns>
    public static Tensor[] Mark(IReadOnlyList<Tensor> scores, IReadOnlyList<bool> isDivided, long count, (Action<Tensor> Sum, int Count, int Mine) parts)
    {
        Tensor[] keys = [.. scores.Select(KeysOf)];
        if (count == 0) return [.. keys.Select(k => zeros_like(k, ScalarType.Bool))];
        var (threshold, left) = (0L, count);
        for (var shift = HighestShift; shift >= 0; shift -= DigitBits)
        {
            var counts = Sum(isDivided, parts.Sum, Digits, i => CountDigits(keys[i], threshold, shift));
            var digit = 0;
            for (; counts[digit] < left; digit++) left -= counts[digit];
            threshold = (threshold << DigitBits) | (uint)digit;
        }

        // Of those equal to the threshold `left` are still to be marked, in the order of tensors and parts.
        var equal = Array.ConvertAll(keys, k => k.eq(threshold));
        var marked = Array.ConvertAll(keys, k => k.lt(threshold));
        var rows = isDivided.Count * parts.Count;
        var numEqual = Sum(isDivided, parts.Sum, rows, i =>
        {
            var row = zeros(rows, ScalarType.Int64);
            row[(i * parts.Count) + (isDivided[i] ? parts.Mine : 0)] = equal[i].count_nonzero().cpu();
            return row;
        });
        for (var i = 0; i < keys.Length; i++)
        {
            for (var part = 0; part < parts.Count; part++)
            {
                var taken = Math.Min(left, numEqual[(i * parts.Count) + part]);
                left -= taken;
                if (taken > 0 && part == (isDivided[i] ? parts.Mine : 0)) marked[i].index_fill_(0, equal[i].nonzero().narrow(0, 0, taken).squeeze(1), true);
            }
        }
        return marked;
    }

    // The bits of a number that is not negative order as the number does.
    static Tensor KeysOf(Tensor scores)
    {
        var bits = Aten.ViewAs(scores.to(ScalarType.Float64).contiguous(), ScalarType.Int64);
        return bits.add(1).masked_fill(scores.lt(0), 0);
    }

    static Tensor CountDigits(Tensor keys, long above, int shift)
    {
        using var scope = NewDisposeScope();
        var agree = keys.bitwise_right_shift(Number(shift + DigitBits)).eq(above);
        var digits = keys.masked_select(agree).bitwise_right_shift(Number(shift)).bitwise_and(Number(Digits - 1));
        return bincount(digits, minlength: Digits).cpu().MoveToOuterDisposeScope();

        Tensor Number(long value) => full(1, value, ScalarType.Int64, keys.device);
    }

    // What is divided is counted by all, what every rank has by each for itself.
    static long[] Sum(IReadOnlyList<bool> isDivided, Action<Tensor> sum, int length, Func<int, Tensor> count)
    {
        using var scope = NewDisposeScope();
        var (mine, whole) = (zeros(length, ScalarType.Int64), zeros(length, ScalarType.Int64));
        for (var i = 0; i < isDivided.Count; i++) (isDivided[i] ? mine : whole).add_(count(i));
        if (isDivided.Contains(true)) sum(mine);
        return mine.add_(whole).data<long>().ToArray();
    }
}
