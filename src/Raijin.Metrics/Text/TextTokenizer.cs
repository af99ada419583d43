using Raijin.Metrics;

namespace Raijin;

/// <summary>How a metric of text finds the words. Tokenizers of the same kind are equal, so metrics that use them share their counts.</summary>
/// <remarks>
/// sacreBLEU's <c>ja-mecab</c>, <c>ko-mecab</c>, <c>flores101</c> and <c>flores200</c> need a dictionary or a trained model, which Raijin does not carry:
/// give such a tokenizer as a function, see <see cref="From"/>.
/// </remarks>
public abstract record TextTokenizer
{
    private protected TextTokenizer()
    {
    }

    /// <summary>What white space separates (sacreBLEU's <c>none</c>, nltk's and torchmetrics' BLEU).</summary>
    public static TextTokenizer Whitespace { get; } = new WhitespaceTokenizer();

    /// <summary>As mteval-v13a, which WMT used: entities are resolved, the signs of ASCII stand alone, points and commas do unless they are inside a number (sacreBLEU's <c>13a</c>).</summary>
    public static TextTokenizer Mteval13a { get; } = new MtevalTokenizer(SeparatesChinese: false);

    /// <summary>As mteval-v14: punctuation and symbols of Unicode stand alone, punctuation between two numerals excepted (sacreBLEU's <c>intl</c>).</summary>
    public static TextTokenizer International { get; } = new InternationalTokenizer();

    /// <summary>Each character, which is a code point, is a word; white space is none (sacreBLEU's <c>char</c>).</summary>
    public static TextTokenizer Characters { get; } = new CharacterTokenizer();

    /// <summary>Chinese characters and signs stand alone, the rest is read as by <see cref="Mteval13a"/> (sacreBLEU's <c>zh</c>, whose ranges these are: U+2001 to U+2A6D stand alone, ideographs beyond U+FFFF do not).</summary>
    public static TextTokenizer Chinese { get; } = new MtevalTokenizer(SeparatesChinese: true);

    /// <summary>A tokenizer of your own. Two are equal when their functions are.</summary>
    /// <param name="split">A text's words, in order; empty ones are left out.</param>
    public static TextTokenizer From(Func<string, IEnumerable<string>> split)
    {
        ArgumentNullException.ThrowIfNull(split);
        return new FunctionTokenizer(split);
    }

    /// <summary>The words of a text.</summary>
    public IReadOnlyList<string> Tokenize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var words = new WordStrings();
        Split(text, words);
        return words.Words;
    }

    internal abstract void Split(ReadOnlySpan<char> text, WordSink words);
}

sealed record WhitespaceTokenizer : TextTokenizer
{
    internal override void Split(ReadOnlySpan<char> text, WordSink words) => words.AddWords(text);
}

sealed record CharacterTokenizer : TextTokenizer
{
    internal override void Split(ReadOnlySpan<char> text, WordSink words)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (CodePoints.IsSpace(text[i])) continue;
            var pair = char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);
            words.Add(text.Slice(i, pair ? 2 : 1));
            if (pair) i++;
        }
    }
}

sealed record FunctionTokenizer(Func<string, IEnumerable<string>> Function) : TextTokenizer
{
    internal override void Split(ReadOnlySpan<char> text, WordSink words)
    {
        foreach (var word in Function(new string(text)))
            if (word.Length > 0) words.Add(word);
    }
}
