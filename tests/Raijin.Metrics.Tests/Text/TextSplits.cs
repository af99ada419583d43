using CsCheck;

namespace Raijin.Metrics.Tests.Text;

/// <summary>Holds a metric of a given number of references to one result whatever the split into updates, the order of merging and the order of samples.</summary>
static class TextSplits
{
    public static void Check(Func<Metric<TextComparison, double>> create, int references, double tolerance) =>
        Gen.Select(Gen.Select(TextCases.Text, TextCases.Text.Array[references]).Array[1, 6], Gen.Int[0, 6]).Sample(
            (samples, cut) => TextCases.ComputesTheSameInPieces(
                create,
                new([.. samples.Select(s => s.Item1)], (IReadOnlyList<IReadOnlyList<string>>)[.. samples.Select(s => s.Item2)]),
                Math.Min(cut, samples.Length),
                (expected, actual) => Recording.Near(expected, actual, tolerance)),
            iter: 60,
            threads: 1);
}
