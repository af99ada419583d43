// Scores as integers in the same order, so that a radix sort takes them: the bits of a number without its sign are in the order of its magnitude, so
// the sign of a positive one is set, and all bits of a negative one are turned round.

namespace Raijin.Metrics;

/// <summary>Scores as unsigned integers in the same order; 0 and -0 are one.</summary>
static class ScoreCode
{
    /// <summary>The code of a score: below 2^31 for negative ones only.</summary>
    public static uint Of(float score)
    {
        var bits = BitConverter.SingleToInt32Bits(score + 0f);
        return (uint)(bits ^ (bits >> 31 | int.MinValue));
    }

    /// <summary>The score of a code.</summary>
    public static float Score(uint code)
    {
        var bits = (int)code;
        return BitConverter.Int32BitsToSingle(bits ^ (~bits >> 31 | int.MinValue));
    }

    /// <summary>The code of a score.</summary>
    public static ulong Of(double score)
    {
        var bits = BitConverter.DoubleToInt64Bits(score + 0.0);
        return (ulong)(bits ^ (bits >> 63 | long.MinValue));
    }

    /// <summary>The score of a code.</summary>
    public static double Score(ulong code)
    {
        var bits = (long)code;
        return BitConverter.Int64BitsToDouble(bits ^ (~bits >> 63 | long.MinValue));
    }
}
