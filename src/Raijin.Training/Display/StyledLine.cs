using Spectre.Console.Rendering;

namespace Raijin.Training;

/// <summary>How words stand out.</summary>
enum Tone
{
    Plain,
    Strong,
    Quiet,
    Accent,
    Bad,
}

/// <summary>One line of words in their tones. Plain data: making one does not touch the drawing library, so the training thread may.</summary>
sealed class StyledLine
{
    readonly List<(string Text, Tone Tone)> _words = [];

    public IReadOnlyList<(string Text, Tone Tone)> Words => _words;

    /// <summary>Cells it takes on a terminal.</summary>
    public int Cells => _words.Sum(w => CellsOf(w.Text));

    public StyledLine Add(string text, Tone tone = Tone.Plain)
    {
        _words.Add((text, tone));
        return this;
    }

    /// <summary>Adds the words of another line.</summary>
    public StyledLine Add(StyledLine line)
    {
        _words.AddRange(line._words);
        return this;
    }

    static int CellsOf(string text) => System.Text.Ascii.IsValid(text) ? text.Length : new Segment(text).CellCount();
}
