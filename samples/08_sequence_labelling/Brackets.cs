// B texts, T characters of the longest of them

using Raijin;
using static TorchSharp.torch;

/// <summary>B texts and a tag for each of their characters, filled up to the longest text.</summary>
/// <param name="Characters">[B, T] int64; 0 beyond a text's end.</param>
/// <param name="Tags">[B, T] int64; <see cref="Brackets.NoTag"/> beyond a text's end.</param>
/// <param name="Lengths">[B] int64.</param>
sealed record TaggedTexts(Tensor Characters, Tensor Tags, Tensor Lengths) : IBatch<TaggedTexts>
{
    public int Count => (int)Lengths.shape[0];

    public TaggedTexts Map(Func<Tensor, Tensor> map) => new(map(Characters), map(Tags), map(Lengths));
}

/// <summary>Random letters and brackets. A bracket's tag says whether it has a partner; what decides may lie far off, on either side.</summary>
static class Brackets
{
    public const int Characters = 6, Tags = 3, NoTag = -100;
    const string Alphabet = ".()abc";

    /// <summary>A text of 5 to 40 characters with its tags: 0 a letter, 1 a bracket with a partner, 2 one without.</summary>
    public static (long[] Text, long[] Tags) Draw(RandomStream random)
    {
        var text = new long[5 + random.NextInt64(36)];
        foreach (ref var character in text.AsSpan()) character = random.NextDouble() < 0.6 ? 1 + random.NextInt64(2) : 3 + random.NextInt64(3);
        return (text, Tag(text));
    }

    public static long[] Tag(long[] text)
    {
        var (tags, open) = (new long[text.Length], new Stack<int>());
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == 1)
            {
                open.Push(i);
                tags[i] = 2;
            }
            else if (text[i] == 2)
            {
                tags[i] = open.Count > 0 ? 1 : 2;
                if (open.TryPop(out var partner)) tags[partner] = 1;
            }
        }
        return tags;
    }

    /// <summary>Fills texts up to the longest of them.</summary>
    public static TaggedTexts Collate(IReadOnlyList<(long[] Text, long[] Tags)> texts)
    {
        var (characters, lengths, _) = Raijin.Collate.Pad<long>([.. texts.Select(t => t.Text)]);
        return new(characters, Raijin.Collate.Pad<long>([.. texts.Select(t => t.Tags)], NoTag).Inputs, lengths);
    }

    /// <summary>The text itself.</summary>
    public static string Write(IEnumerable<long> text) => string.Concat(text.Select(c => Alphabet[(int)c]));

    /// <summary>Numbers as characters.</summary>
    public static long[] Read(string text) => [.. text.Select(c => (long)Alphabet.IndexOf(c))];
}
