using CsCheck;
namespace Raijin.Metrics.Tests.Text;

public sealed class CommonSubsequenceTests
{
    static readonly Gen<int[]> Tokens = Gen.Int[0, 3].Array[0, 9];

    [Fact]
    public void The_length_is_that_of_the_recursion_and_the_marks_are_a_common_subsequence_of_it() =>
        Gen.Select(Tokens, Tokens).Sample((a, b) =>
        {
            var subsequence = new CommonSubsequence();
            var length = Longest(a, b);
            Assert.Equal(length, subsequence.Length(a, b));

            var marks = new bool[a.Length];
            subsequence.Mark(a, b, marks);
            var marked = a.Where((_, i) => marks[i]).ToArray();
            Assert.Equal(length, marked.Length);
            Assert.Equal(length, Longest(marked, b));
        });

    static int Longest(ReadOnlySpan<int> a, ReadOnlySpan<int> b) =>
        a.Length == 0 || b.Length == 0 ? 0
        : a[^1] == b[^1] ? Longest(a[..^1], b[..^1]) + 1
        : Math.Max(Longest(a[..^1], b), Longest(a, b[..^1]));
}
