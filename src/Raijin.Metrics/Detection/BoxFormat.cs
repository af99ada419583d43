namespace Raijin;

/// <summary>What the four numbers of a box mean.</summary>
public enum BoxFormat
{
    /// <summary>Left, top, right, bottom.</summary>
    Xyxy,

    /// <summary>Left, top, width, height.</summary>
    Xywh,

    /// <summary>Middle across, middle down, width, height.</summary>
    Cxcywh,
}

/// <summary>What of two objects is laid over one another.</summary>
public enum IouType
{
    /// <summary>Their boxes (<c>bbox</c>).</summary>
    Boxes,

    /// <summary>Their masks (<c>segm</c>).</summary>
    Masks,
}
