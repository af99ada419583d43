using System.Runtime.InteropServices;

namespace Raijin.Metrics;

/// <summary>What comparing texts works in: buffers that grow to the longest text a thread has met and are then used again, so that an update allocates nothing.</summary>
sealed class TextWorkspace
{
    [ThreadStatic]
    static TextWorkspace? _ofThread;

    readonly List<char> _lowered = [];

    TextWorkspace()
    {
    }

    /// <summary>The calling thread's. It is not to be kept beyond the call.</summary>
    public static TextWorkspace OfThread => _ofThread ??= new();

    /// <summary>The words of a prediction and of a reference.</summary>
    public WordNumbers Words { get; } = new();

    /// <summary>N-grams of words.</summary>
    public NGramMatches WordGrams { get; } = new();

    /// <summary>N-grams of characters.</summary>
    public NGramMatches CharacterGrams { get; } = new();

    /// <summary>The characters of a text.</summary>
    public List<int> Characters { get; } = [];


    /// <summary>Numbers of one pair, before they are summed.</summary>
    public List<double> Trial { get; } = [];

    /// <summary>Those of the best pair so far.</summary>
    public List<double> Best { get; } = [];

    /// <summary>The text in lower case where <paramref name="lowercase"/> says so; valid until the next call.</summary>
    public ReadOnlySpan<char> Cased(ReadOnlySpan<char> text, bool lowercase)
    {
        if (!lowercase) return text;
        CollectionsMarshal.SetCount(_lowered, text.Length);
        var lowered = CollectionsMarshal.AsSpan(_lowered);
        text.ToLowerInvariant(lowered);
        return lowered;
    }

    /// <summary>Reads a prediction's words into <see cref="Words"/>.</summary>
    public void ReadPrediction(string text, TextTokenizer tokenizer, bool lowercase)
    {
        Words.BeginPrediction();
        tokenizer.Split(Cased(text, lowercase), Words);
    }

    /// <summary>Reads a reference's words into <see cref="Words"/>.</summary>
    public void ReadReference(string text, TextTokenizer tokenizer, bool lowercase)
    {
        Words.BeginReference();
        tokenizer.Split(Cased(text, lowercase), Words);
    }
}
