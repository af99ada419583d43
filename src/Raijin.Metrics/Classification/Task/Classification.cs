namespace Raijin;

/// <summary>What a sample's label may be.</summary>
public enum ClassificationKind
{
    /// <summary>0 or 1.</summary>
    Binary,

    /// <summary>One of C classes.</summary>
    Multiclass,

    /// <summary>Any of L labels, each 0 or 1.</summary>
    Multilabel,
}

/// <summary>How the numbers of several classes become one.</summary>
public enum Average
{
    /// <summary>Counts are summed over the classes first: every sample (every label, in multilabel) has the same weight.</summary>
    Micro,

    /// <summary>The mean over classes: every class has the same weight. Multiclass: classes that appear neither in predictions nor in labels are left out.</summary>
    Macro,

    /// <summary>The mean over classes, each weighted by its true samples.</summary>
    Weighted,
}

/// <summary>
/// What is classified and how predictions are read: shared by every metric of classification, and what decides whether two of them share their states.
/// </summary>
/// <remarks>
/// Shapes, with B samples and any further dimensions <c>…</c> (pixels, tokens), each position of which is a sample of its own:
/// <list type="table">
/// <item><term>Binary</term><description>predictions [B, …]: probabilities (floating) or classes 0 and 1 (integer or bool); targets [B, …], integer or bool.</description></item>
/// <item><term>Multiclass</term><description>predictions [B, C, …]: scores or probabilities, the largest wins, the first of equals; or classes [B, …], integer; targets [B, …], integer.</description></item>
/// <item><term>Multilabel</term><description>predictions [B, L, …]: probabilities (floating) or 0 and 1; targets [B, L, …], integer or bool.</description></item>
/// </list>
/// Weights, where given, are [B] or of the targets' shape: finite, not negative.
/// <para>
/// Faults: a label that is neither a class nor <see cref="IgnoreIndex"/>, a score that is NaN, a probability outside [0, 1], a negative weight. Such a
/// position is left out and reported by Compute as a <see cref="MetricInputException"/>. Predictions beside an ignored target may be anything.
/// </para>
/// </remarks>
public sealed record Classification
{
    Classification(ClassificationKind kind, int classes) => (Kind, Classes) = (kind, classes);

    /// <summary>What a sample's label may be.</summary>
    public ClassificationKind Kind { get; }

    /// <summary>Classes C of multiclass, labels L of multilabel; 2 for binary.</summary>
    public int Classes { get; }

    /// <summary>Binary and multilabel: a probability above this means 1, one equal to it 0 (p &gt; threshold, compared in the predictions' dtype).</summary>
    /// <value>Default 0.5, in [0, 1]. With <see cref="Logits"/> it is still a probability: a logit x means 1 where x &gt; log(t / (1 - t)).</value>
    public double Threshold { get; private init; } = 0.5;

    /// <summary>Multiclass: a sample is right when its label is among the k largest scores, and else predicted to be of the class of the largest. Of equal scores the first class comes first.</summary>
    /// <value>Default 1. Above 1 predictions are scores.</value>
    public int TopK { get; private init; } = 1;

    /// <summary>A target of this value is left out, wherever it stands.</summary>
    /// <value>Default null: every target counts.</value>
    public long? IgnoreIndex { get; private init; }

    /// <summary>Predictions are logits: metrics that need probabilities apply the sigmoid (binary, multilabel) or the softmax (multiclass) first.</summary>
    /// <value>
    /// Default false: floating predictions of binary and multilabel lie in [0, 1], others are a fault. It is never guessed from the values, which would
    /// differ from batch to batch. Where multiclass metrics ask for the largest score only, it makes no difference.
    /// </value>
    public bool Logits { get; private init; }

    /// <summary>Columns of scores: C, L, or 1 for binary.</summary>
    public int Width => Kind == ClassificationKind.Binary ? 1 : Classes;

    /// <summary>Two classes, 0 and 1, and one probability a sample: that of class 1.</summary>
    public static Classification Binary(double threshold = 0.5, bool logits = false, long? ignoreIndex = null) =>
        new(ClassificationKind.Binary, 2) { Threshold = Probability(threshold), Logits = logits, IgnoreIndex = ignoreIndex };

    /// <summary>One of <paramref name="classes"/> classes a sample.</summary>
    public static Classification Multiclass(int classes, int topK = 1, bool logits = false, long? ignoreIndex = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(topK);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(topK, classes);
        return new(ClassificationKind.Multiclass, classes) { TopK = topK, Logits = logits, IgnoreIndex = ignoreIndex };
    }

    /// <summary>Any of <paramref name="labels"/> labels a sample.</summary>
    public static Classification Multilabel(int labels, double threshold = 0.5, bool logits = false, long? ignoreIndex = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(labels);
        return new(ClassificationKind.Multilabel, labels) { Threshold = Probability(threshold), Logits = logits, IgnoreIndex = ignoreIndex };
    }

    /// <summary>How many values a label may have: C, or 2 where it is 0 or 1.</summary>
    internal int LabelValues => Kind == ClassificationKind.Multiclass ? Classes : 2;

    /// <summary>What a floating prediction of binary or multilabel has to exceed to mean 1.</summary>
    internal double Cut => Logits ? Math.Log(Threshold / (1 - Threshold)) : Threshold;

    static double Probability(double threshold)
    {
        if (threshold is < 0 or > 1 or double.NaN) throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "A threshold is a probability, in [0, 1]; logits are compared after the sigmoid.");
        return threshold;
    }
}
