namespace Raijin.Metrics;

/// <summary>Where a tokenizer's words go, one call a word, and the working memory it may use on the way.</summary>
abstract class WordSink
{
    /// <summary>Takes a word; its characters are valid during the call only.</summary>
    public abstract void Add(ReadOnlySpan<char> word);

    /// <summary>A buffer of the tokenizer's.</summary>
    public List<char> Front { get; } = [];

    /// <summary>Another one.</summary>
    public List<char> Back { get; } = [];

    /// <summary>A buffer of code points.</summary>
    public List<int> FrontPoints { get; } = [];

    /// <summary>Another one.</summary>
    public List<int> BackPoints { get; } = [];

    /// <summary>Adds what white space separates.</summary>
    public void AddWords(ReadOnlySpan<char> text)
    {
        for (var at = 0; at < text.Length; at++)
        {
            if (CodePoints.IsSpace(text[at])) continue;
            var start = at;
            while (++at < text.Length && !CodePoints.IsSpace(text[at]))
            {
            }
            Add(text[start..at]);
        }
    }
}

/// <summary>Words as strings.</summary>
sealed class WordStrings : WordSink
{
    public List<string> Words { get; } = [];

    public override void Add(ReadOnlySpan<char> word) => Words.Add(new string(word));
}

/// <summary>Words as numbers: those of a prediction get one each, those of its references are looked up.</summary>
sealed class WordNumbers : WordSink
{
    readonly Vocabulary _vocabulary = new();
    List<int> _into = [];
    bool _learns;
    Stemming _stemming;
    char[] _stem = new char[64];

    /// <summary>The words of a prediction, from 0. Forgets the one before it.</summary>
    public List<int> Prediction { get; } = [];

    /// <summary>The words of the reference last read; -1 for those the prediction lacks.</summary>
    public List<int> Reference { get; } = [];

    /// <summary>How many different words the prediction has.</summary>
    public int Count => _vocabulary.Count;

    /// <summary>Starts a prediction.</summary>
    /// <param name="stemming">What words are reduced to, of it and of its references.</param>
    public void BeginPrediction(Stemming stemming = Stemming.None)
    {
        _vocabulary.Clear();
        Prediction.Clear();
        _stemming = stemming;
        (_into, _learns) = (Prediction, true);
    }

    /// <summary>Starts a reference.</summary>
    public void BeginReference()
    {
        Reference.Clear();
        (_into, _learns) = (Reference, false);
    }

    public override void Add(ReadOnlySpan<char> word)
    {
        if (_stemming != Stemming.None && word.Length > 3) word = Stem(word);
        if (word.Length == 0) return;
        _into.Add(_learns ? _vocabulary.Learn(word) : _vocabulary.Find(word));
    }

    ReadOnlySpan<char> Stem(ReadOnlySpan<char> word)
    {
        if (_stem.Length < word.Length) _stem = new char[2 * word.Length];
        word.ToLowerInvariant(_stem);
        return _stem.AsSpan(0, PorterStemmer.Stem(_stem.AsSpan(0, word.Length), _stemming == Stemming.ExtendedPorter));
    }
}
