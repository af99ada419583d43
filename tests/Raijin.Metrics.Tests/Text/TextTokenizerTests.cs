namespace Raijin.Metrics.Tests.Text;

public sealed class TextTokenizerTests
{
    static readonly (string Name, TextTokenizer Tokenizer)[] Named =
    [
        ("none", TextTokenizer.Whitespace), ("13a", TextTokenizer.Mteval13a), ("intl", TextTokenizer.International), ("char", TextTokenizer.Characters), ("zh", TextTokenizer.Chinese),
    ];

    /// <summary>The tokenizer sacreBLEU calls so.</summary>
    public static TextTokenizer Of(string name) => Named.Single(n => n.Name == name).Tokenizer;

    [Fact]
    public void Tokens_are_those_of_sacreBLEU()
    {
        var recording = Recording.Open("ngrams").GetProperty("tokenizers");
        var texts = recording.GetProperty("texts").Strings();
        foreach (var (name, tokenizer) in Named)
        {
            var expected = recording.GetProperty(name).Lists();
            for (var i = 0; i < texts.Length; i++)
                Assert.True(expected[i].SequenceEqual(tokenizer.Tokenize(texts[i])), $"{name}, {texts[i]}: expected {string.Join('|', expected[i])}, but it is {string.Join('|', tokenizer.Tokenize(texts[i]))}");
        }
    }

    [Fact]
    public void A_function_splits_as_it_says_and_equals_itself()
    {
        Func<string, IEnumerable<string>> commas = text => text.Split(',');
        Assert.Equal(["a b", "c"], TextTokenizer.From(commas).Tokenize("a b,,c"));
        Assert.Equal(TextTokenizer.From(commas), TextTokenizer.From(commas));
        Assert.NotEqual(TextTokenizer.From(commas), TextTokenizer.From(text => text.Split(';')));
        Assert.NotEqual(TextTokenizer.Mteval13a, TextTokenizer.Chinese);
    }

    [Fact]
    public void Half_a_surrogate_pair_is_a_character_of_its_own() =>
        Assert.Equal(["\ud83d", "a", "\ude00", "\ud83d\ude00"], TextTokenizer.Characters.Tokenize("\ud83da\ude00\ud83d\ude00"));
}
