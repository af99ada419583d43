namespace Raijin;

/// <summary>How a pixel between pixels is made, where an image is turned or sheared.</summary>
public enum Interpolation
{
    /// <summary>The nearest pixel.</summary>
    Nearest,

    /// <summary>The four nearest, by their distance.</summary>
    Bilinear,
}
