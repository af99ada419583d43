using Microsoft.Win32.SafeHandles;

namespace Raijin.Tensors;

/// <summary>How a <see cref="ChildProcess"/> is started. It runs in this process's folder.</summary>
public sealed record ChildStart
{
    /// <summary>The program, looked for in <c>PATH</c> when it is a bare name, and its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Its whole environment.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>Its standard input; null: this process's own.</summary>
    public SafeFileHandle? Input { get; init; }

    /// <summary>Its standard output; null: this process's own, terminal and all.</summary>
    public SafeFileHandle? Output { get; init; }

    /// <summary>Its standard error; null: this process's own.</summary>
    public SafeFileHandle? Error { get; init; }

    /// <summary>What it finds as descriptor <see cref="ChildProcess.HandedDescriptor"/>; null for nothing.</summary>
    public SafePipeHandle? Handed { get; init; }

    /// <summary>Whether it leads a process group of its own: a terminal's Ctrl-C then reaches this process alone, and what the child starts can be ended with it.</summary>
    /// <value>Default true.</value>
    public bool OwnGroup { get; init; } = true;
}

/// <summary>How a process ended.</summary>
/// <param name="Code">Its exit code; 128 and the signal's number where a signal ended it, as shells have it.</param>
/// <param name="Signal">The signal that ended it; 0 for none.</param>
public readonly record struct ChildExit(int Code, int Signal)
{
    /// <summary>What happened, in words: <c>exit code 3</c>, <c>SIGKILL</c>.</summary>
    public override string ToString() => Signal == 0 ? FormattableString.Invariant($"exit code {Code}") : ChildSignal.NameOf(Signal);
}

/// <summary>Signals by number: those whose numbers all systems share.</summary>
public static class ChildSignal
{
    /// <summary>SIGINT: a terminal's Ctrl-C.</summary>
    public const int Interrupt = 2;

    /// <summary>SIGKILL: the end, at once.</summary>
    public const int Kill = 9;

    /// <summary>SIGTERM: please end.</summary>
    public const int Terminate = 15;

    /// <summary>Its name: <c>SIGKILL</c>.</summary>
    public static string NameOf(int signal) => signal switch
    {
        1 => "SIGHUP",
        Interrupt => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        Kill => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        Terminate => "SIGTERM",
        7 when OperatingSystem.IsLinux() => "SIGBUS",
        10 when OperatingSystem.IsMacOS() => "SIGBUS",
        _ => FormattableString.Invariant($"signal {signal}"),
    };
}
