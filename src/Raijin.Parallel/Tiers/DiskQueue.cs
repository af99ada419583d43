using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>
/// Threads that read and write blocks of one file, first come first served. Several blocks are under way at once: a disk is only as fast as its queue is deep. What the file's alignment
/// does not allow to go directly goes through a block of the thread's own.
/// </summary>
sealed class DiskQueue : IDisposable
{
    /// <summary>Large enough that the disk's answer time is no matter, small enough that a transfer is shared by the threads.</summary>
    public const int BlockBytes = 4 << 20;

    readonly ScratchFile _file;
    readonly object _gate = new();
    readonly Queue<Block> _blocks = new();
    readonly Thread[] _threads;
    bool _closed;

    public DiskQueue(ScratchFile file, int threads, string name)
    {
        _file = file;
        _threads = [.. Enumerable.Range(0, threads).Select(i => new Thread(Work) { IsBackground = true, Name = $"raijin-disk-{name}-{i}" })];
        foreach (var thread in _threads) thread.Start();
    }

    readonly record struct Block(Transfer Transfer, long Done, int Bytes);

    /// <summary>Puts a transfer in the queue.</summary>
    /// <returns>Done when all its blocks are; fails with the first of their errors.</returns>
    public Task Enqueue(bool write, Tensor memory, long memoryOffset, long fileOffset, long bytes)
    {
        if (bytes == 0) return Task.CompletedTask;
        var transfer = new Transfer(write, memory, memoryOffset, fileOffset, checked((int)((bytes + BlockBytes - 1) / BlockBytes)));
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            for (long done = 0; done < bytes; done += BlockBytes) _blocks.Enqueue(new(transfer, done, (int)Math.Min(BlockBytes, bytes - done)));
            Monitor.PulseAll(_gate);
        }
        return transfer.Completion;
    }

    /// <summary>Finishes what is queued, and ends the threads.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
        foreach (var thread in _threads) thread.Join();
    }

    void Work()
    {
        Tensor? bounce = null;
        while (TryTake(out var block))
        {
            Exception? error = null;
            try
            {
                Execute(block, ref bounce);
            }
            catch (Exception failed) when (failed is IOException or UnauthorizedAccessException or ObjectDisposedException or OutOfMemoryException)
            {
                error = failed;
            }
            block.Transfer.BlockDone(error);
        }
        bounce?.Dispose();
    }

    bool TryTake(out Block block)
    {
        lock (_gate)
        {
            while (!_blocks.TryDequeue(out block))
            {
                if (_closed) return false;
                Monitor.Wait(_gate);
            }
            return true;
        }
    }

    void Execute(Block block, ref Tensor? bounce)
    {
        var transfer = block.Transfer;
        var offset = transfer.FileOffset + block.Done;
        if (!HostTensor.TryOpen(transfer.Memory, out var memory)) throw new IOException("The memory of a transfer is no longer dense host memory.");
        using (memory)
        {
            var start = transfer.MemoryOffset + block.Done;
            var span = memory.ByteSlice(start, block.Bytes);
            if (!_file.IsUnbuffered || (memory.IsAligned(start, ScratchFile.Alignment) && block.Bytes % ScratchFile.Alignment == 0))
            {
                if (transfer.IsWrite) _file.Write(offset, span);
                else _file.Read(offset, span);
                return;
            }

            bounce ??= ScratchFile.AllocateAligned(BlockBytes, ScalarType.Byte);
            HostTensor.TryOpen(bounce, out var between);
            using (between)
            {
                // Ranges begin and end on the file's alignment: what a block does not fill is nobody's.
                var whole = between.ByteSlice(0, (block.Bytes + ScratchFile.Alignment - 1) / ScratchFile.Alignment * ScratchFile.Alignment);
                if (transfer.IsWrite)
                {
                    span.CopyTo(whole);
                    whole[span.Length..].Clear();
                    _file.Write(offset, whole);
                }
                else
                {
                    _file.Read(offset, whole);
                    whole[..span.Length].CopyTo(span);
                }
            }
        }
    }

    sealed class Transfer(bool isWrite, Tensor memory, long memoryOffset, long fileOffset, int blocks)
    {
        readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Exception? _error;
        int _left = blocks;

        public bool IsWrite => isWrite;

        public Tensor Memory => memory;

        public long MemoryOffset => memoryOffset;

        public long FileOffset => fileOffset;

        public Task Completion => _completion.Task;

        public void BlockDone(Exception? error)
        {
            if (error is not null) Interlocked.CompareExchange(ref _error, error, null);
            if (Interlocked.Decrement(ref _left) > 0) return;
            if (_error is { } first) _completion.SetException(first);
            else _completion.SetResult();
        }
    }
}
