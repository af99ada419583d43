using System.Globalization;
using System.IO.Pipes;
using System.Text;
using Raijin.Tensors;

namespace Raijin.Collectives;

// supervisor ── "+ 4711", "- 4711", "." ──> pipe ──> shell
// The pipe's writing end is the supervisor's alone: when it ends without the dot, the supervisor did not end by itself, and what still runs is ended instead.
// A rank that has joined the world notices by itself (LifeLine); a shell, another language, a program that never joins can't.

/// <summary>Ends processes that outlive a killed supervisor: a shell that waits beside it, in a process group of its own. Nothing where the system has no shell.</summary>
sealed class RankGuard : IDisposable
{
    const string Shell = "/bin/sh";

    const string Script = """
        trap '' INT TERM HUP
        running=
        while read -r verb id; do
          case $verb in
            +) running="$running $id" ;;
            -) left=; for other in $running; do [ "$other" = "$id" ] || left="$left $other"; done; running=$left ;;
            .) exit 0 ;;
          esac
        done <&3
        for id in $running; do kill -s "$1" -- "$id"; done
        [ -z "$2" ] || rm -f -- "$2"*
        """;

    readonly Lock _gate = new();
    readonly AnonymousPipeServerStream _pipe;
    readonly ChildProcess _shell;

    RankGuard(AnonymousPipeServerStream pipe, ChildProcess shell)
    {
        _pipe = pipe;
        _shell = shell;
    }

    /// <summary>Starts one that kills the ranks of a launch and removes its files; null where there is no shell.</summary>
    public static RankGuard? OfRanks(string job) => Start("KILL", JobFiles.PathOf(job));

    /// <summary>Starts one that asks another launcher to end, which ends its ranks, here and on other hosts; null where there is no shell.</summary>
    public static RankGuard? OfLauncher() => Start("TERM", "");

    static RankGuard? Start(string signal, string files)
    {
        if (!File.Exists(Shell)) return null;
        var pipe = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.None);
        try
        {
            using var nothing = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            var shell = ChildProcess.Start(new ChildStart
            {
                Command = [Shell, "-c", Script, "raijin-guard", signal, files],
                Environment = new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" },
                Input = nothing,
                Output = nothing,
                Error = nothing,
                Handed = pipe.ClientSafePipeHandle,
            });
            pipe.DisposeLocalCopyOfClientHandle();
            return new RankGuard(pipe, shell);
        }
        catch
        {
            pipe.Dispose();
            throw;
        }
    }

    /// <summary>Watches over a process, and over its group where it leads one. From any thread.</summary>
    public void Watch(ChildProcess process) => Say('+', process);

    /// <summary>The process has ended, and is about to be collected: then its id may become another's. From any thread.</summary>
    public void Forget(ChildProcess process) => Say('-', process);

    /// <summary>All is over.</summary>
    public void Dispose()
    {
        Write(".");
        _pipe.Dispose();
        _shell.WaitForExit();
    }

    void Say(char verb, ChildProcess process) => Write(string.Create(CultureInfo.InvariantCulture, $"{verb} {(process.LeadsGroup ? -process.Id : process.Id)}"));

    void Write(string line)
    {
        lock (_gate)
        {
            try
            {
                _pipe.Write(Encoding.ASCII.GetBytes(line + "\n"));
            }
            catch (IOException)
            {
                // Somebody has ended the shell: nobody guards, and nothing else is lost.
            }
        }
    }
}
