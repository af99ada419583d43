using System.Globalization;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Predicted answers to questions beside the answers that are right.</summary>
/// <param name="Predictions">One answer a question; null where the question was not answered.</param>
/// <param name="Answers">The right answers to each question, at least one; a question that has no answer has the one answer "".</param>
public readonly record struct AnswerComparison(IReadOnlyList<string?> Predictions, IReadOnlyList<IReadOnlyList<string>> Answers) : IMetricBatch<AnswerComparison>
{
    /// <inheritdoc/>
    public Tensor? Anchor => null;

    /// <inheritdoc/>
    public long Count => Answers.Count;

    /// <summary>Joins predictions and right answers by the questions' names. A question without a prediction counts as not answered; a prediction for a question that isn't asked is not used.</summary>
    /// <param name="predictions">An answer by question.</param>
    /// <param name="answers">The right answers by question, at least one each.</param>
    public static AnswerComparison ById(IReadOnlyDictionary<string, string> predictions, IReadOnlyDictionary<string, IReadOnlyList<string>> answers)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        ArgumentNullException.ThrowIfNull(answers);
        var (given, right) = (new List<string?>(answers.Count), new List<IReadOnlyList<string>>(answers.Count));
        foreach (var (question, correct) in answers)
        {
            given.Add(predictions.GetValueOrDefault(question));
            right.Add(correct);
        }
        return new(given, right);
    }

    /// <inheritdoc/>
    public AnswerComparison Select(Tensor indices)
    {
        var (predictions, answers) = (Predictions, Answers);
        var chosen = indices.data<long>().ToArray();
        return new([.. chosen.Select(i => predictions[(int)i])], [.. chosen.Select(i => answers[(int)i])]);
    }

    internal void ThrowIfIncomplete()
    {
        ArgumentNullException.ThrowIfNull(Predictions);
        ArgumentNullException.ThrowIfNull(Answers);
        if (Predictions.Count != Answers.Count)
            ShapeMismatchException.Throw("predictions", string.Create(CultureInfo.InvariantCulture, $"one for each of {Answers.Count} questions"), Predictions.Count.ToString(CultureInfo.InvariantCulture));
        for (var i = 0; i < Answers.Count; i++)
            if (Answers[i].Count == 0)
                ShapeMismatchException.Throw("answers", "at least one a question (\"\" where it has none)", string.Create(CultureInfo.InvariantCulture, $"none for question {i}"));
    }
}

/// <summary>Updates from answers by the questions' names.</summary>
public static class AnswerComparisonUpdates
{
    /// <summary>Accumulates answers, joined with the right ones by the questions' names.</summary>
    /// <param name="metric">A metric or a collection.</param>
    /// <param name="predictions">An answer by question; a question without one counts as not answered.</param>
    /// <param name="answers">The right answers by question, at least one each.</param>
    public static void Update(this IUpdate<AnswerComparison> metric, IReadOnlyDictionary<string, string> predictions, IReadOnlyDictionary<string, IReadOnlyList<string>> answers) =>
        metric.Update(AnswerComparison.ById(predictions, answers));

    /// <summary>The metric of these answers alone; what the metric has accumulated is neither used nor changed.</summary>
    /// <inheritdoc cref="Update"/>
    public static TResult Of<TResult>(this Metric<AnswerComparison, TResult> metric, IReadOnlyDictionary<string, string> predictions, IReadOnlyDictionary<string, IReadOnlyList<string>> answers) =>
        metric.Of(AnswerComparison.ById(predictions, answers));
}
