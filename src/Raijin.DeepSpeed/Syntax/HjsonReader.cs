using System.Text;

namespace Raijin.DeepSpeed;

// Hjson as DeepSpeed's loader takes it, of which JSON is a part:
//   comments # // /* */;  commas between, after the last, or none where a line ends;  keys without quotes;  '…' beside "…";  '''text over lines''';  the braces around all may be missing;
//   a value without quotes is a number, true, false or null if it ends at a comma, a bracket, a comment or the line's end, else text up to the line's end, commas included.
// Reading is one pass, O(n), and recursion is bounded by MaxDepth. What is wrong but readable (a key given twice, a placeholder) is collected; what can't be read ends it.

/// <summary>Reads the lenient syntax of DeepSpeed's configuration files; every node knows its line and column.</summary>
sealed partial class HjsonReader
{
    /// <summary>The deepest nesting of objects and lists.</summary>
    public const int MaxDepth = 64;

    /// <summary>The most keys and values of a file.</summary>
    public const int MaxNodes = 100_000;

    /// <summary>The most faults said of a file.</summary>
    public const int MaxFaults = 100;

    /// <summary>The longest number, in characters.</summary>
    public const int MaxNumberLength = 64;

    readonly string _text;
    readonly List<SyntaxFault> _faults = [];
    int _at;
    int _line = 1;
    int _lineStart;
    int _nodes;
    Position? _runsOn;

    HjsonReader(string text) => _text = text;

    /// <summary>Reads a text.</summary>
    /// <param name="text">The whole file.</param>
    /// <param name="faults">What is wrong with it.</param>
    /// <returns>The values, as far as the text has any; null when it could not be read to its end.</returns>
    public static HjsonNode? Read(string text, out IReadOnlyList<SyntaxFault> faults)
    {
        var reader = new HjsonReader(text);
        faults = reader._faults;
        try
        {
            return reader.Root();
        }
        catch (UnreadableException error)
        {
            reader._faults.Add(error.Fault);
            return null;
        }
    }

    Position Here => new(_line, _at - _lineStart + 1);

    bool AtEnd => _at >= _text.Length;

    char Current => _at < _text.Length ? _text[_at] : '\0';

    HjsonNode Root()
    {
        Skip();
        if (AtEnd) throw Unreadable(Here, "there is nothing in it");
        if (Current == '<') throw Unreadable(Here, "is XML or HTML, not a configuration");
        HjsonNode root = Current == '{' && !Begins("{{") ? Object(braces: true, 1) : Current == '[' ? List(1) : Object(braces: false, 1);
        Skip();
        return AtEnd ? root : throw Unreadable(Here, $"{Shown()} stands after the end of the configuration");
    }

    HjsonObject Object(bool braces, int depth)
    {
        var start = Here;
        CheckDepth(depth, start);
        if (braces) Advance();
        var members = new List<HjsonMember>();
        var seen = new Dictionary<string, Position>(StringComparer.Ordinal);
        while (true)
        {
            Skip();
            if (AtEnd)
            {
                if (braces) throw Unclosed('{', start);
                break;
            }
            if (Current == '}' && braces)
            {
                Advance();
                break;
            }
            if (Current == ',')
            {
                if (members.Count == 0) throw Unreadable(Here, "a comma stands where a key is expected");
                Advance();
                Skip();
                if (Current == ',') throw Unreadable(Here, "a comma stands where a key is expected");
                continue;
            }
            var at = Here;
            var key = Key();
            Skip();
            if (Current != ':') throw Unreadable(Here, $"{(AtEnd ? "the text ends" : Shown() + " stands")} where the : after \"{Shortened(key)}\" is expected");
            Advance();
            var value = Value(depth + 1);
            if (seen.TryAdd(key, at)) members.Add(new HjsonMember(key, at, value));
            else Report(new(at, key, $"is given twice: here and on {seen[key]}"));
        }
        return new HjsonObject(members, start);
    }

    HjsonList List(int depth)
    {
        var start = Here;
        CheckDepth(depth, start);
        Advance();
        var items = new List<HjsonNode>();
        while (true)
        {
            Skip();
            if (AtEnd) throw Unclosed('[', start);
            if (Current == ']')
            {
                Advance();
                return new HjsonList(items, start);
            }
            if (Current == ',')
            {
                if (items.Count == 0) throw Unreadable(Here, "a comma stands where a value is expected");
                Advance();
                Skip();
                if (Current == ',') throw Unreadable(Here, "a comma stands where a value is expected");
                continue;
            }
            items.Add(Value(depth + 1));
        }
    }

