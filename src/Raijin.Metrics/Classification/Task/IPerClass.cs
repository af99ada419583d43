namespace Raijin;

/// <summary>A metric whose number is made of one for each class.</summary>
public interface IPerClass
{
    /// <summary>The number of each class, before any average: of each label in multilabel, of class 1 alone in binary.</summary>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet.</exception>
    IReadOnlyList<double> PerClass();
}
