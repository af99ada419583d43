using System.Globalization;
using System.Text;

namespace Raijin.Training.Tests.Display;

/// <summary>As much of a terminal as a live region uses: cursor up, erasing, hiding the cursor; colours are ignored, anything else is refused. It never scrolls.</summary>
sealed class VirtualTerminal : TextWriter
{
    readonly List<StringBuilder> _rows = [new()];
    readonly StringBuilder _escape = new();
    int _row;
    int _column;
    bool _inEscape;

    public override Encoding Encoding => Encoding.UTF8;

    public bool CursorIsHidden { get; private set; }

    public (int Row, int Column) Cursor => (_row, _column);

    public int Writes { get; private set; }

    /// <summary>What a person sees, without trailing blanks and rows.</summary>
    public string Screen => string.Join('\n', _rows.Select(r => r.ToString().TrimEnd())).TrimEnd('\n');

    public override void Write(string? value)
    {
        Writes++;
        foreach (var c in value ?? "") Put(c);
    }

    public override void Write(char value) => Put(value);

    void Put(char c)
    {
        if (_inEscape)
        {
            _escape.Append(c);
            if (!char.IsAsciiLetter(c)) return;
            _inEscape = false;
            Obey(_escape.ToString());
            return;
        }
        switch (c)
        {
            case '\e':
                _inEscape = true;
                _escape.Clear();
                break;
            case '\r':
                _column = 0;
                break;
            case '\n':
                _column = 0;
                if (++_row == _rows.Count) _rows.Add(new());
                break;
            default:
                var row = _rows[_row];
                row.Append(' ', Math.Max(0, _column + 1 - row.Length));
                row[_column++] = c;
                break;
        }
    }

    void Obey(string sequence)
    {
        switch (sequence)
        {
            case "[K":
                Cut(_rows[_row]);
                break;
            case "[J":
                Cut(_rows[_row]);
                _rows.RemoveRange(_row + 1, _rows.Count - _row - 1);
                break;
            case "[?25l":
                CursorIsHidden = true;
                break;
            case "[?25h":
                CursorIsHidden = false;
                break;
            case [.., 'm']:
                break;
            case ['[', .. var count, 'A']:
                _row -= int.Parse(count, CultureInfo.InvariantCulture);
                Assert.True(_row >= 0, "moved above the first row");
                break;
            default:
                Assert.Fail($"a sequence nobody expected: {sequence}");
                break;
        }
    }

    void Cut(StringBuilder row) => row.Length = Math.Min(row.Length, _column);
}
