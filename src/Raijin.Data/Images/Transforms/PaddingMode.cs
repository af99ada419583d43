namespace Raijin;

/// <summary>What the pixels are that padding adds.</summary>
public enum PaddingMode
{
    /// <summary>One colour.</summary>
    Constant,

    /// <summary>The pixel of the edge, on and on.</summary>
    Edge,

    /// <summary>The image mirrored at its edge pixels, which are not repeated; needs less padding than the image's side.</summary>
    Reflect,
}
