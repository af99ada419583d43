namespace Raijin;

/// <summary>How DeepSpeed's warm-ups rise: its <c>warmup_type</c>.</summary>
public enum WarmupGrowth
{
    /// <summary>ln(i + 1) / ln W: fast, then ever slower.</summary>
    Logarithmic,

    /// <summary>i / W.</summary>
    Linear,
}
