namespace Raijin.Metrics.Tests.Text;

public sealed class PorterStemmerTests
{
    [Theory]
    [InlineData("original", false)]
    [InlineData("extended", true)]
    public void Stems_are_those_of_nltk(string mode, bool extended)
    {
        var recording = Recording.Open("porter");
        var words = recording.GetProperty("words").GetString()!.Split(' ');
        var stems = recording.GetProperty(mode).GetString()!.Split(',');
        Assert.Equal(words.Length, stems.Length);
        for (var i = 0; i < words.Length; i++)
            Assert.True(stems[i] == Stem(words[i], extended), $"{words[i]}: expected {stems[i]}, but it is {Stem(words[i], extended)}");
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("s", "")]
    [InlineData("caresses", "caress")]
    [InlineData("ponies", "poni")]
    [InlineData("hopping", "hop")]
    [InlineData("relational", "relat")]
    [InlineData("generalizations", "gener")]
    [InlineData("oscillators", "oscil")]
    public void Examples_of_the_paper(string word, string stem) => Assert.Equal(stem, Stem(word, extended: false));

    static string Stem(string word, bool extended)
    {
        Span<char> letters = word.ToCharArray();
        return new string(letters[..PorterStemmer.Stem(letters, extended)]);
    }
}
