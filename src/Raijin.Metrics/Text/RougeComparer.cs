// The texts' words are read once for ROUGE-N and -L, and once more line by line for -Lsum, since a normaliser of the caller's may read a line
// otherwise than it reads the text. A line's words are a slice of one list.

using System.Runtime.InteropServices;

namespace Raijin.Metrics;

/// <summary>Scores pairs for <see cref="Rouge"/>; holds the working memory.</summary>
sealed class RougeComparer
{
    [ThreadStatic]
    static RougeComparer? _ofThread;

    readonly WordNumbers _words = new();
    readonly WordNumbers _lineWords = new();
    readonly NGramMatches _grams = new();
    readonly CommonSubsequence _subsequence = new();
    readonly List<Range> _predictionLines = [];
    readonly List<Range> _referenceLines = [];
    readonly List<char> _normalized = [];
    readonly List<double> _matches = [];
    readonly List<bool> _marks = [];
    readonly List<int> _left = [];
    readonly List<RougeScore> _best = [];

    RougeComparer()
    {
    }

    /// <summary>The calling thread's. It is not to be kept beyond the call.</summary>
    public static RougeComparer OfThread => _ofThread ??= new();

    /// <summary>Adds a pair's precision, recall and F for each kind.</summary>
    public void Add(RougeSums options, int order, in TextComparison batch, int sample, Span<double> sums)
    {
        var kinds = options.Kinds.Items;
        var lines = Array.IndexOf(kinds, RougeKind.Lsum) >= 0;
        _words.BeginPrediction(options.Stemming);
        Read(options, batch.Predictions[sample], _words);
        if (order > 0) _grams.Learn(_words.Prediction, order);
        if (lines)
        {
            _lineWords.BeginPrediction(options.Stemming);
            ReadLines(options, batch.Predictions[sample], _lineWords.Prediction, _predictionLines);
        }
        _best.Clear();
        var references = batch.NumReferences(sample);
        for (var j = 0; j < references; j++)
        {
            _words.BeginReference();
            Read(options, batch.Reference(sample, j), _words);
            if (order > 0) Match(order);
            if (lines)
            {
                _lineWords.BeginReference();
                ReadLines(options, batch.Reference(sample, j), _lineWords.Reference, _referenceLines);
            }
            for (var k = 0; k < kinds.Length; k++) Take(options.References, k, Score(kinds[k]), references);
        }
        for (var k = 0; k < kinds.Length; k++)
        {
            sums[3 * k] += _best[k].Precision;
            sums[3 * k + 1] += _best[k].Recall;
            sums[3 * k + 2] += _best[k].F;
        }
    }

    void Take(RougeReferences how, int kind, RougeScore score, int references)
    {
        if (how == RougeReferences.Average) score = new(score.Precision / references, score.Recall / references, score.F / references);
        if (kind == _best.Count) _best.Add(score);
        else if (how == RougeReferences.Average) _best[kind] = new(_best[kind].Precision + score.Precision, _best[kind].Recall + score.Recall, _best[kind].F + score.F);
        else if (score.F > _best[kind].F) _best[kind] = score;
    }

    RougeScore Score(RougeKind kind)
    {
        var (prediction, reference) = (_words.Prediction, _words.Reference);
        if (kind == RougeKind.L)
            return Score(_subsequence.Length(CollectionsMarshal.AsSpan(prediction), CollectionsMarshal.AsSpan(reference)), prediction.Count, reference.Count);
        if (kind == RougeKind.Lsum) return Score(UnionHits(), _lineWords.Prediction.Count, _lineWords.Reference.Count);
        return Score(_matches[kind.Order - 1], prediction.Count - kind.Order + 1, reference.Count - kind.Order + 1);
    }

    static RougeScore Score(double hits, int predicted, int expected)
    {
        if (hits == 0 || predicted <= 0 || expected <= 0) return default;
        var (precision, recall) = (hits / predicted, hits / expected);
        return new(precision, recall, 2 * precision * recall / (precision + recall));
    }

    void Match(int order)
    {
        CollectionsMarshal.SetCount(_matches, order);
        var matches = CollectionsMarshal.AsSpan(_matches);
        matches.Clear();
        _grams.Forget();
        _grams.Match(_words.Reference, matches);
    }

    // Marked words of the reference, each as often as both texts have it.
    double UnionHits()
    {
        var prediction = CollectionsMarshal.AsSpan(_lineWords.Prediction);
        var reference = CollectionsMarshal.AsSpan(_lineWords.Reference);
        CollectionsMarshal.SetCount(_marks, reference.Length);
        CollectionsMarshal.SetCount(_left, _lineWords.Count);
        var marks = CollectionsMarshal.AsSpan(_marks);
        var left = CollectionsMarshal.AsSpan(_left);
        marks.Clear();
        left.Clear();
        foreach (var word in prediction) left[word]++;
        foreach (var line in _referenceLines)
            foreach (var predicted in _predictionLines)
                _subsequence.Mark(reference[line], prediction[predicted], marks[line]);
        var hits = 0;
        for (var i = 0; i < reference.Length; i++)
            if (marks[i] && left[reference[i]]-- > 0) hits++;
        return hits;
    }

    void Read(RougeSums options, ReadOnlySpan<char> text, WordNumbers into)
    {
        if (options.Normalizer is null) options.Tokenizer.Split(Normalize(text), into);
        else options.Tokenizer.Split(options.Normalizer(new string(text)), into);
    }

    void ReadLines(RougeSums options, ReadOnlySpan<char> text, List<int> words, List<Range> lines)
    {
        lines.Clear();
        foreach (var line in text.Split('\n'))
        {
            var start = words.Count;
            Read(options, text[line], _lineWords);
            if (words.Count > start) lines.Add(start..words.Count);
        }
    }

    ReadOnlySpan<char> Normalize(ReadOnlySpan<char> text)
    {
        CollectionsMarshal.SetCount(_normalized, text.Length);
        var normalized = CollectionsMarshal.AsSpan(_normalized);
        text.ToLowerInvariant(normalized);
        foreach (ref var c in normalized)
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c)) c = ' ';
        return normalized;
    }
}
