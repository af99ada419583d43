using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>Texts that all ranks give each other.</summary>
static class RankTexts
{
    /// <summary>What each rank said, by rank: one all-gather of lengths and one of bytes.</summary>
    /// <param name="group">All who take part.</param>
    /// <param name="mine">What this rank says; not empty.</param>
    public static byte[][] Gather(Group group, byte[] mine)
    {
        if (group.Size == 1) return [mine];
        using var scope = NewDisposeScope();
        var lengths = zeros(group.Size, ScalarType.Int64);
        group.AllGather(tensor(new long[] { mine.Length }), lengths);
        var counts = lengths.data<long>().ToArray();
        var all = zeros(counts.Sum(), ScalarType.Byte);
        group.AllGather(tensor(mine), all, counts);
        var bytes = all.data<byte>().ToArray();
        var texts = new byte[group.Size][];
        var start = 0;
        for (var rank = 0; rank < group.Size; rank++)
        {
            texts[rank] = bytes.AsSpan(start, (int)counts[rank]).ToArray();
            start += (int)counts[rank];
        }

        return texts;
    }
}
