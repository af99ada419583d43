using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Raijin.Training;

/// <summary>
/// Lets what a program writes to the console while a live region is shown appear above it, whole lines at a time, instead of into it. Only streams that are
/// terminals are relayed; files and pipes get their text as ever.
/// </summary>
[SuppressMessage("ApiDesign", "RS0030", Justification = "Keeps the user's own Console.WriteLine from being drawn over; it prints nothing itself.")]
sealed class ConsoleRelay : IDisposable
{
    readonly TextWriter? _output;
    readonly TextWriter? _error;
    readonly RelayWriter _relayedOutput;
    readonly RelayWriter _relayedError;

    public ConsoleRelay(LiveRegion region)
    {
        _relayedOutput = new RelayWriter(region);
        _relayedError = new RelayWriter(region);
        if (!Console.IsOutputRedirected)
        {
            _output = Console.Out;
            Console.SetOut(_relayedOutput);
        }
        if (!Console.IsErrorRedirected)
        {
            _error = Console.Error;
            Console.SetError(_relayedError);
        }
    }

    /// <summary>Gives the console back. Half a line that is still held is written out.</summary>
    public void Dispose()
    {
        if (_output is not null) Console.SetOut(_output);
        if (_error is not null) Console.SetError(_error);
        _output?.Write(_relayedOutput.TakeRest());
        _error?.Write(_relayedError.TakeRest());
        _relayedOutput.Dispose();
        _relayedError.Dispose();
    }
}

/// <summary>Holds a line until it is whole. The console calls it under a lock of its own.</summary>
sealed class RelayWriter(LiveRegion region) : TextWriter
{
    readonly StringBuilder _line = new();

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value)
    {
        _line.Append(value);
        if (value == '\n') PassOn();
    }

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> buffer)
    {
        var end = buffer.LastIndexOf('\n') + 1;
        if (end > 0)
        {
            _line.Append(buffer[..end]);
            PassOn();
        }
        _line.Append(buffer[end..]);
    }

    public string TakeRest()
    {
        var rest = _line.ToString();
        _line.Clear();
        return rest;
    }

    void PassOn() => region.PrintAbove(TakeRest());
}
