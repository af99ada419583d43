using Raijin.Tensors;

namespace Raijin.Collectives;

public static partial class MultiHost
{
    /// <summary>The hosts that <c>mpirun</c> reaches: each is asked to run <c>true</c>, all at once.</summary>
    /// <param name="hosts">Whom to ask.</param>
    /// <param name="deadline">Who has not answered then does not.</param>
    /// <exception cref="IOException"><c>mpirun</c> is not installed.</exception>
    public static IReadOnlyList<HostSlots> Answering(IReadOnlyList<HostSlots> hosts, TimeSpan deadline)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        using var nothing = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        using var guard = RankGuard.OfLauncher();
        var asked = new List<(HostSlots Host, ChildProcess Child)>();
        using var late = new Timer(_ =>
        {
            lock (asked)
                foreach (var (_, child) in asked) child.Signal(ChildSignal.Kill);
        });
        foreach (var host in hosts)
        {
            var child = ChildProcess.Start(new ChildStart
            {
                Command = ["mpirun", "--host", $"{host.Name}:1", "-np", "1", "--bind-to", "none", "true"],
                Environment = RaijinEnvironment.All,
                Input = nothing,
                Output = nothing,
                Error = nothing,
            });
            guard?.Watch(child);
            lock (asked) asked.Add((host, child));
        }
        late.Change(deadline, Timeout.InfiniteTimeSpan);
        return [.. asked.Where(a => a.Child.WaitForExit(() => guard?.Forget(a.Child)).Code == 0).Select(a => a.Host)];
    }
}
