using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Raijin.App;

/// <summary>Answers a shell's question what may come next: <c>raijin "[suggest:18]" "raijin fit digits --"</c> prints candidates, one a line.</summary>
static class Completion
{
    const string Directive = "[suggest";

    /// <summary>Whether a command line is such a question.</summary>
    public static bool IsAsked(IReadOnlyList<string> args) => args.Count > 0 && args[0].StartsWith(Directive, StringComparison.Ordinal);

    /// <summary>Prints the candidates for the last word before the cursor.</summary>
    public static int Answer(RootCommand root, string program, IReadOnlyList<string> args, TextWriter output)
    {
        var line = args.Count > 1 ? args[1] : "";
        var hasCursor = int.TryParse(args[0].AsSpan(Directive.Length).Trim(":]"), NumberStyles.None, CultureInfo.InvariantCulture, out var cursor);
        if (hasCursor && cursor < line.Length) line = line[..cursor];
        line = WithoutProgram(line, program);
        var word = line[(line.LastIndexOf(' ') + 1)..];
        var candidates = word.StartsWith('-')
            ? OptionsOf(root.Parse(line[..^word.Length]).CommandResult)
            : root.Parse(line).GetCompletions(line.Length).Select(item => item.Label).Where(label => !label.StartsWith('-') && !label.StartsWith('/'));
        foreach (var candidate in candidates.Where(candidate => candidate.StartsWith(word, StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal)) output.WriteLine(candidate);
        return ExitCodes.Success;
    }

    // Shells hand over the whole line; its first word is this program under whatever name or path it was started.
    static string WithoutProgram(string line, string program)
    {
        var first = line.TrimStart();
        var end = first.IndexOf(' ', StringComparison.Ordinal);
        return end > 0 && Path.GetFileNameWithoutExtension(first[..end]) == program ? first[(end + 1)..] : first;
    }

    // System.CommandLine, asked for an option after one that may be repeated, offers that one's values only.
    static IEnumerable<string> OptionsOf(CommandResult command)
    {
        for (var result = command; result is not null; result = result.Parent as CommandResult)
        {
            foreach (var option in result.Command.Options)
            {
                if (!option.Hidden && (result == command || option.Recursive)) yield return option.Name;
            }
        }
    }
}
