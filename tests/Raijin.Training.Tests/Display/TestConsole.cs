using System.Text;
using Spectre.Console;

namespace Raijin.Training.Tests.Display;

/// <summary>Consoles over writers, of a width that is set.</summary>
static class TestConsole
{
    /// <summary>Like a file or a pipe.</summary>
    public static IAnsiConsole Plain(TextWriter writer, bool unicode = true) => Create(writer, 80, AnsiSupport.No, unicode);

    /// <summary>Like a terminal.</summary>
    public static IAnsiConsole Ansi(TextWriter writer, int width = 100, bool unicode = true) => Create(writer, width, AnsiSupport.Yes, unicode);

    /// <summary>Lines as they are printed on a plain console.</summary>
    public static string TextOf(IEnumerable<StyledLine> lines, bool unicode = true)
    {
        var text = new StringWriter();
        var console = Plain(text, unicode);
        foreach (var line in lines)
        {
            console.Write(new LineDrawing(line));
            console.WriteLine();
        }
        return text.ToString();
    }

    static IAnsiConsole Create(TextWriter writer, int width, AnsiSupport ansi, bool unicode)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = ansi,
            ColorSystem = ColorSystemSupport.Standard,
            Interactive = InteractionSupport.No,
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
            Out = new AnsiConsoleOutput(writer),
        });
        console.Profile.Width = width;
        console.Profile.Encoding = Encoding.UTF8;
        console.Profile.Capabilities.Unicode = unicode;
        return console;
    }
}
