using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Raijin.Tensors;

/// <summary>
/// Reads ranges of a file. Reading into memory that is there is faster than copying out of a mapping, which first has to be set up page by page; and a
/// file that another process cuts short is an error here, where touching its mapping would end the process.
/// </summary>
static class FileRange
{
    /// <summary>Fits a core's own cache, so that what is read is still there when it is used.</summary>
    const int BlockBytes = 512 << 10;

    const int LargestRead = 1 << 30;

    /// <summary>Reads a range into unmanaged memory.</summary>
    /// <exception cref="SafetensorsException">The file has become shorter than the range.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static unsafe void CopyTo(SafeFileHandle file, long offset, long bytes, string path, nint destination)
    {
        for (var done = 0L; done < bytes;)
            done += Read(file, new Span<byte>((byte*)destination + done, (int)Math.Min(LargestRead, bytes - done)), offset + done, path);
    }

    /// <summary>Runs <paramref name="use"/> over a range, block by block.</summary>
    /// <inheritdoc cref="CopyTo"/>
    public static void Visit<TState>(SafeFileHandle file, long offset, long bytes, string path, TState state, Action<TState, ReadOnlySpan<byte>> use)
    {
        var block = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            for (var done = 0L; done < bytes;)
            {
                var part = block.AsSpan(0, (int)Math.Min(BlockBytes, bytes - done));
                part = part[..Read(file, part, offset + done, path)];
                use(state, part);
                done += part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    static int Read(SafeFileHandle file, Span<byte> to, long offset, string path)
    {
        var read = RandomAccess.Read(file, to, offset);
        if (read == 0) SafetensorsException.Throw(path, $"it was cut short while it was read: it ends at {offset}.", offset: offset);
        return read;
    }
}
