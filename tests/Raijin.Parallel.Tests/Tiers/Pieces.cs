using Raijin.Tensors;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Raijin.Parallel.Tests.Tiers;

/// <summary>Twins of parameters with gradients, for two optimizers that are to do the same.</summary>
sealed class Pieces : IDisposable
{
    readonly List<Parameter> _parameters = [];

    public Pieces(IReadOnlyList<(string Name, long Count)> sizes, int seed, ScalarType dtype = ScalarType.Float32)
    {
        Sizes = sizes;
        DType = dtype;
        foreach (var (index, (_, count)) in sizes.Index())
        {
            using var values = tensor(Values(seed + index, count));
            _parameters.Add(new Parameter(values.to(dtype, copy: true)));
        }
        Groups =
        [
            new("decayed", Of(0), learningRate: 0.01, weightDecay: 0.1),
            new("plain", Of(1), learningRate: 0.02),
        ];
    }

    public IReadOnlyList<(string Name, long Count)> Sizes { get; }

    public ScalarType DType { get; }

    /// <summary>Even pieces, and odd ones.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>Gradients of one step; pieces for which <paramref name="has"/> says no get none.</summary>
    public void SetGradients(int seed, Func<int, bool>? has = null)
    {
        foreach (var (index, parameter) in _parameters.Index())
        {
            GradientAccess.ClearGradient(parameter);
            if (has?.Invoke(index) == false) continue;
            using var values = tensor(Values((1000 * seed) + index, parameter.numel()));
            using var gradient = values.to(DType, copy: true);
            parameter.grad = gradient;
        }
    }

    public static byte[] Bits(Tensor tensor)
    {
        Assert.True(HostTensor.TryOpen(tensor, out var view));
        using (view) return view.Bytes.ToArray();
    }

    public static float[] Values(int seed, long count)
    {
        var random = new Random(seed);
        var values = new float[count];
        foreach (ref var value in values.AsSpan()) value = (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-3, 2)));
        return values;
    }

    IEnumerable<KeyValuePair<string, Parameter>> Of(int parity) =>
        _parameters.Index().Where(p => p.Index % 2 == parity).Select(p => KeyValuePair.Create(Sizes[p.Index].Name, p.Item));

    public void Dispose()
    {
        foreach (var parameter in _parameters) parameter.Dispose();
    }
}
