using System.Globalization;
using System.Text;
using Spectre.Console;

namespace Raijin;

/// <summary>Prints each record as a line: <c>step 50  epoch 0  train/loss 0.4321  lr 0.001</c>. For runs whose output is read as it comes, without a progress bar.</summary>
public sealed class ConsoleLogger : RunLogger
{
    readonly StringBuilder _line = new();
    IAnsiConsole? _console;

    /// <summary>Makes the logger.</summary>
    /// <param name="console">Where to print; null for the process's standard output.</param>
    public ConsoleLogger(IAnsiConsole? console = null) => _console = console;

    /// <inheritdoc/>
    public override bool Accepts(LogKind kind) => kind is LogKind.Scalars or LogKind.Text;

    /// <inheritdoc/>
    public override void Open(string directory, long fromStep) => _console ??= AnsiConsole.Create(new AnsiConsoleSettings());

    /// <inheritdoc/>
    public override void Write(LogRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        foreach (var item in record.Items)
            if (item is TextItem(var key, var text)) Print(string.Create(CultureInfo.InvariantCulture, $"step {record.Step}  {key}: {text}"));
        if (record.Values.Count == 0) return;
        _line.Clear().Append(CultureInfo.InvariantCulture, $"step {record.Step}  epoch {record.Epoch}");
        foreach (var (name, value) in record.Values) _line.Append(CultureInfo.InvariantCulture, $"  {name} {value:G5}");
        Print(_line.ToString());
    }

    /// <inheritdoc/>
    public override void Finish(RunOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        if (outcome.Reason.Length > 0) Print($"{outcome.Status switch { RunStatus.Finished => "finished", RunStatus.Interrupted => "interrupted", _ => "failed" }}: {outcome.Reason}");
    }

    /// <inheritdoc/>
    public override void Close() { }

    // A line is the reader's to wrap: one written in pieces of the terminal's width could not be searched.
    void Print(string line) => _console!.Profile.Out.Writer.WriteLine(line);
}
