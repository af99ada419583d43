// Kills one rank of a communicating program at a random moment, again and again, and looks at what is left:
//   dotnet build tests/Raijin.RankHost -c Release
//   dotnet run eng/soak-launch.cs artifacts/bin/Raijin.RankHost/release/Raijin.RankHost [rounds, 100] [ranks, 3] [longest wait in ms, 1500]
// Prints a line a round and a table at the end; exit code 1 when a promise was broken.

#:project ../src/Raijin.Collectives/Raijin.Collectives.csproj
#:project ../src/Raijin.Tensors/Raijin.Tensors.csproj
#:property PublishAot=false
#:property NoWarn=CS1591

using System.Diagnostics;
using System.Globalization;
using Raijin.Collectives;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
int Argument(int index, int otherwise) => args.Length > index ? int.Parse(args[index], CultureInfo.InvariantCulture) : otherwise;
var (rounds, ranks, longest) = (Argument(1, 100), Argument(2, 3), Argument(3, 1500));
var random = new Random(6);
var logs = Directory.CreateTempSubdirectory("raijin-soak-").FullName;
var (times, broken) = (new List<double>(), 0);
for (var round = 0; round < rounds; round++)
{
    var (victim, wait) = (random.Next(ranks), random.Next(longest));
    var killedAt = 0L;
    IReadOnlyList<int> started = [];
    var result = Launcher.Run(new LaunchOptions
    {
        Command = [Path.GetFullPath(args[0]), "launched", "reduce"],
        Ranks = ranks,
        LogFolder = logs,
        OnStart = ids =>
        {
            started = ids;
            _ = Task.Delay(wait).ContinueWith(_ =>
            {
                killedAt = Stopwatch.GetTimestamp();
                using var process = Process.GetProcessById(ids[victim]);
                process.Kill();
            }, TaskScheduler.Default);
        },
    });
    var took = Stopwatch.GetElapsedTime(killedAt).TotalSeconds;
    var orphans = started.Count(id => Directory.Exists($"/proc/{id}"));
    var segments = Directory.GetFiles("/dev/shm", $"raijin-{result.Name}*").Length;
    var isKept = took <= 5 && orphans == 0 && segments == 0 && result.ExitCode == 137 && result.Failure?.Rank == victim;
    if (!isKept) broken++;
    times.Add(took);
    Console.WriteLine($"{round,4}  rank {victim} after {wait,4} ms: all ended in {took:0.000} s, exit code {result.ExitCode}, {orphans} processes and {segments} segments left{(isKept ? "" : "  BROKEN\n" + result.Failure)}");
}
Directory.Delete(logs, recursive: true);
times.Sort();
Console.WriteLine($"""

    | kills | broken promises | until all had ended: median | 99 % | longest |
    |---|---|---|---|---|
    | {rounds} | {broken} | {times[times.Count / 2]:0.00} s | {times[(int)((times.Count - 1) * 0.99)]:0.00} s | {times[^1]:0.00} s |
    """);
return broken == 0 ? 0 : 1;
