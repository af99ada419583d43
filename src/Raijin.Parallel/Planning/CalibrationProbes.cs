using System.Diagnostics;
using System.Globalization;
using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>What a probe runs.</summary>
/// <param name="Run">What is timed.</param>
/// <param name="Before">Before each run, untimed.</param>
/// <param name="After">After the last.</param>
readonly record struct Probed(Action Run, Action? Before = null, Action? After = null);

/// <summary>Something that is timed.</summary>
/// <param name="make">Makes it anew in each round; what it makes is freed after.</param>
/// <param name="isTogether">Whether ranks wait for each other in it: then all run it equally often.</param>
/// <param name="hasGradients">Whether autograd watches.</param>
sealed class Probe(Func<Probed> make, bool isTogether, bool hasGradients)
{
    public Func<Probed> Make => make;

    public bool IsTogether => isTogether;

    public bool HasGradients => hasGradients;

    public List<double> Times { get; } = [];

    /// <summary>The mean of its times, without those that something else on the machine spoilt. A step is the sum of many ops, so that their mean counts in it, and no quantile.</summary>
    public double Seconds
    {
        get
        {
            var most = SpoiltRatio * Times.Order().ElementAt(Times.Count / 2);
            return Times.Where(seconds => seconds <= most).Average();
        }
    }

    const double SpoiltRatio = 2;
}

/// <summary>Runs probes on all ranks at the same time, round by round.</summary>
sealed class CalibrationProbes(Group? group, CancellationToken cancellation)
{
    const int Rounds = 3;
    const double ShareSeconds = 0.015;

    // Between two ops of a step some calls go by, and threads that wait for the next one have gone to sleep.
    const double PauseSeconds = 20e-6;
    const double WarmupSeconds = 0.2;
    const int MaxRuns = 60;

    readonly List<Probe> _probes = [];

    public Probe Add(Func<Probed> make, bool isTogether = false, bool hasGradients = false)
    {
        var probe = new Probe(make, isTogether, hasGradients);
        _probes.Add(probe);
        return probe;
    }

    public void Run()
    {
        // Code is compiled and clocks rise in the first moments.
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began).TotalSeconds < WarmupSeconds) Run(_probes[0], waits: false);
        _probes[0].Times.Clear();
        for (var round = 0; round < Rounds; round++)
            foreach (var probe in _probes) Run(probe, waits: true);
    }

    void Run(Probe probe, bool waits)
    {
        cancellation.ThrowIfCancellationRequested();
        using var scope = TensorScope.Open();
        using var mode = set_grad_enabled(probe.HasGradients);
        var probed = probe.Make();
        probed.Before?.Invoke();
        var first = Timed(probed.Run);
        var runs = MaxRuns;
        if (probe.IsTogether) runs = int.Parse(group!.BroadcastText($"{Math.Clamp((int)(ShareSeconds / first), 2, MaxRuns)}", 0, cancellationToken: cancellation), CultureInfo.InvariantCulture);
        else if (waits) group?.Barrier(cancellation);
        var began = Stopwatch.GetTimestamp();
        for (var run = 0; run < runs && (probe.IsTogether || run < 2 || Stopwatch.GetElapsedTime(began).TotalSeconds < ShareSeconds); run++)
        {
            probed.Before?.Invoke();
            if (!probe.IsTogether) Pause();
            probe.Times.Add(Timed(probed.Run));
        }
        probed.After?.Invoke();
    }

    static void Pause()
    {
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began).TotalSeconds < PauseSeconds) Thread.SpinWait(1);
    }

    static double Timed(Action run)
    {
        var start = Stopwatch.GetTimestamp();
        run();
        return Math.Max(1e-9, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }
}
