namespace Raijin;

/// <summary>How classes of pixels are given.</summary>
/// <remarks>C classes, and any number of spatial dimensions <c>…</c> (at least one).</remarks>
public enum SegmentationFormat
{
    /// <summary>One of predictions and targets is [B, C, …] as in <see cref="OneHot"/>, the other [B, …] as in <see cref="Index"/>: a network's scores beside labels.</summary>
    Mixed,

    /// <summary>Both are [B, C, …]: floating scores, of which the largest wins (the first of equals), or bool or integer masks of 0 and 1, which may overlap.</summary>
    OneHot,

    /// <summary>Both are classes [B, …], integer, in [0, C).</summary>
    Index,
}

/// <summary>Whether a score is that of all pixels or the mean of the samples' scores.</summary>
public enum AggregationLevel
{
    /// <summary>A score a sample, averaged over samples.</summary>
    Samplewise,

    /// <summary>One score of all samples' pixels.</summary>
    Global,
}
