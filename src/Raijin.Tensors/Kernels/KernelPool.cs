using System.Diagnostics;

namespace Raijin.Tensors;

/// <summary>
/// Threads of our own, where libtorch's cannot be reached. A worker that has finished spins for <see cref="SpinTime"/>, so that the next job of a busy
/// loop reaches it in well under a microsecond, and then parks: an idle process burns nothing. The caller takes part, and never waits for a worker that has
/// not begun: a job is never slower than it would be alone by more than the wake-up call.
/// </summary>
sealed class KernelPool : KernelTeam
{
    static readonly TimeSpan SpinTime = TimeSpan.FromMicroseconds(50);

    readonly Lock _caller = new();
    readonly object _parking = new();
    KernelJob? _job;
    int _workers;
    int _parked;
    int _wanted;
    long _generation;

    // -1: closed; otherwise the number of workers inside the job.
    int _inside = -1;

    /// <summary>How many workers sleep.</summary>
    public int Parked => Volatile.Read(ref _parked);

    // Alone when another thread's job is running.
    public override void Run(KernelJob job, int threads)
    {
        if (threads <= 1 || !_caller.TryEnter())
        {
            job.Execute();
            return;
        }

        try
        {
            Open(job, threads - 1);
            job.Execute();
            Close();
        }
        finally
        {
            _caller.Exit();
        }
    }

    void Open(KernelJob job, int workers)
    {
        while (_workers < workers)
            new Thread(Work) { IsBackground = true, Name = $"raijin-kernel-{++_workers}" }.Start();
        _job = job;
        _wanted = workers;
        Volatile.Write(ref _inside, 0);
        Interlocked.Increment(ref _generation);
        if (Volatile.Read(ref _parked) == 0) return;
        lock (_parking)
        {
            if (workers >= _workers)
                Monitor.PulseAll(_parking);
            else
                for (var i = 0; i < workers; i++) Monitor.Pulse(_parking);
        }
    }

    void Close()
    {
        var wait = new SpinWait();
        while (Interlocked.CompareExchange(ref _inside, -1, 0) != 0)
            wait.SpinOnce(sleep1Threshold: -1);
        _job = null;
    }

    void Work()
    {
        long seen = 0;
        while (true)
        {
            seen = Await(seen);
            var inside = Volatile.Read(ref _inside);
            while (inside >= 0 && inside < _wanted)
            {
                var found = Interlocked.CompareExchange(ref _inside, inside + 1, inside);
                if (found == inside)
                {
                    _job!.Execute();
                    Interlocked.Decrement(ref _inside);
                    break;
                }

                inside = found;
            }
        }
    }

    long Await(long seen)
    {
        var start = Stopwatch.GetTimestamp();
        do
        {
            for (var i = 0; i < 16; i++)
            {
                var generation = Volatile.Read(ref _generation);
                if (generation != seen) return generation;
                Thread.SpinWait(1);
            }
        }
        while (Stopwatch.GetElapsedTime(start) < SpinTime);

        lock (_parking)
        {
            Interlocked.Increment(ref _parked);
            while (Volatile.Read(ref _generation) == seen)
                Monitor.Wait(_parking);
            Interlocked.Decrement(ref _parked);
            return Volatile.Read(ref _generation);
        }
    }
}
