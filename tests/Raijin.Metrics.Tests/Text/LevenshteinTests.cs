using CsCheck;

namespace Raijin.Metrics.Tests.Text;

public sealed class LevenshteinTests
{
    // Long enough for blocks of 64, from an alphabet small enough for hits.
    static readonly Gen<(int[] A, int[] B)> Pairs = Gen.Int[1, 6].SelectMany(symbols => Gen.Select(Gen.Int[0, symbols].Array[0, 200], Gen.Int[0, symbols].Array[0, 200]));

    [Fact]
    public void Bit_vectors_count_what_the_plain_table_does()
    {
        var levenshtein = new Levenshtein();
        Pairs.Sample(p => Assert.Equal(Plain(p.A, p.B, 1, 1), levenshtein.Distance(p.A, p.B)), iter: 300, threads: 1);
    }

    [Fact]
    public void Texts_of_exactly_one_and_two_words_of_64_are_counted_right()
    {
        var levenshtein = new Levenshtein();
        foreach (var length in new[] { 63, 64, 65, 127, 128, 129 })
        {
            var a = Enumerable.Range(0, length).ToArray();
            int[] b = [.. a.Reverse()];
            Assert.Equal(Plain(a, b, 1, 1), levenshtein.Distance(a, b));
            Assert.Equal(length, levenshtein.Distance(a, []));
            Assert.Equal(length, levenshtein.Distance([], a));
            Assert.Equal(0, levenshtein.Distance(a, a));
        }
    }

    [Fact]
    public void Substitutions_of_any_cost_are_weighed_against_deletions_and_insertions()
    {
        var levenshtein = new Levenshtein();
        Gen.Select(Pairs, Gen.Int[0, 4]).Sample((p, cost) => Assert.Equal(Plain(p.A, p.B, 1, cost), levenshtein.Distance(p.A, p.B, cost)), iter: 100, threads: 1);
    }

    [Fact]
    public void Of_the_alignments_with_the_fewest_errors_the_one_with_the_fewest_substitutions_counts()
    {
        var levenshtein = new Levenshtein();
        Pairs.Sample(
            p =>
            {
                var (errors, substitutions) = levenshtein.Align(p.A, p.B);
                var cost = Plain(p.A, p.B, 1000, 1001);
                Assert.Equal((cost / 1000, cost % 1000), (errors, substitutions));
            },
            iter: 200, threads: 1);
        // Two substitutions, or a deletion and an insertion around a hit.
        Assert.Equal((2, 0), levenshtein.Align([1, 2], [2, 1]));
    }

    [Fact]
    public void Symbols_of_a_pair_before_leave_no_trace()
    {
        var levenshtein = new Levenshtein();
        levenshtein.Distance([.. Enumerable.Range(0, 150)], [3, 1, 2]);
        Assert.Equal(3, levenshtein.Distance([5, 6, 7], [8, 9, 10]));
        Assert.Equal(70, levenshtein.Distance([.. Enumerable.Repeat(4, 70)], [.. Enumerable.Repeat(999, 70)]));
    }

    static long Plain(int[] a, int[] b, long indel, long substitution)
    {
        var table = new long[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            for (var j = 0; j <= b.Length; j++)
            {
                var best = i == 0 && j == 0 ? 0 : long.MaxValue;
                if (i > 0) best = Math.Min(best, table[i - 1, j] + indel);
                if (j > 0) best = Math.Min(best, table[i, j - 1] + indel);
                if (i > 0 && j > 0) best = Math.Min(best, table[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : substitution));
                table[i, j] = best;
            }
        return table[a.Length, b.Length];
    }
}
