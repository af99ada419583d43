using System.Globalization;
using System.IO.Pipes;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>A rank as its supervisor sees it: its process, its end of the life line, its log. Two threads tell a queue what happens; everything else is the supervisor's thread's.</summary>
sealed class SupervisedRank : IDisposable
{
    const int TailBytes = 16384, TailLines = 40;
    const int SmallStack = 256 << 10;

    readonly AnonymousPipeServerStream _pipe;
    readonly Thread _reader;

    /// <summary>Starts it.</summary>
    /// <param name="rank">Its number.</param>
    /// <param name="start">How, without output and life line.</param>
    /// <param name="logFile">Where its output goes; null: where this process's does.</param>
    /// <param name="guard">Who ends it when this process can't.</param>
    /// <param name="tell">Told of what happens, from other threads.</param>
    public SupervisedRank(int rank, ChildStart start, string? logFile, RankGuard? guard, Action<SupervisorEvent> tell)
    {
        Rank = rank;
        LogFile = logFile;
        _pipe = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.None);
        try
        {
            using var input = File.OpenHandle("/dev/null");
            using var output = logFile is null ? null : OpenLog(logFile);
            var life = LifeLine.PipeName(_pipe.ClientSafePipeHandle.DangerousGetHandle()) ?? "handed";
            Process = ChildProcess.Start(start with
            {
                Environment = new Dictionary<string, string>(start.Environment, StringComparer.Ordinal) { [LifeLine.Variable] = life },
                Input = input,
                Output = output,
                Error = output,
                Handed = _pipe.ClientSafePipeHandle,
            });
        }
        catch
        {
            _pipe.Dispose();
            throw;
        }
        _pipe.DisposeLocalCopyOfClientHandle();
        guard?.Watch(Process);
        var name = rank.ToString(CultureInfo.InvariantCulture);
        _reader = new Thread(() => Read(tell), SmallStack) { IsBackground = true, Name = $"raijin life line {name}" };
        _reader.Start();
        new Thread(() => tell(SupervisorEvent.Ended(rank, Process.WaitForExit(() => guard?.Forget(Process)))), SmallStack) { IsBackground = true, Name = $"raijin rank {name}" }.Start();
    }

    public int Rank { get; }

    public ChildProcess Process { get; }

    public string? LogFile { get; }

    /// <summary>The same, if anything was written to it; an empty one is removed in the end.</summary>
    public string? WrittenLog => LogFile is not null && new FileInfo(LogFile) is { Exists: true, Length: > 0 } ? LogFile : null;

    /// <summary>How it ended; null while it runs.</summary>
    public ChildExit? Exit { get; set; }

    /// <summary>When that was seen.</summary>
    public TimeSpan EndedAt { get; set; } = TimeSpan.MaxValue;

    /// <summary>Whether it ended well, but others waited for it to join.</summary>
    public bool IsMissed { get; set; }

    /// <summary>What it said of its failure, and when.</summary>
    public RankFailure? Said { get; set; }

    /// <summary>When what it failed of was first seen.</summary>
    public TimeSpan FailedAt { get; set; } = TimeSpan.MaxValue;

    /// <summary>How long it was silent, when it was found dead of that.</summary>
    public TimeSpan? Silence { get; set; }

    /// <summary>When it last beat; null before it first did.</summary>
    public TimeSpan? LastBeat { get; set; }

    public bool IsDebugged { get; set; }

    /// <summary>The signal its supervisor sent it last; 0 for none.</summary>
    public int Sent { get; set; }

    public bool IsRunning => Exit is null;

    /// <summary>Signals it and what it has started.</summary>
    public void Send(int signal)
    {
        Sent = signal;
        Process.Signal(signal);
    }

    static SafeFileHandle OpenLog(string file)
    {
        try
        {
            return File.OpenHandle(file, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The log {file} can't be written ({error.Message.TrimEnd('.')}): give a log folder that this user may write to.", error);
        }
    }

    /// <summary>What became of it, in a line.</summary>
    /// <param name="cause">What the rank that failed first said, which is not repeated.</param>
    public string Describe(RankFailure? cause)
    {
        var state = Exit is not { } exit ? "does not end: it waits in the kernel"
            : Said is { IsEcho: true } ? $"gave up in turn ({exit})"
            : Sent != 0 && exit.Code == 128 + Sent ? $"ended by its supervisor ({exit})"
            : Said is { } same && same.Type == cause?.Type && same.Message == cause.Message ? $"failed of the same ({exit})"
            : Said is { } said ? $"{said.Type}: {string.Join(' ', said.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))} ({exit})"
            : exit.ToString();
        return string.Create(CultureInfo.InvariantCulture, $"rank {Rank,-3} {state}{(WrittenLog is { } log ? "  " + log : "")}");
    }

    /// <summary>The end of its log.</summary>
    public IReadOnlyList<string> LastLines()
    {
        if (WrittenLog is not { } file) return [];
        using var log = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        log.Seek(-Math.Min(TailBytes, log.Length), SeekOrigin.End);
        using var reader = new StreamReader(log);
        return [.. reader.ReadToEnd().TrimEnd().Split('\n').TakeLast(TailLines)];
    }

    void Read(Action<SupervisorEvent> tell)
    {
        using var reader = new StreamReader(_pipe);
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith(LifeLine.Failure, StringComparison.Ordinal)) tell(SupervisorEvent.Beat(Rank, line == LifeLine.Debugged));
            else if (Parse(line[LifeLine.Failure.Length..]) is { } failure) tell(SupervisorEvent.Failed(Rank, failure));
        }
    }

    // Killed while it wrote, a rank leaves half a line.
    static RankFailure? Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<RankFailure>(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Waits until all it wrote to its life line was told; it has ended.</summary>
    /// <returns>False when the pipe is still held, by something that escaped from its process group.</returns>
    public bool Drain() => _reader.Join(TimeSpan.FromSeconds(1));

    /// <summary>Lets go of it; it has ended.</summary>
    public void Dispose()
    {
        // Else the pipe is left to its thread.
        if (Drain()) _pipe.Dispose();
    }
}

/// <summary>What happened to a rank, or to the launch (rank -1).</summary>
readonly record struct SupervisorEvent(int Rank, ChildExit? Exit = null, RankFailure? Failure = null, bool IsBeat = false, bool IsDebugged = false, int Signal = 0)
{
    public static SupervisorEvent Ended(int rank, ChildExit exit) => new(rank, Exit: exit);

    public static SupervisorEvent Failed(int rank, RankFailure failure) => new(rank, Failure: failure);

    public static SupervisorEvent Beat(int rank, bool isDebugged) => new(rank, IsBeat: true, IsDebugged: isDebugged);

    public static SupervisorEvent Stop(int signal) => new(-1, Signal: signal);
}
