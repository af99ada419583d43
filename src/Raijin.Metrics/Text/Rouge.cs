// One state: [pairs, then for each kind the sums over pairs of precision, recall and F].

using System.Globalization;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>What a ROUGE counts: n-grams, the longest common subsequence, or its union over sentences.</summary>
public readonly record struct RougeKind
{
    readonly int _order;

    RougeKind(int order) => _order = order;

    /// <summary>ROUGE-L: the longest common subsequence of the whole texts' words.</summary>
    public static RougeKind L => default;

    /// <summary>ROUGE-Lsum: for each sentence of the reference, the words that are in a longest common subsequence with any sentence of the prediction. A sentence is a line.</summary>
    public static RougeKind Lsum => new(-1);

    /// <summary>The n of ROUGE-N; 0 for the others.</summary>
    public int Order => Math.Max(_order, 0);

    /// <summary>ROUGE-N.</summary>
    /// <param name="order">n, at least 1.</param>
    public static RougeKind N(int order)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(order);
        return new(order);
    }

    /// <summary>Its name as rouge_score has it: <c>rouge1</c>, <c>rougeL</c>, <c>rougeLsum</c>.</summary>
    public override string ToString() => "rouge" + (_order > 0 ? _order.ToString(CultureInfo.InvariantCulture) : _order == 0 ? "L" : "Lsum");
}

/// <summary>What words are reduced to before ROUGE compares them. Words of up to three characters stay as they are.</summary>
public enum Stemming
{
    /// <summary>To nothing else.</summary>
    None,

    /// <summary>To their stems by Porter's rules of 1980.</summary>
    Porter,

    /// <summary>To their stems by Porter's rules with nltk's additions, which rouge_score and torchmetrics use.</summary>
    ExtendedPorter,
}

/// <summary>How the scores against several references become one.</summary>
public enum RougeReferences
{
    /// <summary>Those against the reference of the highest F, the first of equals; for each kind on its own.</summary>
    Best,

    /// <summary>Their mean.</summary>
    Average,
}

/// <summary>One ROUGE.</summary>
/// <param name="Precision">Share of the prediction's units that the reference has.</param>
/// <param name="Recall">Share of the reference's units that the prediction has.</param>
/// <param name="F">Their harmonic mean; 0 where both are 0.</param>
public readonly record struct RougeScore(double Precision, double Recall, double F);

/// <summary>ROUGE (Lin 2004): precision, recall and F of the units that predictions and references have in common, each the mean over all pairs.</summary>
/// <remarks>
/// <para>In [0, 1], higher is better. A pair scores 0 where either side has no unit: an empty text, or fewer words than n. NaN for no pairs.</para>
/// <para>
/// Texts are put into lower case and everything but a-z and 0-9 separates words, as in rouge_score; give a normaliser and a tokenizer for other
/// languages. Difference: sentences of Lsum are lines, as in rouge_score; torchmetrics asks nltk's trained sentence splitter.
/// </para>
/// </remarks>
public sealed class Rouge : Metric<TextComparison, IReadOnlyDictionary<RougeKind, RougeScore>>
{
    readonly RougeKind[] _kinds;

    /// <summary>ROUGE-1, -2, -L and -Lsum, unless told otherwise.</summary>
    /// <param name="kinds">What is counted, each once; null for these four.</param>
    /// <param name="stemming">What words are reduced to.</param>
    /// <param name="references">How several references become one score.</param>
    /// <param name="normalizer">Applied to each text (for Lsum: each line) first; null: lower case, and blanks for everything but a-z and 0-9.</param>
    /// <param name="tokenizer">How the normalised text becomes words; null: <see cref="TextTokenizer.Whitespace"/>.</param>
    public Rouge(IReadOnlyList<RougeKind>? kinds = null, Stemming stemming = Stemming.None, RougeReferences references = RougeReferences.Best, Func<string, string>? normalizer = null, TextTokenizer? tokenizer = null)
        : base(new RougeSums(new(Checked(kinds)), stemming, references, normalizer, tokenizer ?? TextTokenizer.Whitespace)) =>
        _kinds = ((RougeSums)Accumulation).Kinds.Items;

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<RougeKind, RougeScore> Compute(MetricStates states)
    {
        var sums = states[0].ToArray<double>();
        var scores = new OrderedDictionary<RougeKind, RougeScore>(_kinds.Length);
        for (var i = 0; i < _kinds.Length; i++) scores.Add(_kinds[i], new(sums[3 * i + 1] / sums[0], sums[3 * i + 2] / sums[0], sums[3 * i + 3] / sums[0]));
        return scores;
    }

    /// <summary>F of the first kind.</summary>
    public override double ComputeScalar() => Compute()[_kinds[0]].F;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var scores = Compute();
        return [.. _kinds.SelectMany(kind => Named(kind, scores[kind]))];
    }

    static KeyValuePair<string, double>[] Named(RougeKind kind, RougeScore score) =>
        [new($"{kind}_precision", score.Precision), new($"{kind}_recall", score.Recall), new($"{kind}_f", score.F)];

    static RougeKind[] Checked(IReadOnlyList<RougeKind>? kinds)
    {
        if (kinds is null) return [RougeKind.N(1), RougeKind.N(2), RougeKind.L, RougeKind.Lsum];
        if (kinds.Count == 0) throw new ArgumentException("There is no kind of ROUGE to compute: name one at least.", nameof(kinds));
        if (kinds.Distinct().Count() < kinds.Count) throw new ArgumentException($"A kind of ROUGE is there twice in {string.Join(", ", kinds)}.", nameof(kinds));
        return [.. kinds];
    }
}

/// <summary>Kinds as a value: equal when they are the same in the same order.</summary>
sealed record RougeKinds(RougeKind[] Items)
{
    public bool Equals(RougeKinds? other) => other is not null && Items.AsSpan().SequenceEqual(other.Items);

    public override int GetHashCode() => Items.Aggregate(0, HashCode.Combine);
}

/// <summary>Pairs, and sums of their precisions, recalls and F.</summary>
sealed record RougeSums(RougeKinds Kinds, Stemming Stemming, RougeReferences References, Func<string, string>? Normalizer, TextTokenizer Tokenizer) : HostAccumulation<TextComparison>
{
    int Order { get; } = Kinds.Items.Max(k => k.Order);

    public override void Declare(MetricStates states) => states.Add("sums", Reduction.Sum, zeros([1 + 3 * Kinds.Items.Length], ScalarType.Float64));

    public override void Check(in TextComparison batch) => batch.ThrowIfIncomplete();

    protected override void AddOnHost(MetricStates states, in TextComparison batch)
    {
        var sums = states[0].Span<double>();
        var comparer = RougeComparer.OfThread;
        for (var i = 0; i < batch.Predictions.Count; i++)
        {
            sums[0]++;
            comparer.Add(this, Order, in batch, i, sums[1..]);
        }
    }
}
