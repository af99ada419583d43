using System.CommandLine;
using Raijin.Tensors;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin doctor</c>: says whether this machine can train, on what, and what to do where it cannot.</summary>
sealed class DoctorCommand : CliCommand
{
    readonly Option<string> _output = new("--output") { Description = "The folder whose disk is looked at (default: runs)", HelpName = "DIR" };

    /// <summary>Makes the command.</summary>
    public DoctorCommand() : base("doctor", "Checks the platform, libtorch, devices, ranks, memory and disk") => Options.Add(_output);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["raijin doctor", "raijin doctor --output /data/runs --json"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        invocation.ThrowIfFaulty();
        List<Finding> findings =
        [
            .. Examination.OfPlatform(),
            .. Examination.OfLibTorch(),
            .. Examination.OfKernels(),
            .. Examination.OfGpus(),
            .. RankExamination.Of(RaijinEnvironment.All),
            .. Examination.OfMemory(),
            .. Examination.OfDisk(invocation.Get(_output) ?? "runs"),
        ];
        var exitCode = findings.Any(finding => finding.Verdict == Verdict.Bad) ? ExitCodes.Failure : ExitCodes.Success;
        Print(invocation.Terminal.Human, findings);
        JsonReport.Write(invocation.Terminal, "doctor", exitCode, json =>
        {
            json.WriteStartArray("findings");
            foreach (var finding in findings)
            {
                json.WriteStartObject();
                json.WriteString("area", finding.Area);
                json.WriteString("name", finding.Name);
                json.WriteString("value", finding.Value);
                json.WriteString("verdict", RecordShape.CamelCase(finding.Verdict.ToString()));
                json.WriteString("remedy", finding.Remedy);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
        return exitCode;
    }

    static void Print(IAnsiConsole console, List<Finding> findings)
    {
        foreach (var area in findings.GroupBy(finding => finding.Area))
        {
            console.MarkupLine(area.Key.In(Palette.Heading));
            var listing = new Listing("", Palette.Quiet, "");
            foreach (var finding in area)
            {
                var (mark, style) = finding.Verdict switch
                {
                    Verdict.Good => ("✓", Palette.Good),
                    Verdict.Warn => ("!", Palette.Warn),
                    Verdict.Bad => ("✗", Palette.Bad),
                    _ => ("", ""),
                };
                listing.AddMarked(style, mark, finding.Name, finding.Value);
                if (finding.Remedy is { } remedy) listing.Add("", "", remedy);
            }
            listing.Print(console);
            console.Write("\n");
        }
        var bad = findings.Count(finding => finding.Verdict == Verdict.Bad);
        console.MarkupLine(bad == 0 ? "Ready to train.".In(Palette.Good) : $"{bad} {(bad == 1 ? "thing" : "things")} to repair before training.".In(Palette.Bad));
    }
}

/// <summary>What an examination found.</summary>
/// <param name="Area">The heading it stands under.</param>
/// <param name="Name">What was looked at.</param>
/// <param name="Value">How it is.</param>
/// <param name="Verdict">What to think of it.</param>
/// <param name="Remedy">What to do; null where there is nothing to do.</param>
sealed record Finding(string Area, string Name, string Value, Verdict Verdict = Verdict.Fact, string? Remedy = null);

/// <summary>What to think of a finding.</summary>
enum Verdict
{
    /// <summary>Nothing: it is just so.</summary>
    Fact,

    /// <summary>As it should be.</summary>
    Good,

    /// <summary>Works, not at its best.</summary>
    Warn,

    /// <summary>Training cannot work.</summary>
    Bad,
}
