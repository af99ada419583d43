using System.Diagnostics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>How fast a file was written and read once through, block by block.</summary>
/// <param name="BlockBytes">Bytes of a transfer.</param>
/// <param name="Depth">How many transfers were under way at once, a thread each.</param>
/// <param name="WriteBytesPerSecond">How fast it was written.</param>
/// <param name="ReadBytesPerSecond">How fast it was read.</param>
public sealed record DiskTiming(long BlockBytes, int Depth, double WriteBytesPerSecond, double ReadBytesPerSecond)
{
    /// <summary>Bytes a second of what is read and written back, as optimizer state is.</summary>
    public double RoundTrip => 2 / ((1 / WriteBytesPerSecond) + (1 / ReadBytesPerSecond));
}

/// <summary>
/// Writes and reads a scratch file of the offload tier's kind, from its beginning to its end, by threads that take the next block each: past the page cache where the file system can, so that
/// the rates are the disk's. The file is gone when this is, however it ends.
/// </summary>
public sealed class DiskSpeed : IDisposable
{
    readonly ScratchFile _file;

    /// <summary>Makes the file, and writes it once: the first time through, the file system is still finding places.</summary>
    /// <param name="folder">On the disk that is measured.</param>
    /// <param name="bytes">The file's size.</param>
    /// <param name="buffered">Through the page cache.</param>
    /// <exception cref="IOException">There is not so much space, or the folder cannot be made.</exception>
    public DiskSpeed(string folder, long bytes, bool buffered = false)
    {
        _file = ScratchFile.Create(folder, bytes, buffered);
        Pass(write: true, 4 << 20, 1);
    }

    /// <summary>Whether the file is read and written past the page cache; where not, what is read may never have come from a disk.</summary>
    public bool IsUnbuffered => _file.IsUnbuffered;

    /// <summary>Times one size and depth.</summary>
    /// <param name="blockBytes">Of a transfer: a multiple of <see cref="ScratchFile.Alignment"/>, not larger than the file. The tier's own are of 4 MiB.</param>
    /// <param name="depth">How many transfers are under way at once.</param>
    /// <exception cref="IOException">The file cannot be written or read.</exception>
    public DiskTiming Measure(int blockBytes, int depth) => new(blockBytes, depth, _file.Bytes / Pass(write: true, blockBytes, depth), _file.Bytes / Pass(write: false, blockBytes, depth));

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <returns>Seconds.</returns>
    double Pass(bool write, int blockBytes, int depth)
    {
        var numBlocks = _file.Bytes / blockBytes;
        if (numBlocks == 0) throw new ArgumentOutOfRangeException(nameof(blockBytes), blockBytes, $"A block is larger than the file of {_file.Bytes:N0} bytes.");
        long next = -1;
        Exception? failure = null;
        using var start = new Barrier(depth + 1);
        var threads = Enumerable.Range(0, depth).Select(number => new Thread(() => Move(number)) { IsBackground = true, Name = "raijin disk speed" }).ToList();
        foreach (var thread in threads) thread.Start();
        start.SignalAndWait();
        var started = Stopwatch.GetTimestamp();
        foreach (var thread in threads) thread.Join();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        if (failure is not null) throw failure;
        return seconds * _file.Bytes / (numBlocks * blockBytes);

        void Move(int number)
        {
            using var block = ScratchFile.AllocateAligned(blockBytes, ScalarType.Byte);
            HostTensor.TryOpen(block, out var memory);
            using (memory)
            {
                var span = memory.ByteSlice(0, blockBytes);
                // No disk may make it smaller.
                if (write) new Random(number).NextBytes(span);
                start.SignalAndWait();
                try
                {
                    for (var index = Interlocked.Increment(ref next); index < numBlocks; index = Interlocked.Increment(ref next))
                    {
                        if (write) _file.Write(index * blockBytes, span);
                        else _file.Read(index * blockBytes, span);
                    }
                }
                catch (Exception error) when (error is IOException or UnauthorizedAccessException)
                {
                    Interlocked.CompareExchange(ref failure, error, null);
                }
            }
        }
    }
}
