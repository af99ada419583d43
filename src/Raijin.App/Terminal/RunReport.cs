using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Raijin.App;

/// <summary>What a command found or did, as a sentence and a table of names and values.</summary>
static class RunReport
{
    /// <summary>Prints a sentence and the rows below it.</summary>
    public static void Print(IAnsiConsole console, string sentence, IEnumerable<(string Name, string Value)> rows)
    {
        console.Write("\n");
        console.MarkupLine(sentence.In(Palette.Heading));
        var listing = new Listing(Palette.Quiet, "");
        foreach (var (name, value) in rows) listing.Add(name, value);
        listing.Print(console);
    }

    /// <summary>Prints what to type next.</summary>
    public static void PrintHint(IAnsiConsole console, string sentence, string command) =>
        console.MarkupLine($"{Markup.Escape(sentence)}: {command.In(Palette.Typed)}");

    /// <summary>A measure with five significant digits.</summary>
    public static string Number(double value) => value.ToString("G5", CultureInfo.InvariantCulture);

    /// <summary>The most memory the process ever had resident.</summary>
    public static long PeakMemoryBytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
