using static TorchSharp.torch;

namespace Raijin.Metrics.Tests;

/// <summary>Numbers in (0, 1) by a formula that the scripts of eng/recordings repeat, so that recordings hold no inputs.</summary>
static class Pattern
{
    /// <summary>A Float64 tensor in the open scope.</summary>
    public static Tensor Of(double seed, params long[] shape)
    {
        var values = new double[shape.Aggregate(1L, (a, b) => a * b)];
        for (var n = 0; n < values.Length; n++)
        {
            double i = n;
            values[n] = 0.5 + 0.3 * Math.Sin(0.7 * i + seed) + 0.2 * Math.Sin(0.1234 * (i * i) + 1.7 * seed);
        }
        return tensor(values, shape);
    }

    /// <summary>Images like their targets, and the targets.</summary>
    public static (Tensor Predictions, Tensor Targets) Pair(double seed, params long[] shape)
    {
        var targets = Of(seed, shape);
        return ((0.8 * targets) + (0.2 * Of(seed + 1, shape)), targets);
    }

    /// <summary>Numbers of a tensor of the host.</summary>
    public static double[] Numbers(this Tensor values) => values.to(ScalarType.Float64).contiguous().data<double>().ToArray();

    /// <summary>Asserts that autograd's gradient of Σ f(x, y) in x is what central differences of f give at a few places.</summary>
    public static void HasGradient(Func<Tensor, Tensor, Tensor> f, Tensor x, Tensor y, double tolerance = 1e-6)
    {
        const double step = 1e-6;
        using var scope = NewDisposeScope();
        var point = x.clone().requires_grad_();
        f(point, y).sum().backward();
        var gradient = point.grad!.Numbers();
        Assert.Contains(gradient, g => Math.Abs(g) > 1e-9);
        var count = gradient.Length;
        foreach (var at in new[] { 0, count / 7, count / 2, count - 1 })
        {
            double Moved(double by)
            {
                var values = x.Numbers();
                values[at] += by;
                return f(tensor(values, x.shape), y).sum().item<double>();
            }
            Recording.Near((Moved(step) - Moved(-step)) / (2 * step), gradient[at], tolerance, $"gradient at {at}");
        }
    }
}
