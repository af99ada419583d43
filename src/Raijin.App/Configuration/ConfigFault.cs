namespace Raijin.App;

/// <summary>Words one thing that is wrong with the configuration: the key with the value given, the problem, and the line of the file.</summary>
static class ConfigFault
{
    /// <summary>A longer value is cut here, so that one fault stays one line.</summary>
    const int ShownCharacters = 60;

    /// <summary>A fault of <paramref name="path"/>, a key, for the value it was given.</summary>
    public static OptionFault OfValue(string path, string value, string problem, Origin origin) =>
        Of($"{path} = {Shorten(value)}", problem, origin);

    /// <summary>A fault of <paramref name="subject"/>; a line of a file or a variable is appended, an argument needs no naming.</summary>
    public static OptionFault Of(string subject, string problem, Origin origin) =>
        new(subject, origin.IsNamed ? $"{problem} ({origin})" : problem);

    /// <summary>The exception for a file that cannot be used as a whole.</summary>
    public static InvalidOptionsException OfFile(string path, int line, string problem) =>
        new([new OptionFault(line > 0 ? $"{path} line {line}" : path, problem)]);

    static string Shorten(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length <= ShownCharacters ? line : string.Concat(line.AsSpan(0, ShownCharacters), "…");
    }
}
