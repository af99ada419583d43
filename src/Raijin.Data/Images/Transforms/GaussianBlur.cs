// Two passes of K taps over floats, the image mirrored at its edges; rounded once, at the end. Cost: 2·K multiply-adds a channel.

using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using Raijin.Data;

namespace Raijin;

/// <summary>Blurs with a Gaussian of random width, mirrored at the edges. torchvision: <c>GaussianBlur</c>.</summary>
/// <param name="KernelSize">Pixels across, odd, at least 1; less than twice the image's shorter side.</param>
public sealed record GaussianBlur(int KernelSize) : ImageTransform
{
    const int Channels = 4;

    /// <summary>Pixels across.</summary>
    public int KernelSize { get; init => field = Odd(value); } = Odd(KernelSize);

    /// <summary>The range of the standard deviation, in pixels. <value>Default 0.1 to 2; above 0.</value></summary>
    public Between Sigma { get; init => field = Setting.Within(value, 0, double.MaxValue, nameof(Sigma)); } = new(0.1, 2);

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The image is too small to be mirrored so far.</exception>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(random);
        var (width, height) = (image.Width, image.Height);
        if (KernelSize / 2 >= Math.Min(width, height))
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
                $"A blur of {KernelSize} pixels reaches {KernelSize / 2} beyond the edge of an image of {width} × {height}, which has no more to mirror: blur before it is made so small, or less."));
        image.Redraw(width, height, (width, height, kernel: Kernel(Sigma.Draw(random))), static (how, source, target) => Draw(source, how.width, how.height, how.kernel, target));
    }

    float[] Kernel(double sigma)
    {
        var weights = new double[KernelSize];
        for (var i = 0; i < weights.Length; i++) weights[i] = Math.Exp(-0.5 * Math.Pow((i - KernelSize / 2) / sigma, 2));
        var sum = weights.Sum();
        return [.. weights.Select(weight => (float)(weight / sum))];
    }

    static void Draw(ReadOnlySpan<Rgb> source, int width, int height, float[] kernel, Span<Rgb> target)
    {
        var reach = kernel.Length / 2;
        var line = width * Channels;
        var rented = ArrayPool<float>.Shared.Rent(height * line + (width + 2 * reach) * Channels + line);
        var across = rented.AsSpan(0, height * line);
        var padded = rented.AsSpan(height * line, (width + 2 * reach) * Channels);
        var sum = rented.AsSpan(height * line + padded.Length, line);
        for (var y = 0; y < height; y++)
        {
            var bytes = MemoryMarshal.AsBytes(source.Slice(y * width, width));
            for (var x = -reach; x < width + reach; x++)
            {
                var from = Border.Inside(x, width, PaddingMode.Reflect) * Channels;
                var to = (x + reach) * Channels;
                (padded[to], padded[to + 1], padded[to + 2], padded[to + 3]) = (bytes[from], bytes[from + 1], bytes[from + 2], 0);
            }
            var row = across.Slice(y * line, line);
            row.Clear();
            for (var k = 0; k < kernel.Length; k++) Add(padded.Slice(k * Channels, line), kernel[k], row);
        }

        for (var y = 0; y < height; y++)
        {
            sum.Clear();
            for (var k = 0; k < kernel.Length; k++)
                Add(across.Slice(Border.Inside(y + k - reach, height, PaddingMode.Reflect) * line, line), kernel[k], sum);
            var bytes = MemoryMarshal.AsBytes(target.Slice(y * width, width));
            for (var i = 0; i < line; i++) bytes[i] = (byte)Math.Min(sum[i] + 0.5f, 255);
        }
        ArrayPool<float>.Shared.Return(rented);
    }

    static void Add(ReadOnlySpan<float> row, float weight, Span<float> sum)
    {
        var i = 0;
        for (; i + Vector<float>.Count <= sum.Length; i += Vector<float>.Count)
            (new Vector<float>(sum[i..]) + new Vector<float>(row[i..]) * weight).CopyTo(sum[i..]);
        for (; i < sum.Length; i++) sum[i] += row[i] * weight;
    }

    static int Odd(int size) => Setting.Allowed(size, size >= 1 && size % 2 == 1, nameof(KernelSize), "An odd number of pixels is expected, 1 or more.");
}
