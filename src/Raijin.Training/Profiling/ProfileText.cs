using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Raijin.Training;

/// <summary>How profilers' results become text, JSON and a table on the terminal.</summary>
static class ProfileText
{
    const int Columns = 160;

    static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A table as plain text, as wide as it needs.</summary>
    public static string Render(params IReadOnlyList<IRenderable> parts)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = Columns;
        console.Profile.Capabilities.Unicode = true;
        foreach (var part in parts) console.Write(part);
        var lines = text.ToString().ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd());
        return string.Join('\n', lines).TrimEnd('\n') + "\n";
    }

    /// <summary>Prints a table and writes it as text and as JSON.</summary>
    public static void Publish(ProfileTarget target, string name, IReadOnlyList<IRenderable> parts, Action<Utf8JsonWriter> json)
    {
        Print(target, parts);
        if (target.File(name + ".txt") is { } path) Write(path, parts, json);
    }

    /// <summary>Prints a table, where there is a console.</summary>
    public static void Print(ProfileTarget target, IReadOnlyList<IRenderable> parts) => Print(target, Render(parts));

    /// <summary>Prints lines as wide as they are: a terminal wraps what does not fit, a file takes it; cells squeezed into 80 columns nobody reads.</summary>
    public static void Print(ProfileTarget target, string text) => target.Console?.Profile.Out.Writer.Write(text + "\n");

    /// <summary>Writes a table as text, and as JSON beside it.</summary>
    public static void Write(string path, IReadOnlyList<IRenderable> parts, Action<Utf8JsonWriter> json)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        File.WriteAllText(path, Render(parts), new UTF8Encoding(false));
        WriteJson(Path.ChangeExtension(path, ".json"), json);
    }

    public static void WriteJson(string path, Action<Utf8JsonWriter> write)
    {
        using var file = File.Create(path);
        using var json = new Utf8JsonWriter(file, Indented);
        write(json);
    }

    /// <summary>A plain table with a heading line: the first column on the left, the others on the right.</summary>
    public static Spectre.Console.Table Table(string title, params IReadOnlyList<string> headings)
    {
        var table = new Spectre.Console.Table().Border(TableBorder.Simple).Title(Markup.Escape(title));
        for (var i = 0; i < headings.Count; i++)
        {
            var column = new Spectre.Console.TableColumn(Markup.Escape(headings[i])) { NoWrap = true };
            table.AddColumn(i == 0 ? column.LeftAligned() : column.RightAligned());
        }
        return table;
    }

    public static void Row(Spectre.Console.Table table, params IReadOnlyList<string> cells) => table.AddRow([.. cells.Select(c => new Text(c))]);
}
