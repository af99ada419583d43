namespace Raijin.Samples.Tests.SequenceLabelling;

public sealed class BracketsTests
{
    [Theory]
    [InlineData("(a)", "101")]
    [InlineData("(a)b)((c)", "101022101")]
    [InlineData(")(", "22")]
    [InlineData("((a)b)", "110101")]
    public void A_bracket_with_a_partner_is_told_from_one_without(string text, string tags) =>
        Assert.Equal(tags, string.Concat(Brackets.Tag(Brackets.Read(text))));

    [Fact]
    public void Tags_of_random_texts_are_what_striking_out_pairs_leaves()
    {
        for (ulong seed = 0; seed < 200; seed++)
        {
            var (text, tags) = Brackets.Draw(new RandomStream(seed));
            Assert.InRange(text.Length, 5, 40);
            // Brackets alone, adjacent pairs struck out until none is left.
            var left = text.Select((c, i) => (c, i)).Where(p => p.c is 1 or 2).ToList();
            for (var at = Pair(); at >= 0; at = Pair()) left.RemoveRange(at, 2);
            var alone = left.Select(p => p.i).ToHashSet();
            Assert.Equal(text.Select((c, i) => c > 2 ? 0L : alone.Contains(i) ? 2 : 1), tags);

            int Pair() => Enumerable.Range(0, Math.Max(0, left.Count - 1)).FirstOrDefault(i => left[i].c == 1 && left[i + 1].c == 2, -1);
        }
    }

    [Fact]
    public void Texts_are_filled_up_to_the_longest_with_tags_that_do_not_count()
    {
        using var scope = TensorScope.Open();
        var batch = Brackets.Collate([(Brackets.Read("a("), [0, 2]), (Brackets.Read("()ab"), [1, 1, 0, 0])]);
        Assert.Equal(2, batch.Count);
        Assert.Equal([3L, 1, 0, 0, 1, 2, 3, 4], batch.Characters.data<long>().ToArray());
        Assert.Equal([0L, 2, Brackets.NoTag, Brackets.NoTag, 1, 1, 0, 0], batch.Tags.data<long>().ToArray());
        Assert.Equal([2L, 4L], batch.Lengths.data<long>().ToArray());
        Assert.Equal("()ab", Brackets.Write(Brackets.Read("()ab")));
    }
}
