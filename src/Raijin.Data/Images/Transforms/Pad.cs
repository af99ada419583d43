using Raijin.Data;

namespace Raijin;

/// <summary>Adds pixels around an image. torchvision: <c>Pad</c>.</summary>
/// <param name="Left">Columns added on the left.</param>
/// <param name="Top">Rows added above.</param>
/// <param name="Right">Columns added on the right.</param>
/// <param name="Bottom">Rows added below.</param>
public sealed record Pad(int Left, int Top, int Right, int Bottom) : ImageTransform
{
    /// <summary>The same on every side.</summary>
    public Pad(int pixels) : this(pixels, pixels, pixels, pixels) { }

    /// <summary>Columns added on the left.</summary>
    public int Left { get; init => field = Setting.NotNegative(value, nameof(Left)); } = Setting.NotNegative(Left, nameof(Left));

    /// <summary>Rows added above.</summary>
    public int Top { get; init => field = Setting.NotNegative(value, nameof(Top)); } = Setting.NotNegative(Top, nameof(Top));

    /// <summary>Columns added on the right.</summary>
    public int Right { get; init => field = Setting.NotNegative(value, nameof(Right)); } = Setting.NotNegative(Right, nameof(Right));

    /// <summary>Rows added below.</summary>
    public int Bottom { get; init => field = Setting.NotNegative(value, nameof(Bottom)); } = Setting.NotNegative(Bottom, nameof(Bottom));

    /// <summary>What the added pixels are. <value>Default <see cref="PaddingMode.Constant"/>.</value></summary>
    public PaddingMode Mode { get; init => field = Setting.Defined(value, nameof(Mode)); }

    /// <summary>Colour of <see cref="PaddingMode.Constant"/>. <value>Default black.</value></summary>
    public Rgb Fill { get; init; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">A reflection reaches beyond the other edge.</exception>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        Border.Draw(image, Left, Top, Right, Bottom, Mode, Fill);
    }
}
