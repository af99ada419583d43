// One thread reads the batches of another loader and transfers them; up to Depth of them wait until they are asked for.
//
//   loader ──▶ [ read k+2, transfer ] ──▶ | k+1 | k | ──▶ the step that uses k − 1          Depth 2
//
// Invariant: taken ≤ made ≤ taken + Depth. A batch waits outside any scope; taking it moves its tensors into the reader's.

using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Raijin.Data;

/// <summary>The batches of another loader, transferred ahead of their use on a thread of their own.</summary>
sealed class AheadLoader<TBatch>(DataLoader<TBatch> source, Func<TBatch, TBatch> transfer, int depth) : DataLoader<TBatch> where TBatch : IBatch<TBatch>
{
    public override long? BatchesPerEpoch => source.BatchesPerEpoch;

    public override string Fingerprint => source.Fingerprint;

    public override EpochLayout? Layout => source.Layout;

    public override DataLoader<TBatch> Shard(int rank, int world) => new AheadLoader<TBatch>(source.Shard(rank, world), transfer, depth);

    public override BatchReader<TBatch> Open(long epoch, long firstBatch = 0, CancellationToken cancellationToken = default) =>
        new Reader(source, transfer, depth, epoch, firstBatch, cancellationToken);

    sealed class Reader : BatchReader<TBatch>
    {
        readonly BatchReader<TBatch> _source;
        readonly Func<TBatch, TBatch> _transfer;
        readonly int _depth;
        readonly CancellationToken _cancelled;
        readonly CancellationTokenSource _stop;
        readonly CancellationTokenRegistration _wakeUp;
        readonly Thread _thread;

        // Guards what follows.
        readonly object _gate = new();
        readonly Queue<TBatch> _ready = new();
        ExceptionDispatchInfo? _failure;
        bool _ended, _stopping;

        public Reader(DataLoader<TBatch> source, Func<TBatch, TBatch> transfer, int depth, long epoch, long firstBatch, CancellationToken cancellationToken)
        {
            (_transfer, _depth, _cancelled) = (transfer, depth, cancellationToken);
            _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            _source = source.Open(epoch, firstBatch, _stop.Token);
            _wakeUp = _stop.Token.UnsafeRegister(static reader => ((Reader)reader!).WakeUp(), this);
            _thread = new Thread(Work) { IsBackground = true, Name = "raijin-transfer" };
            _thread.Start();
        }

        protected override bool TryRead([NotNullWhen(true)] out TBatch? batch)
        {
            batch = default;
            TBatch made;
            lock (_gate)
            {
                while (true)
                {
                    _cancelled.ThrowIfCancellationRequested();
                    if (_stopping) return false;
                    if (_ready.TryDequeue(out made!)) break;
                    // A failure comes after the batches before it, and stays: whoever asks again is told again.
                    _failure?.Throw();
                    if (_ended) return false;
                    Monitor.Wait(_gate);
                }
                Monitor.PulseAll(_gate);
            }
            using var scope = TensorScope.Open();
            batch = made.Map(tensor => scope.Keep(scope.Adopt(tensor)));
            return true;
        }

        void Work()
        {
            ExceptionDispatchInfo? failure = null;
            try
            {
                using var plain = TorchSharp.torch.no_grad();
                using var scope = TensorScope.Open();
                while (WaitForRoom() && _source.MoveNext())
                {
                    // By alias: what a transfer hands on as it is may be the dataset's own, which is not ours to free.
                    Deliver(_transfer(_source.Current).Map(tensor => scope.Release(tensor.alias())));
                    scope.Free();
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                // Nobody waits any more.
            }
            catch (Exception error)
            {
                // Whatever it is: it belongs to whoever asks for this batch, on their thread.
                failure = ExceptionDispatchInfo.Capture(error);
            }
            lock (_gate)
            {
                (_failure, _ended) = (failure, true);
                Monitor.PulseAll(_gate);
            }
        }

        bool WaitForRoom()
        {
            lock (_gate)
            {
                while (!_stopping && _ready.Count >= _depth) Monitor.Wait(_gate);
                return !_stopping;
            }
        }

        void Deliver(TBatch batch)
        {
            lock (_gate)
            {
                _ready.Enqueue(batch);
                Monitor.PulseAll(_gate);
            }
        }

        void WakeUp()
        {
            lock (_gate) Monitor.PulseAll(_gate);
        }

        public override void Dispose()
        {
            lock (_gate)
            {
                if (_stopping) return;
                _stopping = true;
                Monitor.PulseAll(_gate);
            }
            _stop.Cancel();
            _thread.Join();
            foreach (var batch in _ready)
            {
                batch.Map(static tensor =>
                {
                    tensor.Dispose();
                    return tensor;
                });
            }
            _ready.Clear();
            _source.Dispose();
            _wakeUp.Dispose();
            _stop.Dispose();
        }
    }
}