    HjsonNode Value(int depth)
    {
        Skip();
        if (++_nodes > MaxNodes) throw Unreadable(Here, FormattableString.Invariant($"has more than the {MaxNodes:N0} values a configuration may have"));
        if (AtEnd) throw Unreadable(Here, "the text ends where a value is expected");
        if (PlaceholderLength() is var length and > 0) return Placeholder(length);
        switch (Current)
        {
            case '{': return Object(braces: true, depth);
            case '[': return List(depth);
            case '"' or '\'':
                var at = Here;
                var text = Begins("'''") ? Lines() : Quoted();
                if (PlaceholderIn(text) is not { } name) return new HjsonScalar(HjsonKind.Text, text, at);
                Report(Unfilled(at, name));
                return new HjsonScalar(HjsonKind.Placeholder, text, at);
            case '}' or ']' or ',' or ':': throw Unreadable(Here, $"{Shown()} stands where a value is expected");
            default: return Bare();
        }
    }

    HjsonScalar Bare()
    {
        var at = Here;
        var start = _at;
        // A word that a sign of structure or a comment ends may be a number, true, false or null; anything else runs to the end of its line.
        var word = start;
        while (word < _text.Length && _text[word] is not ('\n' or '\r' or ',' or '}' or ']' or '#') && !(_text[word] == '/' && word + 1 < _text.Length && _text[word + 1] is '/' or '*')) word++;
        var end = word;
        while (end > start && _text[end - 1] is ' ' or '\t') end--;
        var text = _text[start..end];
        if (text is "true" or "false") return Taken(HjsonKind.Flag);
        if (text is "null") return Taken(HjsonKind.Null);
        if (IsNumber(text))
        {
            if (text.Length <= MaxNumberLength) return Taken(HjsonKind.Number);
            Report(new(at, "", $"the number {Shortened(text)} has {text.Length} characters; {MaxNumberLength} are allowed"));
            return Taken(HjsonKind.Placeholder);
        }
        while (word < _text.Length && _text[word] is not ('\n' or '\r')) word++;
        end = word;
        text = _text[start..end].Trim();
        if (text.AsSpan().ContainsAny('}', ']')) _runsOn = at;
        if (PlaceholderIn(text) is not { } name) return Taken(HjsonKind.Text);
        Report(Unfilled(at, name));
        return Taken(HjsonKind.Placeholder);

        HjsonScalar Taken(HjsonKind kind)
        {
            _at = end;
            return new(kind, text, at);
        }
    }

    string Key()
    {
        if (Current is '"' or '\'') return Quoted();
        if (PlaceholderLength() is var length and > 0) return Placeholder(length).Text;
        var start = _at;
        while (!AtEnd && Current is not (':' or '{' or '}' or '[' or ']' or ',' or '"' or '\'') && !char.IsWhiteSpace(Current)) _at++;
        return _at > start ? _text[start.._at] : throw Unreadable(Here, $"{Shown()} stands where a key is expected");
    }

    string Quoted()
    {
        var (start, quote) = (Here, Current);
        Advance();
        var text = new StringBuilder();
        while (true)
        {
            if (AtEnd || Current is '\n' or '\r') throw Unreadable(start, "the text in quotes that begins here is not closed on its line");
            var c = Current;
            Advance();
            if (c == quote) return text.ToString();
            if (c != '\\')
            {
                text.Append(c);
                continue;
            }
            if (AtEnd) continue;
            var escaped = Current;
            var at = Here;
            Advance();
            if (escaped == 'u') text.Append(Hexadecimal(at));
            else text.Append(escaped switch
            {
                '"' or '\'' or '\\' or '/' => escaped,
                'b' => '\b',
                'f' => '\f',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                _ => throw Unreadable(at, $"\\{escaped} is no escape; allowed: \\\" \\' \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"),
            });
        }
    }

    char Hexadecimal(Position at)
    {
        if (_at + 4 > _text.Length || !ushort.TryParse(_text.AsSpan(_at, 4), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var code)) throw Unreadable(at, "\\u needs four hexadecimal digits");
        _at += 4;
        return (char)code;
    }

