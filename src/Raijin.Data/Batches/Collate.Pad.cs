// B rows, L the longest length, rounded up.

using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Raijin;

public static partial class Collate
{
    /// <summary>Rows of different length as one tensor, filled up on the right to the longest.</summary>
    /// <param name="rows">At least one; rows may be empty.</param>
    /// <param name="value">What to fill with.</param>
    /// <param name="multipleOf">Rounds L up to a multiple of this, at least 1: 8 or 64 suit matrix units.</param>
    /// <typeparam name="T">byte, sbyte, short, int, long, Half, float or double.</typeparam>
    /// <returns>Inputs [B, L] of the dtype that answers to <typeparamref name="T"/>, lengths [B] int64, mask [B, L] bool; owned by the caller's scope.</returns>
    /// <exception cref="NotSupportedException">libtorch has no such dtype.</exception>
    public static PaddedBatch Pad<T>(IReadOnlyList<T[]> rows, T value = default, int multipleOf = 1) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentOutOfRangeException.ThrowIfZero(rows.Count, nameof(rows));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(multipleOf);
        var lengths = new long[rows.Count];
        var longest = 0;
        for (var i = 0; i < rows.Count; i++) longest = Math.Max(longest, (int)(lengths[i] = rows[i].Length));
        longest = checked((longest + multipleOf - 1) / multipleOf * multipleOf);

        var inputs = empty([rows.Count, longest], DTypeOf<T>());
        var mask = zeros([rows.Count, longest], ScalarType.Bool);
        var elements = MemoryMarshal.Cast<byte, T>(inputs.bytes);
        var own = mask.bytes;
        for (var i = 0; i < rows.Count; i++)
        {
            var row = elements.Slice(i * longest, longest);
            rows[i].CopyTo(row);
            row[rows[i].Length..].Fill(value);
            own.Slice(i * longest, rows[i].Length).Fill(1);
        }
        return new(inputs, tensor(lengths), mask);
    }
}
