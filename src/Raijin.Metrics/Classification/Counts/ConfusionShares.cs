namespace Raijin;

/// <summary>What the cells of a confusion matrix are shares of.</summary>
public enum ConfusionShares
{
    /// <summary>Nothing: they are counts.</summary>
    None,

    /// <summary>The samples of the label: each row sums to 1, and the diagonal is recall.</summary>
    OfLabel,

    /// <summary>The samples predicted so: each column sums to 1, and the diagonal is precision.</summary>
    OfPrediction,

    /// <summary>All samples.</summary>
    OfAll,
}
