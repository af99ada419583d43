namespace Raijin;

public static partial class Texts
{
    /// <summary>The fewest word insertions, deletions and substitutions that turn the predictions into the references, over the references' words. See <see cref="Raijin.WordErrorRate"/>.</summary>
    public static double WordErrorRate(IReadOnlyList<string> predictions, IReadOnlyList<string> references) => Once(new WordErrorRate(), predictions, references);

    /// <summary>The same of characters. See <see cref="Raijin.CharErrorRate"/>.</summary>
    public static double CharErrorRate(IReadOnlyList<string> predictions, IReadOnlyList<string> references) => Once(new CharErrorRate(), predictions, references);

    /// <summary>The share of the words' alignment that is wrong. See <see cref="Raijin.MatchErrorRate"/>.</summary>
    public static double MatchErrorRate(IReadOnlyList<string> predictions, IReadOnlyList<string> references) => Once(new MatchErrorRate(), predictions, references);

    /// <summary>The share of the references' words that are hit times that of the predictions'. See <see cref="Raijin.WordInfoPreserved"/>.</summary>
    public static double WordInfoPreserved(IReadOnlyList<string> predictions, IReadOnlyList<string> references) => Once(new WordInfoPreserved(), predictions, references);

    /// <summary>1 - <see cref="WordInfoPreserved"/>. See <see cref="Raijin.WordInfoLost"/>.</summary>
    public static double WordInfoLost(IReadOnlyList<string> predictions, IReadOnlyList<string> references) => Once(new WordInfoLost(), predictions, references);

    /// <summary>The lowest cost of turning a prediction into its reference by characters. See <see cref="Raijin.EditDistance"/>.</summary>
    public static double EditDistance(IReadOnlyList<string> predictions, IReadOnlyList<string> references, int substitutionCost = 1, SampleReduction reduction = SampleReduction.Mean) =>
        Once(new EditDistance(substitutionCost, reduction), predictions, references);

    /// <summary>Word edits, with shifts of runs of words, over the references' words. See <see cref="Raijin.TranslationEditRate"/>.</summary>
    public static double TranslationEditRate(IReadOnlyList<string> predictions, IReadOnlyList<IReadOnlyList<string>> references, bool normalize = false, bool noPunctuation = false, bool lowercase = true, bool asianSupport = false) =>
        Once(new TranslationEditRate(normalize, noPunctuation, lowercase, asianSupport), predictions, references);

    /// <summary>Character edits, with jumps at blanks, over the references' characters. See <see cref="Raijin.ExtendedEditDistance"/>.</summary>
    public static double ExtendedEditDistance(IReadOnlyList<string> predictions, IReadOnlyList<IReadOnlyList<string>> references, EditLanguage language = EditLanguage.English, double alpha = 2.0, double rho = 0.3, double deletion = 0.2, double insertion = 1.0) =>
        Once(new ExtendedEditDistance(language, alpha, rho, deletion, insertion), predictions, references);

    /// <summary>Exact match and F1 of answers to questions, in percent. See <see cref="Raijin.Squad"/>.</summary>
    public static SquadResult Squad(IReadOnlyDictionary<string, string> predictions, IReadOnlyDictionary<string, IReadOnlyList<string>> answers)
    {
        using var metric = new Squad();
        return metric.Of(predictions, answers);
    }

    static double Once(ScalarMetric<TextComparison> metric, IReadOnlyList<string> predictions, IReadOnlyList<string> references)
    {
        using (metric) return metric.Of(predictions, references);
    }

    static double Once(ScalarMetric<TextComparison> metric, IReadOnlyList<string> predictions, IReadOnlyList<IReadOnlyList<string>> references)
    {
        using (metric) return metric.Of(predictions, references);
    }
}
