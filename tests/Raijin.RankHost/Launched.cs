using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Raijin.Collectives;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.RankHost;

/// <summary>
/// A rank that a launcher started, for tests of launching. Arguments: what each rank does, in their order, the last for all that follow: <c>launched throw wait</c> has rank 0 throw and the
/// others wait.
/// </summary>
static class Launched
{
    static readonly Dictionary<string, Func<int>> Deeds = new(StringComparer.Ordinal)
    {
        ["tell"] = TellIdentity,
        ["throw"] = () => throw new InvalidDataException("sample 17 is damaged"),
        ["caught"] = CaughtFailure,
        ["echo"] = () => throw new CollectiveException("AllReduce failed", new RankFailureException(1, "it threw")),
        ["refuse"] = RefuseOptions,
        ["exit7"] = () => 7,
        ["late7"] = ExitAfterAnother,
        ["hold"] = () => RankProcess.Restart == 0 ? Wait() : TellIdentity(),
        ["fall"] = () => RankProcess.Restart == 0 ? KillSelf() : TellIdentity(),
        ["heal"] = () => RankProcess.Restart == 0 ? 7 : 0,
        ["wait"] = Wait,
        ["stubborn"] = IgnoreSignals,
        ["polite"] = EndAtSignal,
        ["parent"] = StartChild,
        ["supervise"] = () => Supervise(Environment.ProcessPath!, "launched"),
        ["foreign"] = () => Supervise(),
        ["reexecute"] = Reexecute,
        ["join"] = () => Join(TimeSpan.FromSeconds(20)),
        ["joinSoon"] = () => Join(TimeSpan.FromSeconds(3)),
        ["reduce"] = ReduceForever,
    };

    static string[] s_deeds = [];

    public static int Run(string[] arguments)
    {
        s_deeds = arguments;
        // A supervisor, and a program that starts itself, have arguments of their own.
        if (arguments[0] is "supervise" or "foreign" or "reexecute") return Deeds[arguments[0]]();
        LocalRanks.ReexecuteSelf(1);
        return Deeds[arguments[Math.Min(ClusterEnvironment.OfProcess().Identity.Rank, arguments.Length - 1)]]();
    }

    static int TellIdentity()
    {
        var identity = ClusterEnvironment.OfProcess().Identity;
        var cpus = string.Join(',', CpuAffinity.OfThread());
        Say($"rank {identity.Rank} of {identity.WorldSize} on cpus {cpus} with {RaijinEnvironment.All.GetValueOrDefault("OMP_NUM_THREADS")} threads");
        return 0;
    }

    static int CaughtFailure()
    {
        try
        {
            throw new InvalidDataException("sample 18 is damaged");
        }
        catch (InvalidDataException error)
        {
            RankProcess.Tell(error);
            return 1;
        }
    }

    static int RefuseOptions()
    {
        RankProcess.Tell(new InvalidOptionsException([new("batch", "= 0; allowed: 1 and more")]));
        return 2;
    }

    // The last argument is a file; it is another's log, and not empty once that has failed.
    static int ExitAfterAnother()
    {
        SpinWait.SpinUntil(() => File.Exists(s_deeds[^1]) && new FileInfo(s_deeds[^1]).Length > 0);
        return 7;
    }

    static int Wait()
    {
        Say("waiting");
        Task.Delay(Timeout.Infinite).Wait();
        return 0;
    }

    static int KillSelf()
    {
        Process.GetCurrentProcess().Kill();
        return Wait();
    }

    static int IgnoreSignals()
    {
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Ignore);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Ignore);
        return Wait();

        static void Ignore(PosixSignalContext context)
        {
            context.Cancel = true;
            Say("no");
        }
    }

    static int EndAtSignal()
    {
        using var asked = new ManualResetEventSlim();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = true;
            asked.Set();
        });
        Say("waiting");
        asked.Wait();
        Say("saved");
        return 130;
    }

    static int StartChild()
    {
        using var child = Process.Start("sleep", "600");
        Say($"child {child.Id}");
        return Wait();
    }

    static int Supervise(params string[] program) => Launcher.Run(new LaunchOptions
    {
        Command = [.. program, .. s_deeds.Skip(3)],
        Ranks = int.Parse(s_deeds[1], CultureInfo.InvariantCulture),
        LogFolder = s_deeds[2],
        StopGrace = TimeSpan.FromSeconds(1),
        Messages = Console.Out,
        OnStart = ids => Say($"ranks {string.Join(' ', ids)}"),
    }).ExitCode;

    static int Reexecute()
    {
        LocalRanks.ReexecuteSelf(2, options => options with { LogFolder = s_deeds[1] });
        var identity = ClusterEnvironment.OfProcess().Identity;
        Say($"rank {identity.Rank} of {identity.WorldSize}: {string.Join(' ', s_deeds)}");
        return identity.Rank == 1 ? 9 : 0;
    }

    static int Join(TimeSpan deadline)
    {
        using var world = World.Join(new WorldOptions { JoinDeadline = deadline });
        using var mine = full(1000, world.Rank + 1, ScalarType.Float32);
        world.Group.AllReduce(mine);
        Say($"{world}: {mine[0].item<float>()} with {get_num_threads()} threads");
        return 0;
    }

    static int ReduceForever()
    {
        using var world = World.Join();
        using var mine = world.Group.Allocate(10_000, ScalarType.Float32);
        while (true) world.Group.AllReduce(mine, ReduceOp.Max);
    }

    static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    static void Say(string line) => Console.WriteLine(line);
}
