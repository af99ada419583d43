using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Transports;

/// <summary>What collectives must give, by libtorch's operators one rank after another.</summary>
static class Reference
{
    /// <summary>Values of a rank that any rank can make again.</summary>
    public static Tensor Values(int seed, int rank, long count, ScalarType dtype)
    {
        var random = new Random((seed * 1009) + rank);
        var values = new double[count];
        for (var i = 0; i < values.Length; i++)
        {
            var special = random.Next(200);
            values[i] = dtype switch
            {
                ScalarType.Byte => random.Next(256),
                ScalarType.Int8 => random.Next(-128, 128),
                ScalarType.Int16 => random.Next(-32768, 32768),
                ScalarType.Int32 => random.Next(int.MinValue, int.MaxValue),
                ScalarType.Int64 => random.NextInt64(-(1L << 52), 1L << 52),
                _ when special == 0 => double.NaN,
                _ when special == 1 => double.PositiveInfinity,
                _ when special == 2 => 1e-7 * random.NextDouble(),
                _ when special == 3 => 7e4 * (random.NextDouble() - 0.5),
                _ => (random.NextDouble() - 0.5) * 8,
            };
        }
        return tensor(values).to(dtype);
    }

    public static Tensor Reduce(IReadOnlyList<Tensor> inputs, ReduceOp op, ScalarType? wire = null)
    {
        var dtype = inputs[0].dtype;
        var wide = dtype is ScalarType.BFloat16 or ScalarType.Float16 ? ScalarType.Float32 : dtype;
        var crossed = inputs.Select(i => wire is { } w ? i.to(w).to(wide) : i.to(wide)).ToList();
        var result = crossed[0].clone();
        foreach (var other in crossed.Skip(1))
        {
            result = op switch
            {
                ReduceOp.Min => minimum(result, other),
                ReduceOp.Max => maximum(result, other),
                ReduceOp.Product => result.mul(other),
                _ => result.add(other),
            };
        }
        if (op == ReduceOp.Mean) result = result.mul(1.0 / inputs.Count);
        return wire is { } crossing ? result.to(crossing).to(dtype) : result.to(dtype);
    }

    /// <summary>Equal values; any NaN is any other.</summary>
    public static void AssertSame(Tensor expected, Tensor actual, string what)
    {
        Assert.Equal(expected.dtype, actual.dtype);
        Assert.Equal(expected.NumberOfElements, actual.NumberOfElements);
        using var difference = expected.ne(actual).logical_and(expected.isnan().logical_and(actual.isnan()).logical_not()).nonzero().reshape(-1);
        if (difference.NumberOfElements == 0) return;
        var at = difference[0].item<long>();
        Assert.Fail($"{what}: {difference.NumberOfElements} of {expected.NumberOfElements} differ, first at {at}: expected {expected[at].to(ScalarType.Float64).item<double>()}, got {actual[at].to(ScalarType.Float64).item<double>()}.");
    }
}
