// N images times channels, H x W (or D x H x W) pixels; a window of k pixels along each axis, its weights a product of one factor an axis.
// Filtering one axis after the other costs k1 + k2 products a pixel instead of k1 * k2.

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>The weights by which the pixels around a position count in a local mean or variance; they sum to 1.</summary>
public sealed record ImageWindow
{
    readonly int[] _sizes;
    readonly double[] _sigmas;

    ImageWindow(int[] sizes, double[] sigmas) => (_sizes, _sigmas) = (sizes, sigmas);

    /// <summary>A bell of standard deviation σ, cut off at 3.5 σ: ⌊3.5 σ + ½⌋ pixels to each side, so 11 for σ = 1.5.</summary>
    /// <param name="sigma">σ in pixels along each of H, W (D, H, W of volumes), or one for all; positive. None: 1.5.</param>
    public static ImageWindow Gaussian(params ReadOnlySpan<double> sigma)
    {
        if (sigma.Length == 0) return Gaussian(1.5);
        foreach (var axis in sigma)
            if (!(axis > 0 && double.IsFinite(axis))) throw new ArgumentOutOfRangeException(nameof(sigma), axis, "A standard deviation is positive.");
        var sizes = new int[sigma.Length];
        for (var axis = 0; axis < sizes.Length; axis++) sizes[axis] = 2 * (int)(3.5 * sigma[axis] + 0.5) + 1;
        return new(sizes, sigma.ToArray());
    }

    /// <summary>The same weight for every pixel.</summary>
    /// <param name="size">Pixels along each of H, W (D, H, W of volumes), or one number for all; positive.</param>
    public static ImageWindow Uniform(params ReadOnlySpan<int> size)
    {
        if (size.Length == 0) throw new ArgumentException("A uniform window needs its size.", nameof(size));
        foreach (var axis in size) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(axis, nameof(size));
        return new(size.ToArray(), []);
    }

    /// <summary>A bell of as many pixels as is said.</summary>
    internal static ImageWindow Bell(double sigma, int size) => new([size], [sigma]);

    /// <summary>Pixels along an axis, the first of which is D or H.</summary>
    internal int Size(int axis) => _sizes.Length == 1 ? _sizes[0] : _sizes[axis];

    /// <summary>Whether it fits images of so many axes.</summary>
    internal bool Fits(int axes) => _sizes.Length == 1 || _sizes.Length == axes;

    /// <summary>Whether all its sizes are odd.</summary>
    internal bool HasMiddle => Array.TrueForAll(_sizes, size => size % 2 == 1);

    /// <summary>The weighted mean at every position whose window lies wholly inside the image.</summary>
    /// <param name="images">[B, C, H, W] or [B, C, D, H, W]; Float32 or Float64; borrowed.</param>
    /// <returns>[B, C, H - k + 1, W - k + 1].</returns>
    internal Tensor Filter(Tensor images)
    {
        var axes = (int)images.dim() - 2;
        for (var axis = 0; axis < axes; axis++)
        {
            if (Size(axis) > 1) images = WindowSum.Of(images, axis + 2, Weights(axis));
        }
        return images;
    }

    double[] Weights(int axis)
    {
        var weights = new double[Size(axis)];
        Array.Fill(weights, 1.0);
        if (_sigmas.Length > 0)
        {
            var sigma = _sigmas.Length == 1 ? _sigmas[0] : _sigmas[axis];
            for (var i = 0; i < weights.Length; i++)
            {
                var distance = (i - ((weights.Length - 1) / 2.0)) / sigma;
                weights[i] = Math.Exp(-0.5 * distance * distance);
            }
        }
        var sum = weights.Sum();
        for (var i = 0; i < weights.Length; i++) weights[i] /= sum;
        return weights;
    }

    /// <inheritdoc/>
    public bool Equals(ImageWindow? other) => other is not null && _sizes.AsSpan().SequenceEqual(other._sizes) && _sigmas.AsSpan().SequenceEqual(other._sigmas);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var size in _sizes) hash.Add(size);
        foreach (var sigma in _sigmas) hash.Add(sigma);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{(_sigmas.Length == 0 ? "uniform" : "Gaussian")} {string.Join(" x ", _sizes)}");
}

/// <summary>
/// Σ_i w_i x[.. + i ..] along a dimension, where the window lies inside. Each weight is one scaled addition of a shifted view, which on the host is several times
/// faster than libtorch's convolutions of so few channels; its gradient is the same additions the other way.
/// </summary>
sealed class WindowSum : CustomFunction<WindowSum>
{
    public static Tensor Of(Tensor values, int dim, double[] weights) =>
        values.requires_grad && is_grad_enabled() ? Apply(values, dim, weights) : Sum(values, dim, weights);

    static Tensor Sum(Tensor values, int dim, double[] weights)
    {
        var positions = values.shape[dim] - weights.Length + 1;
        var sum = values.narrow(dim, 0, positions) * weights[0];
        for (var i = 1; i < weights.Length; i++) sum.add_(values.narrow(dim, i, positions), weights[i]);
        return sum;
    }

    protected override Tensor Evaluate(autograd.AutogradContext context, object[] inputs)
    {
        var (values, dim, weights) = ((Tensor)inputs[0], (int)inputs[1], (double[])inputs[2]);
        context.save_data("dim", dim);
        context.save_data("weights", weights);
        context.save_data("shape", values.shape);
        using var scope = NewDisposeScope();
        return Sum(values, dim, weights).MoveToOuterDisposeScope();
    }

    protected override IReadOnlyList<Tensor?> Differentiate(autograd.AutogradContext context, Tensor gradient)
    {
        var (dim, weights) = ((int)context.get_data("dim"), (double[])context.get_data("weights"));
        using var scope = NewDisposeScope();
        var spread = zeros((long[])context.get_data("shape"), gradient.dtype, gradient.device);
        for (var i = 0; i < weights.Length; i++) spread.narrow(dim, i, gradient.shape[dim]).add_(gradient, weights[i]);
        return [spread.MoveToOuterDisposeScope(), null, null];
    }
}
