using System.Collections;
using System.Globalization;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Predicted texts beside the texts they should be: what metrics of text are given.</summary>
/// <param name="Predictions">One text a sample; empty texts are allowed.</param>
/// <param name="References">The texts a sample's prediction is compared with, at least one a sample; an empty text is one.</param>
public readonly record struct TextComparison(IReadOnlyList<string> Predictions, IReadOnlyList<IReadOnlyList<string>> References) : IMetricBatch<TextComparison>
{
    /// <summary>One reference a sample.</summary>
    public TextComparison(IReadOnlyList<string> predictions, IReadOnlyList<string> references)
        : this(predictions, new SingleReferences(references))
    {
    }

    /// <inheritdoc/>
    public Tensor? Anchor => null;

    /// <inheritdoc/>
    public long Count => Predictions.Count;

    /// <summary>How many references a sample has.</summary>
    public int NumReferences(int sample) => References is SingleReferences ? 1 : References[sample].Count;

    /// <summary>A reference of a sample. Allocates nothing, unlike <see cref="References"/> where each sample has one.</summary>
    public string Reference(int sample, int index) => References is SingleReferences single ? single.Texts[sample] : References[sample][index];

    /// <inheritdoc/>
    public TextComparison Select(Tensor indices)
    {
        var chosen = indices.data<long>().ToArray();
        var predictions = Predictions;
        var references = References;
        return references is SingleReferences single
            ? new([.. chosen.Select(i => predictions[(int)i])], [.. chosen.Select(i => single.Texts[(int)i])])
            : new([.. chosen.Select(i => predictions[(int)i])], [.. chosen.Select(i => references[(int)i])]);
    }

    /// <summary>Refuses a batch that lacks texts. Allocates nothing when it passes.</summary>
    /// <exception cref="ShapeMismatchException">The predictions are not as many as the samples with references, or a sample has no reference.</exception>
    /// <exception cref="ArgumentException">A text is null.</exception>
    public void ThrowIfIncomplete()
    {
        ArgumentNullException.ThrowIfNull(Predictions);
        ArgumentNullException.ThrowIfNull(References);
        if (Predictions.Count != References.Count)
            ShapeMismatchException.Throw("references", Invariant($"those of {Predictions.Count} predictions"), Invariant($"of {References.Count}"));
        for (var i = 0; i < Predictions.Count; i++)
        {
            if (Predictions[i] is null) throw new ArgumentException(Invariant($"Prediction {i} is null: a text without characters is \"\"."), nameof(Predictions));
            var references = NumReferences(i);
            if (references == 0) ShapeMismatchException.Throw("references", "at least one a prediction", Invariant($"none for prediction {i} of {Predictions.Count}"));
            for (var j = 0; j < references; j++)
                if (Reference(i, j) is null) throw new ArgumentException(Invariant($"Reference {j} of prediction {i} is null: a text without characters is \"\"."), nameof(References));
        }
    }

    static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    // Keeps the caller's list as it is: a batch of ten thousand pairs would otherwise be ten thousand lists of one.
    sealed class SingleReferences(IReadOnlyList<string> texts) : IReadOnlyList<IReadOnlyList<string>>
    {
        public IReadOnlyList<string> Texts { get; } = texts ?? throw new ArgumentNullException(nameof(texts));

        public int Count => Texts.Count;

        public IReadOnlyList<string> this[int index] => [Texts[index]];

        public IEnumerator<IReadOnlyList<string>> GetEnumerator() => Texts.Select(IReadOnlyList<string> (t) => [t]).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}

/// <summary>Updates from texts as they come.</summary>
public static class TextComparisonUpdates
{
    /// <summary>Accumulates a batch with one reference a prediction.</summary>
    /// <param name="metric">A metric or a collection.</param>
    /// <param name="predictions">One text a sample.</param>
    /// <param name="references">One text a sample.</param>
    /// <exception cref="ShapeMismatchException">The lists differ in length; nothing was changed.</exception>
    public static void Update(this IUpdate<TextComparison> metric, IReadOnlyList<string> predictions, IReadOnlyList<string> references) =>
        metric.Update(new TextComparison(predictions, references));

    /// <summary>Accumulates a batch with any number of references a prediction.</summary>
    /// <param name="metric">A metric or a collection.</param>
    /// <param name="predictions">One text a sample.</param>
    /// <param name="references">At least one text a sample.</param>
    /// <exception cref="ShapeMismatchException">The lists differ in length, or a sample has no reference; nothing was changed.</exception>
    public static void Update(this IUpdate<TextComparison> metric, IReadOnlyList<string> predictions, IReadOnlyList<IReadOnlyList<string>> references) =>
        metric.Update(new TextComparison(predictions, references));

    /// <summary>Accumulates one prediction.</summary>
    /// <param name="metric">A metric or a collection.</param>
    /// <param name="prediction">The text.</param>
    /// <param name="references">At least one.</param>
    public static void Update(this IUpdate<TextComparison> metric, string prediction, params string[] references) =>
        metric.Update(new TextComparison([prediction], [references]));

    /// <summary>The metric of this batch alone; what the metric has accumulated is neither used nor changed.</summary>
    /// <inheritdoc cref="Update(IUpdate{TextComparison}, IReadOnlyList{string}, IReadOnlyList{string})"/>
    public static TResult Of<TResult>(this Metric<TextComparison, TResult> metric, IReadOnlyList<string> predictions, IReadOnlyList<string> references) =>
        metric.Of(new TextComparison(predictions, references));

    /// <summary>The metric of this batch alone; what the metric has accumulated is neither used nor changed.</summary>
    /// <inheritdoc cref="Update(IUpdate{TextComparison}, IReadOnlyList{string}, IReadOnlyList{IReadOnlyList{string}})"/>
    public static TResult Of<TResult>(this Metric<TextComparison, TResult> metric, IReadOnlyList<string> predictions, IReadOnlyList<IReadOnlyList<string>> references) =>
        metric.Of(new TextComparison(predictions, references));

    /// <summary>The metric of one sentence; what the metric has accumulated is neither used nor changed.</summary>
    /// <inheritdoc cref="Update(IUpdate{TextComparison}, string, string[])"/>
    public static TResult Of<TResult>(this Metric<TextComparison, TResult> metric, string prediction, params string[] references) =>
        metric.Of(new TextComparison([prediction], [references]));
}