    // Up to the next ''', without the indentation of its first line and without the line break before its end.
    string Lines()
    {
        var start = Here;
        var indent = start.Column - 1;
        _at += 3;
        var close = _text.IndexOf("'''", _at, StringComparison.Ordinal);
        if (close < 0) throw Unreadable(start, "the text over lines that begins here is not closed by '''");
        var lines = _text[_at..close].ReplaceLineEndings("\n").Split('\n');
        while (_at < close) Advance();
        _at += 3;
        var kept = lines.Select((line, i) => i == 0 ? line : line[Math.Min(indent, line.Length - line.TrimStart().Length)..]).ToList();
        if (kept.Count > 1 && kept[0].Trim().Length == 0) kept.RemoveAt(0);
        if (kept.Count > 1 && kept[^1].Trim().Length == 0) kept.RemoveAt(kept.Count - 1);
        return string.Join('\n', kept);
    }

    void Skip()
    {
        while (!AtEnd)
        {
            if (char.IsWhiteSpace(Current) || Current == '\uFEFF') Advance();
            else if (Current == '#' || Begins("//"))
            {
                while (!AtEnd && Current != '\n') _at++;
            }
            else if (Begins("/*"))
            {
                var start = Here;
                var close = _text.IndexOf("*/", _at + 2, StringComparison.Ordinal);
                if (close < 0) throw Unreadable(start, "the comment that begins here is not closed by */");
                while (_at < close + 2) Advance();
            }
            else if (!SkipStatement()) return;
        }
    }

    void Advance()
    {
        if (_text[_at++] != '\n') return;
        _line++;
        _lineStart = _at;
    }

    bool Begins(string sign) => string.CompareOrdinal(_text, _at, sign, 0, sign.Length) == 0;

    static void CheckDepth(int depth, Position at)
    {
        if (depth > MaxDepth) throw Unreadable(at, $"nests deeper than the {MaxDepth} levels a configuration may have");
    }

    string Shown() => AtEnd ? "the end" : char.IsControl(Current) ? $"a control character (U+{(int)Current:X4})" : $"'{Current}'";

    static string Shortened(string text) => text.Length <= 40 ? text : text[..37] + "…";

    // -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?, as JSON.
    static bool IsNumber(ReadOnlySpan<char> text)
    {
        var i = text is ['-', ..] ? 1 : 0;
        if (i >= text.Length || !char.IsAsciiDigit(text[i])) return false;
        if (text[i] == '0' && i + 1 < text.Length && char.IsAsciiDigit(text[i + 1])) return false;
        i = Digits(text, i);
        if (i < text.Length && text[i] == '.')
        {
            var whole = i + 1;
            i = Digits(text, whole);
            if (i == whole) return false;
        }
        if (i < text.Length && text[i] is 'e' or 'E')
        {
            i++;
            if (i < text.Length && text[i] is '+' or '-') i++;
            var exponent = i;
            i = Digits(text, exponent);
            if (i == exponent) return false;
        }
        return i == text.Length;
    }

    static int Digits(ReadOnlySpan<char> text, int i)
    {
        while (i < text.Length && char.IsAsciiDigit(text[i])) i++;
        return i;
    }

    void Report(SyntaxFault fault)
    {
        if (_faults.Count < MaxFaults) _faults.Add(fault);
    }

    // What is not closed was often closed within a text that nobody meant to be one: Python's True.
    UnreadableException Unclosed(char bracket, Position start) =>
        Unreadable(Here, $"the text ends, but the {bracket} of {start} is not closed" + (_runsOn is { } at ? $"; the text without quotes on {at} runs to the end of its line, brackets and all: put it in quotes, or is it meant to be true, false or null?" : ""));

    static UnreadableException Unreadable(Position at, string message) => new(new(at, "", message));

    sealed class UnreadableException(SyntaxFault fault) : Exception
    {
        public SyntaxFault Fault => fault;
    }
}

/// <summary>Something wrong with a text.</summary>
/// <param name="At">Where.</param>
/// <param name="Key">The key it is about; empty for none.</param>
/// <param name="Message">What is wrong.</param>
sealed record SyntaxFault(Position At, string Key, string Message);
