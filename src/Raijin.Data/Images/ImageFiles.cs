namespace Raijin;

/// <summary>Image files without labels, in the order given: to predict.</summary>
/// <param name="paths">The files.</param>
/// <param name="options">How to read them.</param>
public sealed class ImageFiles(IReadOnlyList<string> paths, ImageReadOptions? options = null) : Dataset<RgbImage>
{
    /// <summary>The files, by sample.</summary>
    public IReadOnlyList<string> Paths { get; } = paths ?? throw new ArgumentNullException(nameof(paths));

    /// <inheritdoc/>
    public override long Count => Paths.Count;

    /// <summary>An image: read when its size or its pixels are asked for.</summary>
    public override RgbImage Get(SampleRequest request) => RgbImage.Open(Paths[(int)request.Index], options);
}
