using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Parts of the functions that make a batch of samples.</summary>
public static partial class Collate
{
    /// <summary>Rows of numbers as one tensor: one allocation and one copy a row.</summary>
    /// <param name="rows">At least one, all of the same length L.</param>
    /// <typeparam name="T">byte, sbyte, short, int, long, Half, float or double.</typeparam>
    /// <returns>[B, L], of the dtype that answers to <typeparamref name="T"/>; owned by the caller's scope.</returns>
    /// <exception cref="ShapeMismatchException">Rows of different length.</exception>
    /// <exception cref="NotSupportedException">libtorch has no such dtype.</exception>
    public static Tensor Rows<T>(IReadOnlyList<T[]> rows) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentOutOfRangeException.ThrowIfZero(rows.Count, nameof(rows));
        var length = rows[0].Length;
        var result = empty([rows.Count, length], DTypeOf<T>());
        var target = MemoryMarshal.Cast<byte, T>(result.bytes);
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            if (row.Length != length)
                ShapeMismatchException.Throw($"{nameof(rows)}[{i}]", $"[{length}], as rows[0]", $"[{row.Length}]", "Pad or cut the samples to one length.");
            row.CopyTo(target[(i * length)..]);
        }
        return result;
    }

    static ScalarType DTypeOf<T>() => default(T) switch
    {
        byte => ScalarType.Byte,
        sbyte => ScalarType.Int8,
        short => ScalarType.Int16,
        int => ScalarType.Int32,
        long => ScalarType.Int64,
        Half => ScalarType.Float16,
        float => ScalarType.Float32,
        double => ScalarType.Float64,
        _ => throw new NotSupportedException(
            $"There is no tensor of {typeof(T).Name}: convert the rows to byte, sbyte, short, int, long, Half, float or double."),
    };
}
