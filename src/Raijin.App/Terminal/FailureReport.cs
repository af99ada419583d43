using System.Text.Json;
using Raijin.Collectives;
using Spectre.Console;

namespace Raijin.App;

/// <summary>Says what went wrong: one line, or the list of faults; a stack trace only when asked for.</summary>
static class FailureReport
{
    /// <summary>Prints <paramref name="error"/> to standard error, and as JSON where that is wanted; tells the supervisor, in a process that is a rank.</summary>
    /// <returns><paramref name="exitCode"/>.</returns>
    public static int Print(Terminal terminal, string command, Exception error, bool verbose, int exitCode)
    {
        RankProcess.Tell(error);
        var faults = (error as InvalidOptionsException)?.Faults ?? [];
        if (faults.Count > 0) PrintFaults(terminal.Errors, faults);
        else terminal.Errors.MarkupLine($"{"error".In(Palette.Bad)} {Markup.Escape(error.Message)}");
        if (verbose) terminal.Errors.WriteLine(error.ToString());

        JsonReport.Write(terminal, command, exitCode, json =>
        {
            json.WriteStartObject("error");
            json.WriteString("type", error.GetType().Name);
            json.WriteString("message", error.Message);
            json.WriteStartArray("faults");
            foreach (var fault in faults) WriteFault(json, fault);
            json.WriteEndArray();
            json.WriteEndObject();
        });
        return exitCode;
    }

    static void PrintFaults(IAnsiConsole console, IReadOnlyList<OptionFault> faults)
    {
        console.MarkupLine((faults.Count == 1 ? "1 problem in the options:" : $"{faults.Count} problems in the options:").In(Palette.Bad));
        var listing = new Listing(Palette.Heading, "");
        foreach (var fault in faults) listing.Add(fault.Key, fault.Message);
        listing.Print(console);
    }

    static void WriteFault(Utf8JsonWriter json, OptionFault fault)
    {
        json.WriteStartObject();
        json.WriteString("key", fault.Key);
        json.WriteString("message", fault.Message);
        json.WriteEndObject();
    }
}
