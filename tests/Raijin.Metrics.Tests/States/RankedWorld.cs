using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.States;

/// <summary>Ranks as threads that exchange states through memory, and count how often.</summary>
sealed class RankedWorld(int size) : IDisposable
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    readonly Barrier _barrier = new(size);
    readonly Tensor?[] _contributions = new Tensor?[size];
    int _reductions;
    int _gathers;

    /// <summary>All-reduces since the beginning, over all ranks together one each.</summary>
    public int Reductions => _reductions;

    /// <summary>Gathers since the beginning.</summary>
    public int Gathers => _gathers;

    /// <summary>Runs a rank on each of <c>size</c> threads; what one throws is thrown.</summary>
    public T[] Run<T>(Func<StateTransport, T> rank)
    {
        var results = new T[size];
        var errors = new Exception?[size];
        var threads = Enumerable.Range(0, size).Select(r => new Thread(() =>
        {
            try { results[r] = rank(Transport(r)); }
#pragma warning disable CA1031 // rethrown on the test's thread
            catch (Exception error) { errors[r] = error; }
#pragma warning restore CA1031
        })).ToList();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) Assert.True(thread.Join(Deadline), "a rank hangs");
        if (Array.Find(errors, e => e is not null) is { } first) throw first;
        return results;
    }

    StateTransport Transport(int rank) => new(
        rank,
        size,
        (mine, cancellation) =>
        {
            _contributions[rank] = mine;
            Meet(cancellation);
            using (NewDisposeScope())
            {
                var sum = _contributions[0]!.clone();
                for (var other = 1; other < size; other++) sum.add_(_contributions[other]!);
                Meet(cancellation);
                mine.copy_(sum);
            }
            if (rank == 0) _reductions++;
            Meet(cancellation);
        },
        (mine, counts, cancellation) =>
        {
            Assert.Equal(counts[rank], mine.NumberOfElements);
            _contributions[rank] = mine;
            Meet(cancellation);
            Tensor all;
            using (NewDisposeScope()) all = cat([.. _contributions.Select(c => c!)]).DetachFromDisposeScope();
            if (rank == 0) _gathers++;
            Meet(cancellation);
            return all;
        });

    void Meet(CancellationToken cancellation) => Assert.True(_barrier.SignalAndWait(Deadline, cancellation), "another rank never came");

    public void Dispose() => _barrier.Dispose();
}
