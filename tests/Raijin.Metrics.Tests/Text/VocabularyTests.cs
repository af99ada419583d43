namespace Raijin.Metrics.Tests.Text;

public sealed class VocabularyTests
{
    [Fact]
    public void Equal_words_have_equal_numbers_however_many_there_are()
    {
        var vocabulary = new Vocabulary();
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 1000; i++) Assert.Equal(i, vocabulary.Learn($"word{i}"));
            for (var i = 0; i < 1000; i++) Assert.Equal(i, vocabulary.Find($"word{i}"));
            Assert.Equal(7, vocabulary.Learn("word7"));
            Assert.Equal(-1, vocabulary.Find("word1000"));
            Assert.Equal(1000, vocabulary.Count);
            vocabulary.Clear();
            Assert.Equal(-1, vocabulary.Find("word7"));
        }
    }

    [Fact]
    public void Words_of_every_length_are_told_apart_by_each_character()
    {
        var vocabulary = new Vocabulary();
        for (var length = 1; length <= 20; length++)
        {
            var word = new string('a', length);
            var number = vocabulary.Learn(word);
            for (var i = 0; i < length; i++) Assert.NotEqual(number, vocabulary.Learn(string.Concat(word.AsSpan(0, i), "b", word.AsSpan(i + 1))));
            Assert.Equal(number, vocabulary.Find(word));
        }
    }
}
