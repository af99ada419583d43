namespace Raijin.DeepSpeed;

// A template that was not filled in: {{name}}, ${name}, <name>, in quotes or without.
sealed partial class HjsonReader
{
    /// <summary>The length of the placeholder without quotes that begins here; 0 for none.</summary>
    int PlaceholderLength()
    {
        var (open, close) = Begins("{{") ? ("{{", "}}") : Begins("${") ? ("${", "}") : Current == '<' ? ("<", ">") : ("", "");
        if (open.Length == 0) return 0;
        var line = _text.AsSpan(_at);
        var lineEnd = line.IndexOfAny('\n', '\r');
        if (lineEnd >= 0) line = line[..lineEnd];
        var end = line[open.Length..].IndexOf(close, StringComparison.Ordinal);
        return end <= 0 || line.Slice(open.Length, end).IndexOfAny(":{\"") >= 0 ? 0 : open.Length + end + close.Length;
    }

    HjsonScalar Placeholder(int length)
    {
        var at = Here;
        var text = _text.Substring(_at, length);
        _at += length;
        Report(Unfilled(at, text));
        return new(HjsonKind.Placeholder, text, at);
    }

    /// <summary>Passes over a statement of a template, <c>{% … %}</c>; false where none begins here.</summary>
    bool SkipStatement()
    {
        if (!Begins("{%")) return false;
        var (at, start) = (Here, _at);
        var close = _text.IndexOf("%}", _at + 2, StringComparison.Ordinal);
        if (close < 0) throw Unreadable(at, "the statement of a template that begins here is not closed by %}");
        while (_at < close + 2) Advance();
        Report(new(at, "", $"the statement {Shortened(_text[start.._at])} of a template is not carried out: make the file of the template first"));
        return true;
    }

    /// <summary>The placeholder within a text; null for none.</summary>
    static string? PlaceholderIn(string text)
    {
        foreach (var (open, close) in (ReadOnlySpan<(string, string)>)[("{{", "}}"), ("${", "}")])
        {
            var start = text.IndexOf(open, StringComparison.Ordinal);
            var end = start < 0 ? -1 : text.IndexOf(close, start + open.Length, StringComparison.Ordinal);
            if (end > 0) return text[start..(end + close.Length)];
        }
        return text is ['<', _, .., '>'] && !text.AsSpan(1, text.Length - 2).ContainsAny('<', '>') ? text : null;
    }

    static SyntaxFault Unfilled(Position at, string placeholder) => new(at, "", $"the placeholder {Shortened(placeholder)} of a template is not filled in: write the value in its place");
}
