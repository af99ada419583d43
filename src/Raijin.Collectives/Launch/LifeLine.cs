using System.Diagnostics;
using System.IO.Pipes;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>
/// A rank's end of the pipe to its supervisor. A thread of its own writes a beat every quarter of a second, whatever the rank computes; when the pipe breaks the supervisor is gone, and
/// the rank ends at once, however the supervisor died. A failure goes the same way.
/// </summary>
/// <remarks>Lines of text: <c>beat</c>; <c>debugged</c>, the same while a debugger is attached; <c>failure</c> and a JSON object.</remarks>
static class LifeLine
{
    public const string Variable = "RAIJIN_LIFELINE";
    public const string Beat = "beat", Debugged = "debugged", Failure = "failure ";

    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    static readonly Lock Gate = new();
    static StreamWriter? s_writer;
    static string? s_job;

    /// <summary>Begins to beat, once a process, where a supervisor handed the pipe.</summary>
    /// <exception cref="InvalidOptionsException">The variables are those of a rank, but this is not the process that was started as one.</exception>
    public static void Start(IReadOnlyDictionary<string, string> variables)
    {
        lock (Gate)
        {
            if (s_writer is not null || !variables.TryGetValue(Variable, out var pipe) || pipe.Length == 0) return;
            if (PipeName(ChildProcess.HandedDescriptor) is { } found && found != pipe)
            {
                throw new InvalidOptionsException([new($"{LocalEnvironment.Rank} = {variables.GetValueOrDefault(LocalEnvironment.Rank)}",
                    $"is set, but the pipe to the supervisor is not here: this process was started by the rank, not as it. Unset {LocalEnvironment.Rank}, {LocalEnvironment.WorldSize} and {Variable} for it; a script that starts the rank must leave descriptor {ChildProcess.HandedDescriptor} open.")]);
            }
            _ = ChildProcess.KeepFromChildren(ChildProcess.HandedDescriptor);
            s_writer = new StreamWriter(new AnonymousPipeClientStream(PipeDirection.Out, new SafePipeHandle(ChildProcess.HandedDescriptor, ownsHandle: true))) { AutoFlush = true, NewLine = "\n" };
            s_job = variables.GetValueOrDefault(LocalEnvironment.Job);
        }
        // Before anything else: a rank that ends soon was here.
        Write(Beat);
        AppDomain.CurrentDomain.UnhandledException += (_, unhandled) => Tell((Exception)unhandled.ExceptionObject);
        new Thread(BeatOn) { IsBackground = true, Name = "raijin heartbeat", Priority = ThreadPriority.AboveNormal }.Start();
    }

    /// <summary>What tells one pipe from another; null where the system does not say.</summary>
    public static string? PipeName(nint descriptor) => OperatingSystem.IsLinux() ? new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget ?? "" : null;

    /// <summary>Tells the supervisor why this rank ends; nothing happens where there is none.</summary>
    public static void Tell(Exception error) => Write(Failure + JsonSerializer.Serialize(RankFailure.Of(error)));

    static void BeatOn()
    {
        using var never = new ManualResetEventSlim();
        do Write(Debugger.IsAttached ? Debugged : Beat); while (!never.Wait(Interval));
    }

    static void Write(string line)
    {
        lock (Gate)
        {
            try
            {
                s_writer?.WriteLine(line);
            }
            catch (IOException)
            {
                // Nobody is left to end this rank.
                if (s_job is not null) JobFiles.Remove(s_job);
                ChildProcess.EndSelf();
            }
        }
    }
}
