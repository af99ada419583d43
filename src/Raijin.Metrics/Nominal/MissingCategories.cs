namespace Raijin;

/// <summary>What becomes of a sample with a NaN for a category.</summary>
public readonly record struct MissingCategories
{
    MissingCategories(int? replacement) => Replacement = replacement;

    /// <summary>The category a NaN stands for; null where the sample is left out.</summary>
    public int? Replacement { get; }

    /// <summary>The sample is left out: torchmetrics' <c>nan_strategy="drop"</c>. The default.</summary>
    public static MissingCategories Drop => default;

    /// <summary>NaN stands for this category: torchmetrics' <c>nan_strategy="replace"</c> (its default, with 0).</summary>
    public static MissingCategories Replace(int category)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(category);
        return new(category);
    }
}
