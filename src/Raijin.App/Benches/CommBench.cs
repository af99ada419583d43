using System.Diagnostics;
using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.App;

/// <summary>One size of one call, timed.</summary>
/// <param name="Operation">Which call.</param>
/// <param name="Bytes">The size of the whole tensor.</param>
/// <param name="Calls">How many calls each of the rounds made.</param>
/// <param name="Seconds">Of one call: the median over the rounds, the mean over the ranks.</param>
/// <param name="Ranks">How many ranks there were.</param>
/// <param name="Straggling">Who came last; null for what does not wait for all.</param>
sealed record CommTiming(CommOperation Operation, long Bytes, int Calls, double Seconds, int Ranks, CommsStraggler? Straggling)
{
    /// <summary>Bytes a second by the definitions of nccl-tests.</summary>
    public (double Algorithm, double Bus) Bandwidth => (Bytes / Seconds, Bytes / Seconds * BusBandwidth.Factor(Operation.Kind, Ranks));
}

/// <summary>Times the calls of a group. All its ranks do the same.</summary>
/// <param name="group">The ranks.</param>
/// <param name="calls">How many calls a round makes; null for as many as take 10 ms.</param>
sealed class CommBench(Group group, int? calls)
{
    const int LeastRounds = 5, MostRounds = 15;
    const int MaxCalls = 20_000;
    const int MaxCompared = 200;

    static readonly TimeSpan Round = TimeSpan.FromMilliseconds(10);

    /// <summary>All rounds of a size together take no longer, as far as the least number of them allows.</summary>
    static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(300);

    /// <summary>Below it a reading says more of a rank that was put to sleep than of a call.</summary>
    static readonly TimeSpan Reading = TimeSpan.FromMilliseconds(2);

    /// <summary>For the compiler to do its last on what a call goes through.</summary>
    static readonly TimeSpan Warmth = TimeSpan.FromMilliseconds(200);

    /// <summary>Times one call at several sizes; a barrier has but one.</summary>
    public IReadOnlyList<CommTiming> Measure(CommOperation operation, IReadOnlyList<long> sizes)
    {
        if (operation.Kind == CollectiveKind.Send && group.Size == 1) return [];
        if (operation.Kind == CollectiveKind.Barrier) sizes = [0];
        Warm(operation, sizes[0]);
        return [.. sizes.Select(bytes => Measure(operation, bytes)).DistinctBy(timing => timing.Bytes)];
    }

    CommTiming Measure(CommOperation operation, long bytes)
    {
        using var scope = NewDisposeScope();
        var (call, whole) = operation.Prepare(group, bytes);
        call();
        var seconds = Estimate(call);
        var count = calls ?? (int)Told(Math.Clamp(Round.TotalSeconds / seconds, 1, MaxCalls));
        var times = new double[(int)Told(Math.Clamp(Budget.TotalSeconds / (seconds * count), LeastRounds, MostRounds))];
        for (var round = 0; round < times.Length; round++)
        {
            group.Barrier();
            times[round] = TimeOf(call, count) / count;
        }
        Array.Sort(times);
        using var mean = tensor(times[times.Length / 2], ScalarType.Float64, group.Transport == TransportKind.Nccl ? CUDA : CPU).reshape(1);
        group.AllReduce(mean, ReduceOp.Mean);
        return new(operation, whole, count, mean.item<double>(), group.Size, Compare(operation, call, Math.Min(count, MaxCompared)));
    }

    // As many calls as take long enough to be timed; a call's seconds.
    double Estimate(Action call)
    {
        for (var count = 1; ; count *= 4)
        {
            var seconds = TimeOf(call, count);
            if (Told(seconds >= Reading.TotalSeconds || count >= MaxCalls ? 1 : 0) > 0) return Math.Max(seconds / count, 1e-9);
        }
    }

    // Apart from the timing, which it would lengthen.
    CommsStraggler? Compare(CommOperation operation, Action call, int count)
    {
        if (group.Size == 1) return null;
        using var log = CommsLog.Start(group);
        for (var i = 0; i < count; i++) call();
        return log.Compare().Lines.FirstOrDefault(line => line.Kind == operation.Kind)?.Straggling;
    }

    void Warm(CommOperation operation, long bytes)
    {
        using var scope = NewDisposeScope();
        var (call, _) = operation.Prepare(group, bytes);
        var started = Stopwatch.GetTimestamp();
        do
        {
            for (var i = 0; i < 20; i++) call();
        }
        while (Told(Stopwatch.GetElapsedTime(started) < Warmth ? 1 : 0) > 0);
    }

    /// <summary>What the first rank says, on all: they make the same number of calls.</summary>
    double Told(double number)
    {
        using var told = tensor((double[])[number], device: group.Transport == TransportKind.Nccl ? CUDA : CPU);
        group.Broadcast(told, 0);
        return Math.Floor(told.item<double>());
    }

    static double TimeOf(Action call, int count)
    {
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++) call();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
