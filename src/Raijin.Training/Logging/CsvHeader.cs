using System.Text;

namespace Raijin.Training;

/// <summary>The first record of a CSV file: names, quoted as RFC 4180 says where they hold a comma, a quote or a line break.</summary>
static class CsvHeader
{
    /// <summary>How many lines the header takes: more than one where a key has a line break in it, which leaves a quote open.</summary>
    public static int Lines(IReadOnlyList<string> lines)
    {
        var count = 1;
        var quotes = lines[0].Count(c => c == '"');
        while (quotes % 2 == 1 && count < lines.Count) quotes += lines[count++].Count(c => c == '"');
        return count;
    }

    public static List<string> Parse(string header)
    {
        var names = new List<string>();
        var name = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < header.Length; i++)
        {
            var c = header[i];
            if (c == '"' && quoted && i + 1 < header.Length && header[i + 1] == '"') name.Append(header[i++]);
            else if (c == '"') quoted = !quoted;
            else if (c == ',' && !quoted)
            {
                names.Add(name.ToString());
                name.Clear();
            }
            else name.Append(c);
        }
        names.Add(name.ToString());
        return names;
    }
}
