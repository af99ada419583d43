using Raijin.Charts;
using Raijin.Tensors;

namespace Raijin;

/// <summary>Something logged that is more than a number.</summary>
/// <param name="Key">Its name, such as <c>weights/fc1</c>.</param>
public abstract record LogItem(string Key)
{
    /// <summary>What it is.</summary>
    public abstract LogKind Kind { get; }

    /// <summary>Memory it holds while it waits for its logger, about, in bytes.</summary>
    public virtual long Bytes => 1024;
}

/// <summary>How a tensor's values are distributed.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Histogram">The distribution.</param>
public sealed record HistogramItem(string Key, TensorHistogram Histogram) : LogItem(Key)
{
    /// <inheritdoc/>
    public override LogKind Kind => LogKind.Histograms;
}

/// <summary>Images in a grid. The PNG is made once, by the first logger that asks, on its thread.</summary>
public sealed record ImagesItem : LogItem
{
    readonly Lazy<byte[]> _png;

    /// <summary>Makes the item.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="images">The pixels.</param>
    public ImagesItem(string key, ImageGrid images) : base(key)
    {
        ArgumentNullException.ThrowIfNull(images);
        Images = images;
        _png = new(images.Png);
    }

    /// <summary>The pixels.</summary>
    public ImageGrid Images { get; }

    /// <summary>The grid as a PNG file.</summary>
    public byte[] Png => _png.Value;

    /// <inheritdoc/>
    public override LogKind Kind => LogKind.Images;

    /// <inheritdoc/>
    public override long Bytes => Images.Pixels.Length;
}

/// <summary>Text.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Text">What it says; Markdown where the logger shows it.</param>
public sealed record TextItem(string Key, string Text) : LogItem(Key)
{
    /// <inheritdoc/>
    public override LogKind Kind => LogKind.Text;

    /// <inheritdoc/>
    public override long Bytes => 2L * Text.Length;
}

/// <summary>A chart. It is drawn once, by the first logger that asks, on its thread.</summary>
public sealed record FigureItem : LogItem
{
    readonly Lazy<byte[]> _png;

    /// <summary>Makes the item.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="chart">The chart.</param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    public FigureItem(string key, Chart chart, int width = Chart.DefaultWidth, int height = Chart.DefaultHeight) : base(key)
    {
        ArgumentNullException.ThrowIfNull(chart);
        (Chart, Width, Height) = (chart, width, height);
        _png = new(() => chart.Png(width, height));
    }

    /// <summary>The chart.</summary>
    public Chart Chart { get; }

    /// <summary>Its width, in pixels.</summary>
    public int Width { get; }

    /// <summary>Its height, in pixels.</summary>
    public int Height { get; }

    /// <summary>The chart as a PNG file.</summary>
    public byte[] Png => _png.Value;

    /// <inheritdoc/>
    public override LogKind Kind => LogKind.Figures;

    /// <inheritdoc/>
    public override long Bytes => 64 << 10;
}
