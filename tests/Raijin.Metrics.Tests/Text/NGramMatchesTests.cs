using CsCheck;
namespace Raijin.Metrics.Tests.Text;

public sealed class NGramMatchesTests
{
    static readonly Gen<List<int>> Tokens = Gen.Int[0, 3].List[0, 24];

    [Fact]
    public void Matches_are_those_of_counted_lists() =>
        Gen.Select(Tokens, Tokens.Array[1, 3], Gen.Int[1, 7]).Sample((prediction, references, order) =>
        {
            var grams = new NGramMatches();
            grams.Learn(prediction, order);
            var matches = new double[order];
            foreach (var reference in references) grams.Match(reference, matches);
            Assert.Equal(Enumerable.Range(1, order).Select(n => Clipped(prediction, references, n)), matches);

            grams.Forget();
            var alone = new double[order];
            grams.Match(references[0], alone);
            Assert.Equal(Enumerable.Range(1, order).Select(n => Clipped(prediction, references[..1], n)), alone);
        });

    [Fact]
    public void A_long_text_of_repeated_parts_makes_the_table_grow_and_a_short_one_shrinks_it()
    {
        var grams = new NGramMatches();
        int[] phrase = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];
        List<int> twice = [.. phrase, .. phrase];
        var matches = new double[40];
        grams.Learn(twice, 40);
        grams.Match(twice, matches);
        Assert.Equal(Enumerable.Range(1, 40).Select(n => 41.0 - n), matches);

        grams.Learn([1, 2], 2);
        var few = new double[2];
        grams.Match([2, 1, 2, -1], few);
        Assert.Equal([2, 1], few);
    }

    static double Clipped(List<int> prediction, List<int>[] references, int n)
    {
        var counted = references.Select(r => Grams(r, n)).ToArray();
        return Grams(prediction, n).Sum(g => Math.Min(g.Value, counted.Max(r => r.GetValueOrDefault(g.Key))));
    }

    static Dictionary<string, int> Grams(List<int> tokens, int n) =>
        Enumerable.Range(0, Math.Max(0, tokens.Count - n + 1)).Select(i => string.Join(' ', tokens.Skip(i).Take(n))).CountBy(g => g).ToDictionary();
}
