// Workers claim batches in order, make them in parallel and put each in its place of a ring; the reader takes them from the ring in order.
//
//      claimed by workers ──▶  | 7: ready | 8: being made | 9: ready | (free) |        a ring of Prefetch places
//      taken by the reader ─────▲
//
// Invariants: delivered ≤ ready or failed < claimed ≤ delivered + Prefetch. Which worker makes a batch decides nothing about it.
// A batch waits in the ring outside any scope; taking it moves its tensors into the scope that is open on the reader's thread.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Raijin.Data;

/// <summary>Batches made ahead by worker threads, delivered in order.</summary>
sealed class ThreadedReader<TBatch> : BatchReader<TBatch> where TBatch : IBatch<TBatch>
{
    readonly BatchSource<TBatch> _source;
    readonly TimeSpan? _timeout;
    readonly CancellationToken _cancelled;
    readonly CancellationTokenSource _stop;
    readonly CancellationTokenRegistration _wakeUp;
    readonly Thread[] _workers;
    readonly BatchWork<TBatch>?[] _busy;

    // Held while a batch is claimed: it keeps claims in order and the source, which may be a stream, to one thread at a time.
    readonly Lock _claiming = new();

    // Guards the ring and the numbers below.
    readonly object _gate = new();
    readonly Place[] _ring;
    long _claimed, _delivered;
    bool _ended, _stopping;

    struct Place
    {
        public bool Ready;
        public TBatch? Batch;
        public DataLoaderException? Failure;
    }

    public ThreadedReader(BatchSource<TBatch> source, LoaderOptions options, CancellationToken cancellationToken)
    {
        _source = source;
        _timeout = options.Timeout;
        _cancelled = cancellationToken;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _wakeUp = _stop.Token.UnsafeRegister(static reader => ((ThreadedReader<TBatch>)reader!).WakeUp(), this);
        _ring = new Place[options.PrefetchOrDefault];
        _busy = new BatchWork<TBatch>?[options.Workers];
        _workers = new Thread[options.Workers];
        for (var i = 0; i < _workers.Length; i++)
        {
            var worker = i;
            _workers[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"raijin-loader-{i}" };
        }
        foreach (var thread in _workers) thread.Start();
    }

    protected override bool TryRead([NotNullWhen(true)] out TBatch? batch)
    {
        batch = default;
        TBatch made;
        lock (_gate)
        {
            ref var place = ref _ring[_delivered % _ring.Length];
            if (!WaitFor(ref place)) return false;
            // A failure stays where it is: whoever asks again is told again.
            if (place.Failure is { } failure) throw failure;
            made = place.Batch!;
            place = default;
            _delivered++;
            Monitor.PulseAll(_gate);
        }

        using var scope = TensorScope.Open();
        batch = made.Map(tensor => scope.Keep(scope.Adopt(tensor)));
        return true;
    }

    // False at the end of the epoch.
    bool WaitFor(ref Place place)
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            _cancelled.ThrowIfCancellationRequested();
            if (place.Ready) return true;
            if (_stopping || (_ended && _delivered == _claimed)) return false;
            if (_timeout is not { } timeout)
            {
                Monitor.Wait(_gate);
            }
            else
            {
                var left = timeout - Stopwatch.GetElapsedTime(since);
                if (left <= TimeSpan.Zero || !Monitor.Wait(_gate, left)) ThrowTimeout(timeout, $"batch {_delivered} did not arrive");
            }
        }
    }

    void Work(int worker)
    {
        bool more;
        do
        {
            // Samples that a stream yields as tensors live here until they are collated.
            using var scope = TensorScope.Open();
            more = Claim(worker, out var number) is { } work && Deliver(worker, work, number, scope);
        }
        while (more);
    }

    // The next batch to make; null when there is none: the end of the epoch, a stream that failed, or the reader is being closed.
    BatchWork<TBatch>? Claim(int worker, out long number)
    {
        lock (_claiming)
        {
            number = _claimed;
            if (!WaitForRoom()) return null;
            BatchWork<TBatch>? work = null;
            DataLoaderException? failure = null;
            try
            {
                work = _source.Next(_stop.Token);
            }
            catch (DataLoaderException error)
            {
                failure = error;
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return null;
            }

            lock (_gate)
            {
                if (failure is not null) _ring[number % _ring.Length] = new Place { Ready = true, Failure = failure };
                if (work is not null || failure is not null) _claimed++;
                if (work is null) _ended = true;
                _busy[worker] = work;
                Monitor.PulseAll(_gate);
            }
            return work;
        }
    }

    bool WaitForRoom()
    {
        lock (_gate)
        {
            while (!_stopping && !_ended && _claimed - _delivered >= _ring.Length) Monitor.Wait(_gate);
            return !_stopping && !_ended;
        }
    }

    bool Deliver(int worker, BatchWork<TBatch> work, long number, TensorScope scope)
    {
        var place = new Place { Ready = true };
        try
        {
            // By alias: a collate may hand out a tensor that is the dataset's own, which is not ours to free.
            place.Batch = work.Run(tensor => scope.Release(tensor.alias()), _stop.Token);
        }
        catch (DataLoaderException failure)
        {
            place.Failure = failure;
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return false;
        }

        lock (_gate)
        {
            _busy[worker] = null;
            if (!_stopping)
            {
                _ring[number % _ring.Length] = place;
                Monitor.PulseAll(_gate);
                return true;
            }
        }
        Free(place.Batch);
        return false;
    }

    void WakeUp()
    {
        lock (_gate) Monitor.PulseAll(_gate);
    }

    /// <summary>Ends the workers and frees the batches nobody took. Returns when no worker is left.</summary>
    /// <exception cref="TimeoutException">
    /// A worker is still inside a dataset or a collate after <see cref="LoaderOptions.Timeout"/>.
    /// </exception>
    public override void Dispose()
    {
        lock (_gate)
        {
            if (_stopping) return;
            _stopping = true;
            // Cancelling wakes nobody when the token was cancelled before.
            Monitor.PulseAll(_gate);
        }
        _stop.Cancel();
        JoinWorkers();

        foreach (var place in _ring) Free(place.Batch);
        Array.Clear(_ring);
        _wakeUp.Dispose();
        _stop.Dispose();
        _source.Dispose();
    }

    void JoinWorkers()
    {
        var since = Stopwatch.GetTimestamp();
        foreach (var worker in _workers)
        {
            if (_timeout is not { } timeout)
            {
                worker.Join();
                continue;
            }
            var left = timeout - Stopwatch.GetElapsedTime(since);
            if (!worker.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero))
                lock (_gate) ThrowTimeout(timeout, "its workers did not end");
        }
    }

    static void Free(TBatch? batch) => batch?.Map(static tensor =>
    {
        tensor.Dispose();
        return tensor;
    });

    [DoesNotReturn, StackTraceHidden]
    void ThrowTimeout(TimeSpan timeout, string what)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"After {timeout.TotalSeconds:0.###} s of the loader's timeout, {what}.");
        for (var i = 0; i < _busy.Length; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $" Worker {i}: ");
            if (_busy[i] is { } work)
                text.Append(CultureInfo.InvariantCulture, $"batch {work.Batch}, {(work.Sample is { } sample ? $"reading sample {sample}" : "collating")}.");
            else
                text.Append("waiting.");
        }
        text.Append(" Look at what the dataset does there, or raise LoaderOptions.Timeout.");
        throw new TimeoutException(text.ToString());
    }
}
