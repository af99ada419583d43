using Raijin.Tensors;
using Spectre.Console;

namespace Raijin.App;

/// <summary>Where a command talks: results to <see cref="Out"/>, everything a person reads to <see cref="Human"/>.</summary>
/// <param name="output">Standard output.</param>
/// <param name="error">Standard error.</param>
/// <param name="style">How the two are drawn.</param>
sealed class Terminal(TextWriter output, TextWriter error, TerminalStyle style)
{
    IAnsiConsole? _human;
    IAnsiConsole? _errors;

    /// <summary>Standard output, for what programs read.</summary>
    public TextWriter Out => output;

    /// <summary>Standard error, for texts that are drawn already.</summary>
    public TextWriter Error => error;

    /// <summary>Whether the last line on standard output is a JSON object, so that human output moves to standard error.</summary>
    public bool Json { get; set; }

    /// <summary>What people read: standard output, or standard error under <c>--json</c>. Made when first used, since drawing costs start-up time.</summary>
    public IAnsiConsole Human => Json ? Errors : _human ??= Create(output, style.OutputIsTerminal);

    /// <summary>
    /// For a trainer's progress: null where that is the process's own standard output, which the trainer opens itself, on the thread that draws and not on
    /// the one that is to reach the first step.
    /// </summary>
    public IAnsiConsole? Progress => !Json && ReferenceEquals(output, Console.Out) ? null : Human;

    /// <summary>What went wrong: standard error.</summary>
    public IAnsiConsole Errors => _errors ??= Create(error, style.ErrorIsTerminal);

    IAnsiConsole Create(TextWriter writer, bool isTerminal)
    {
        var colored = isTerminal && style.Color;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = colored ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        // Lines for programs and files are never wrapped to a width nobody has.
        if (!isTerminal) console.Profile.Width = TerminalStyle.UnwrappedWidth;
        return console;
    }
}

/// <summary>How standard output and error are drawn.</summary>
/// <param name="OutputIsTerminal">Whether a person sees standard output directly.</param>
/// <param name="ErrorIsTerminal">Whether a person sees standard error directly.</param>
/// <param name="Color">Whether colours are wanted (<c>NO_COLOR</c> is not set).</param>
sealed record TerminalStyle(bool OutputIsTerminal, bool ErrorIsTerminal, bool Color)
{
    /// <summary>Columns used where there is no terminal.</summary>
    public const int UnwrappedWidth = 1000;

    /// <summary>As this process was started.</summary>
    public static TerminalStyle OfProcess() => new(!Console.IsOutputRedirected, !Console.IsErrorRedirected, Color: !RaijinEnvironment.NoColor);

    /// <summary>Plain text on both.</summary>
    public static TerminalStyle Plain { get; } = new(false, false, false);
}
