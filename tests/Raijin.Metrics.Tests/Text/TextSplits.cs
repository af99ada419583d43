using CsCheck;

namespace Raijin.Metrics.Tests.Text;

/// <summary>Holds a metric to one result whatever the split into updates, the order of merging and the order of samples.</summary>
static class TextSplits
{
    static readonly Gen<string>[] Words = [.. new[] { "a", "b", "cat", "dog", "mat", "é", "😀", "a b", "" }.Select(Gen.Const)];

    static readonly Gen<string> Text = Gen.OneOf(Words).Array[0, 8].Select(words => string.Join(' ', words));

    public static void Check(Func<Metric<TextComparison, double>> create, int references, double tolerance) =>
        Gen.Select(Gen.Select(Text, Text.Array[references]).Array[1, 6], Gen.Int[0, 6], Gen.Bool).Sample(
            (samples, cut, swapped) =>
            {
                cut = Math.Min(cut, samples.Length);
                using var whole = create();
                var expected = whole.Of(Batch(samples));
                using var first = create();
                using var second = create();
                var (head, tail) = swapped ? (samples[cut..], samples[..cut]) : (samples[..cut], samples[cut..]);
                foreach (var sample in head) first.Update(Batch([sample]));
                second.Update(Batch(tail));
                second.Merge(first);
                Recording.Near(expected, second.Compute(), tolerance);
            },
            iter: 60, threads: 1);

    static TextComparison Batch((string Prediction, string[] References)[] samples) =>
        new([.. samples.Select(s => s.Prediction)], (IReadOnlyList<IReadOnlyList<string>>)[.. samples.Select(s => s.References)]);
}
