using CsCheck;
using System.Text.Json;

namespace Raijin.Metrics.Tests.Text;

/// <summary>Texts of recordings, and random ones.</summary>
static class TextCases
{
    /// <summary>Words that often coincide, punctuation, a surrogate pair and white space of several kinds.</summary>
    static readonly string[] Words = ["a", "b", "c", "ab", "ba", "a.", "(b", "1,5", "\U0001F600", "é", "漢字", "\t", "A"];

    /// <summary>A text of up to 12 words.</summary>
    public static Gen<string> Text { get; } = Gen.Int[0, Words.Length - 1].Select(i => Words[i]).Array[0, 12].Select(words => string.Join(' ', words));

    /// <summary>One to six predictions with one to three references each.</summary>
    public static Gen<TextComparison> Batch { get; } =
        Gen.Select(Text, Text.Array[1, 3]).Array[1, 6].Select(pairs => new TextComparison([.. pairs.Select(p => p.Item1)], [.. pairs.Select(p => p.Item2)]));

    public static string[] Strings(this JsonElement list) => [.. list.EnumerateArray().Select(s => s.GetString()!)];

    public static string[][] Lists(this JsonElement lists) => [.. lists.EnumerateArray().Select(Strings)];

    /// <summary>[[prediction, [reference, …]], …].</summary>
    public static TextComparison Pairs(this JsonElement pairs) =>
        new([.. pairs.EnumerateArray().Select(p => p[0].GetString()!)], [.. pairs.EnumerateArray().Select(p => p[1].Strings())]);

    /// <summary>Some samples of a batch.</summary>
    public static TextComparison Range(this TextComparison batch, int start, int count) =>
        new([.. batch.Predictions.Skip(start).Take(count)], [.. batch.References.Skip(start).Take(count)]);

    /// <summary>Two batches as one.</summary>
    public static TextComparison Concat(this TextComparison first, TextComparison second) =>
        new([.. first.Predictions, .. second.Predictions], [.. first.References, .. second.References]);

    /// <summary>Asserts that a split into two updates, a merge in either order and a permutation give what one update gives.</summary>
    public static void ComputesTheSameInPieces<TResult>(Func<Metric<TextComparison, TResult>> make, TextComparison batch, int cut, Action<TResult, TResult> equal)
    {
        using var whole = make();
        using var updated = make();
        using var first = make();
        using var second = make();
        using var reversed = make();
        var (head, tail) = (batch.Range(0, cut), batch.Range(cut, batch.Predictions.Count - cut));
        whole.Update(batch);
        updated.Update(head);
        updated.Update(tail);
        first.Update(tail);
        second.Update(head);
        first.Merge(second);
        using var order = TorchSharp.torch.arange(batch.Count - 1, -1, -1);
        reversed.Update(batch.Select(order));
        var expected = whole.Compute();
        equal(expected, updated.Compute());
        equal(expected, first.Compute());
        equal(expected, reversed.Compute());
        equal(expected, whole.Of(batch));
    }
}
