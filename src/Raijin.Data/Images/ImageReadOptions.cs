namespace Raijin;

/// <summary>How image files are read.</summary>
public sealed record ImageReadOptions
{
    /// <summary>
    /// The most pixels an image may have by its header; a larger one is refused before any pixel is decoded, because a file of a few kilobytes
    /// can unfold to gigabytes. <value>Default 100,000,000, which take 400 MB while they are decoded; 1 or more.</value>
    /// </summary>
    public long MaxPixels { get; init => field = Positive(value); } = 100_000_000;

    /// <summary>
    /// Whether a JPEG that is wanted at most half (a quarter, an eighth) as large is decoded at that scale: 2 to 4 times as fast, and pixels
    /// that differ by a few levels, where there is fine detail, from those of a full decoding and resize. Never below the size that is wanted. <value>Default true.</value>
    /// </summary>
    public bool ScaledDecoding { get; init; } = true;

    static long Positive(long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, nameof(MaxPixels));
        return value;
    }
}
