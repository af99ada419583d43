using Raijin.Data;

namespace Raijin;

/// <summary>Overwrites a random rectangle of some images (Zhong et al. 2017, arXiv:1708.04896). torchvision: <c>RandomErasing</c>.</summary>
/// <param name="Probability">How likely. <value>Default 0.5; 0 to 1.</value></param>
public sealed record RandomErasing(double Probability = 0.5) : ImageTransform
{
    const int Attempts = 10;

    /// <summary>How likely.</summary>
    public double Probability { get; init => field = Setting.Probability(value, nameof(Probability)); } = Setting.Probability(Probability, nameof(Probability));

    /// <summary>Share of the image's area that is overwritten. <value>Default 0.02 to 0.33; above 0, at most 1.</value></summary>
    public Between Scale { get; init => field = Setting.Within(value, 0, 1, nameof(Scale)); } = new(0.02, 0.33);

    /// <summary>Height by width of the rectangle, drawn logarithmically. <value>Default 0.3 to 3.3; above 0.</value></summary>
    public Between Ratio { get; init => field = Setting.Within(value, 0, double.MaxValue, nameof(Ratio)); } = new(0.3, 3.3);

    /// <summary>The colour written, or null for random bytes. <value>Default black; torchvision's 0 after normalising is the mean colour.</value></summary>
    public Rgb? Fill { get; init; } = default(Rgb);

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(random);
        if (random.NextDouble() >= Probability || Draw(image.Width, image.Height, random) is not { } box) return;
        for (var y = box.Top; y < box.Bottom; y++)
        {
            var row = image.Row(y).Slice(box.Left, box.Width);
            if (Fill is { } color)
            {
                row.Fill(color);
                continue;
            }
            foreach (ref var pixel in row)
            {
                var word = random.NextUInt32();
                pixel = new((byte)word, (byte)(word >> 8), (byte)(word >> 16));
            }
        }
    }

    // Null where no rectangle of ten is smaller than the image.
    internal Box? Draw(int width, int height, RandomStream random)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var area = (double)width * height * Scale.Draw(random);
            var ratio = Ratio.DrawLogarithmic(random);
            var (h, w) = (Math.Round(Math.Sqrt(area * ratio)), Math.Round(Math.Sqrt(area / ratio)));
            if (w < 1 || h < 1 || w >= width || h >= height) continue;
            var top = (int)random.NextInt64(height - (int)h + 1);
            return new((int)random.NextInt64(width - (int)w + 1), top, (int)w, (int)h);
        }
        return null;
    }
}
