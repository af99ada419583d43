using Xunit;
using static TorchSharp.torch;

namespace Raijin.Testing;

/// <summary>
/// What each rank gives, computable by every rank: so each can work out alone, with plain libtorch in float64, what a call must leave. The values are small integers, of
/// which every type holds every sum and product exactly, in whatever order.
/// </summary>
static class RankValues
{
    /// <summary>The types that are reduced.</summary>
    public static readonly ScalarType[] Reduced =
        [ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16, ScalarType.Float64, ScalarType.Int64, ScalarType.Int32, ScalarType.Int16, ScalarType.Int8, ScalarType.Byte];

    /// <summary>The types that are moved.</summary>
    public static readonly ScalarType[] Moved = [.. Reduced, ScalarType.Bool];

    /// <summary>Sizes around what vectors, cache lines and small messages hold.</summary>
    public static readonly long[] Sizes = [0, 1, 3, 17, 64, 257, 4_099];

    /// <summary>The sizes worth trying of a type: all of those that models are made of, two of the others.</summary>
    public static long[] SizesOf(ScalarType dtype) => dtype is ScalarType.Float32 or ScalarType.BFloat16 ? Sizes : [1, 257];

    /// <summary>[n] of rank <paramref name="rank"/> in the round <paramref name="seed"/>: -3 to 3, 0 to 3 in a type without a sign.</summary>
    public static Tensor Of(int rank, long n, ScalarType dtype, long seed = 0)
    {
        var numbers = arange(n, dtype: ScalarType.Int64).mul(7919).add(((rank + 1) * 104_729) + (seed * 1_299_709)).remainder(1_000_003);
        return (dtype is ScalarType.Byte or ScalarType.Bool ? numbers.remainder(4) : numbers.remainder(7).sub(3)).to(dtype);
    }

    /// <summary>Random floats, which round differently in every order.</summary>
    public static Tensor Rough(int rank, long n, ScalarType dtype, long seed = 0)
    {
        var t = arange(n, dtype: ScalarType.Float64).mul(12.9898).add(((rank + 1) * 78.233) + (seed * 0.618));
        return t.sin().mul(43_758.5453).frac().to(dtype);
    }

    /// <summary>The values that every rank gives, in the order of the ranks.</summary>
    public static Tensor[] OfAll(int size, long n, ScalarType dtype, long seed = 0) => [.. Enumerable.Range(0, size).Select(r => Of(r, n, dtype, seed))];

    /// <summary>Uneven parts, one of them empty: 0, k, 2k … elements.</summary>
    public static long[] Uneven(int size, long k) => [.. Enumerable.Range(0, size).Select(r => r * k)];

    /// <summary>The sum of the first <paramref name="r"/> counts.</summary>
    public static long Before(IReadOnlyList<long> counts, int r) => counts.Take(r).Sum();

    /// <summary>Asserts that shape, type and every element are equal.</summary>
    public static void AssertEqual(Tensor expected, Tensor actual, string what)
    {
        Assert.Equal(expected.dtype, actual.dtype);
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(equal(expected, actual), $"{what}, {actual.dtype} × {actual.NumberOfElements}: expected {First(expected)}, but it is {First(actual)}");
    }

    static bool equal(Tensor a, Tensor b) => a.NumberOfElements == 0 || a.eq(b).all().item<bool>();

    static string First(Tensor tensor)
    {
        var head = tensor.to(ScalarType.Float64).narrow(0, 0, Math.Min(tensor.NumberOfElements, 12)).data<double>().ToArray();
        return $"[{string.Join(", ", head)}{(tensor.NumberOfElements > head.Length ? ", …" : "")}]";
    }
}
