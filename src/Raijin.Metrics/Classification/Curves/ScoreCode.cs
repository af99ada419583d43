// Scores as integers in the same order, so that a radix sort takes them. The bits of a float without its sign are in the order of its magnitude;
// no magnitude lies between 0 and the smallest one there is, and leaving that gap out makes 31 bits (probabilities: 29) of the 32, which leaves
// one for the label.

namespace Raijin.Metrics;

/// <summary>The scores of one problem as unsigned integers in the same order, 0 the lowest; 0 and -0 are one.</summary>
readonly struct ScoreCode
{
    readonly int _gap;
    readonly long _low;

    /// <summary>A code for scores in [<paramref name="low"/>, <paramref name="high"/>].</summary>
    /// <param name="leastMagnitude">The bits of the smallest magnitude among them but 0.</param>
    public ScoreCode(float low, float high, int leastMagnitude)
    {
        _gap = leastMagnitude - 1;
        _low = Signed(low);
        Count = Signed(high) - _low + 1;
    }

    /// <summary>How many codes there are.</summary>
    public long Count { get; }

    /// <summary>Whether a code and a label fit 32 bits.</summary>
    public bool LeavesRoomForLabel => Count <= 1L << 31;

    /// <summary>The code of a score.</summary>
    public uint Of(float score) => (uint)(Signed(score) - _low);

    /// <summary>The score of a code.</summary>
    public float Score(uint code)
    {
        var signed = code + _low;
        return signed == 0 ? 0f : BitConverter.Int32BitsToSingle(signed > 0 ? (int)(signed + _gap) : (int)(-signed + _gap) | int.MinValue);
    }

    /// <summary>The order of doubles as that of unsigned integers; 0 and -0 are one.</summary>
    public static ulong Of(double score)
    {
        var bits = BitConverter.DoubleToInt64Bits(score + 0.0);
        return (ulong)(bits ^ (bits >> 63 | long.MinValue));
    }

    /// <summary>The score of such an integer.</summary>
    public static double Score(ulong code)
    {
        var bits = (long)code;
        return BitConverter.Int64BitsToDouble(bits ^ (~bits >> 63 | long.MinValue));
    }

    /// <summary>The bits of a score's magnitude.</summary>
    public static int Magnitude(float score) => BitConverter.SingleToInt32Bits(score) & int.MaxValue;

    long Signed(float score)
    {
        var bits = BitConverter.SingleToInt32Bits(score);
        var magnitude = bits & int.MaxValue;
        long steps = magnitude == 0 ? 0 : magnitude - _gap;
        return bits < 0 ? -steps : steps;
    }
}
