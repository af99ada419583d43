using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>Starts ranks as processes of this host and watches over them: one that fails, is killed or falls silent ends all.</summary>
public static class Launcher
{
    const string Threads = "OMP_NUM_THREADS";

    /// <summary>Runs the ranks until all have ended. This process only waits; it needs no libtorch.</summary>
    /// <param name="options">What to run, how often, and how patiently.</param>
    /// <param name="cancellationToken">Ends the ranks as SIGTERM does.</param>
    /// <exception cref="InvalidOptionsException">An option is out of its range.</exception>
    /// <exception cref="IOException">The program can't be started, or its logs not be written.</exception>
    /// <exception cref="PlatformNotSupportedException">Not on Linux or macOS.</exception>
    public static LaunchResult Run(LaunchOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.ThrowIfInvalid();
        var name = RandomNumberGenerator.GetHexString(12, lowercase: true);
        var folder = Path.GetFullPath(options.LogFolder ?? Path.Combine("rank-logs", name));
        var places = new RankPlaces(options);
        for (var restart = 0; ; restart++)
        {
            var ranks = places.InUse.Count;
            var cores = CoresOf(options, ranks);
            // A name of its own for each start: what a killed rank left behind can't be met again.
            var job = string.Create(CultureInfo.InvariantCulture, $"{name}-{restart}");
            var logs = restart == 0 ? folder : Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"restart-{restart}"));
            MakeLogFolder(logs);
            using var supervisor = new Supervisor(options, job);
            using (new Signals(options.HandleSignals, supervisor, cancellationToken))
            {
                try
                {
                    supervisor.Run([.. Enumerable.Range(0, ranks).Select(rank => Environment(rank, places, job, restart, cores.Threads, options))], cores, logs);
                }
                finally
                {
                    JobFiles.Remove(job);
                    RemoveEmptyLogs(logs);
                    if (options.LogFolder is null) RemoveEmpty(logs, folder, Path.GetDirectoryName(folder)!);
                }
            }
            var ended = new LaunchResult { Name = name, ExitCode = supervisor.ExitCode, Ranks = ranks, Restarts = restart, Failure = supervisor.Failure, LogFolder = folder };
            if (supervisor.Failure is null || supervisor.StopSignal != 0 || options.MaxRestarts == 0) return ended;
            var why = supervisor.Failure.Said is { IsRefusal: true } ? "options that can't be are not tried again"
                : restart == options.MaxRestarts ? FormattableString.Invariant($"no restart is left of {restart}")
                : places.Note(supervisor.Failure) ? null
                : places.Loss;
            options.Messages.WriteLine(why is not null ? $"raijin: {why}"
                : FormattableString.Invariant($"raijin: {places.Loss ?? "all ranks are started again"} ({(places.Loss is null ? "" : "restart ")}{restart + 1} of at most {options.MaxRestarts})"));
            options.Messages.Flush();
            if (why is not null) return ended;
        }
    }

    /// <summary>What <see cref="Run"/> would start, without starting it: the CPUs of each rank, and how many threads its operators take.</summary>
    /// <exception cref="InvalidOptionsException">An option is out of its range.</exception>
    public static IReadOnlyList<PlannedRank> Plan(LaunchOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.ThrowIfInvalid();
        var cores = CoresOf(options, options.Ranks);
        return [.. Enumerable.Range(0, options.Ranks).Select(rank => new PlannedRank(rank, cores.Cpus?[rank], cores.Threads))];
    }

    static CorePlan CoresOf(LaunchOptions options, int ranks)
    {
        var host = CorePlan.OfHost();
        if (options.Cpus is { } cpus) host = [.. host.Where(cpu => cpus.Contains(cpu.Id))];
        return CorePlan.Divide(host, ranks, options.BindCores && CpuAffinity.IsSupported);
    }

    static Dictionary<string, string> Environment(int rank, RankPlaces places, string job, int restart, int threads, LaunchOptions options)
    {
        var variables = new Dictionary<string, string>(RaijinEnvironment.All, StringComparer.Ordinal);
        foreach (var (key, value) in LocalEnvironment.Write(rank, places.InUse.Count, job, restart, options)) variables[key] = value;
        if (places.Gpus(variables.GetValueOrDefault(RankPlaces.GpuVariable)) is { } gpus) variables[RankPlaces.GpuVariable] = gpus;
        if (!RaijinEnvironment.SaysHowManyThreads) variables[Threads] = threads.ToString(CultureInfo.InvariantCulture);
        return variables;
    }

    static void MakeLogFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The ranks' log folder {folder} can't be made ({error.Message.TrimEnd('.')}): give one that this user may write to, or start from such a folder.", error);
        }
    }

    static void RemoveEmptyLogs(string folder)
    {
        foreach (var log in Directory.EnumerateFiles(folder, "rank-*.log"))
            if (new FileInfo(log).Length == 0) File.Delete(log);
    }

    // What nobody named and nothing was written to.
    static void RemoveEmpty(params ReadOnlySpan<string> folders)
    {
        foreach (var folder in folders)
        {
            try
            {
                if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any()) Directory.Delete(folder);
            }
            catch (IOException)
            {
                // Another launch has just made its own in there.
            }
        }
    }

    /// <summary>Signals of this process, and a cancelled token, on their way to the ranks.</summary>
    sealed class Signals : IDisposable
    {
        static readonly (PosixSignal Signal, int Number)[] Passed = [(PosixSignal.SIGINT, ChildSignal.Interrupt), (PosixSignal.SIGTERM, ChildSignal.Terminate), (PosixSignal.SIGHUP, ChildSignal.Terminate)];

        readonly List<IDisposable> _registrations = [];

        public Signals(bool handle, Supervisor supervisor, CancellationToken cancellation)
        {
            _registrations.Add(cancellation.Register(() => supervisor.Stop(ChildSignal.Terminate)));
            if (!handle) return;
            foreach (var (signal, number) in Passed)
            {
                _registrations.Add(PosixSignalRegistration.Create(signal, context =>
                {
                    context.Cancel = true;
                    supervisor.Stop(number);
                }));
            }
        }

        public void Dispose()
        {
            foreach (var registration in _registrations) registration.Dispose();
        }
    }
}

/// <summary>A rank as it would be started.</summary>
/// <param name="Rank">Its number.</param>
/// <param name="Cpus">The CPUs it runs on; null where it is not bound.</param>
/// <param name="Threads">How many threads its operators take, unless <c>OMP_NUM_THREADS</c> says otherwise.</param>
public sealed record PlannedRank(int Rank, IReadOnlyList<int>? Cpus, int Threads);
