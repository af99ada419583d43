using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Raijin.Tensors;

// The stall of a background save is the time of Capture: one copy by libtorch's threads, as fast as the memory goes. Its buffer lies as the file will, so that writing it is one
// run over memory.
// Fresh memory would cost more than the copy (each page faulted in and cleared), so the buffer is kept from save to save, and Reserve can prepare it ahead of time.

/// <summary>A copy of named tensors at one instant, in memory that is reused from one capture to the next.</summary>
public sealed unsafe class TensorSnapshot : IDisposable
{
    const nuint Alignment = 2 << 20;

    nint _buffer;
    long _capacity;
    byte[]? _header;
    List<(string Name, long Offset, long Bytes)> _items = [];

    /// <summary>Bytes of all tensors captured.</summary>
    public long DataBytes { get; private set; }

    /// <summary>Bytes of the file it makes.</summary>
    public long FileBytes => Header.Length + DataBytes;

    internal ReadOnlySpan<byte> Header => _header ?? throw new InvalidOperationException("The snapshot is empty: capture tensors first.");

    internal nint Address => _buffer;

    /// <summary>Where each tensor's bytes lie, in the order of the file.</summary>
    internal IReadOnlyList<(string Name, long Offset, long Bytes)> Items => _items;

    /// <summary>Makes room for that many bytes and touches every page of it, so that the next <see cref="Capture"/> only copies. What was captured before is lost.</summary>
    /// <exception cref="OutOfMemoryException">There is not that much memory.</exception>
    public void Reserve(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes <= _capacity) return;
        Dispose();
        _buffer = (nint)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        _capacity = bytes;
        HugePages.Advise(_buffer, bytes);
        for (var page = 0L; page < bytes; page += Environment.SystemPageSize) *((byte*)_buffer + page) = 0;
    }

    /// <summary>Copies tensors. When it returns, they may change.</summary>
    /// <param name="tensors">Names and tensors of any device, layout and of the dtypes the format has; borrowed until this returns.</param>
    /// <param name="metadata">Free text to keep with them.</param>
    /// <exception cref="ArgumentException">A name is doubled or reserved, or the format has no such dtype.</exception>
    /// <exception cref="ObjectDisposedException">A tensor was freed.</exception>
    public void Capture(IReadOnlyCollection<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var layout = SafetensorsLayout.Of(tensors, metadata);
        Reserve(layout.DataBytes);
        var blocks = new List<CopyBlocks.CopiedBlock>(layout.Items.Count);
        foreach (var item in layout.Items)
        {
            using var dense = new DenseHostCopy(item.Pieces[0]);
            var destination = _buffer + (nint)item.Offset;
            if (dense.IsBorrowed) CopyBlocks.Split(dense.Address, destination, item.Bytes, blocks);
            else StreamingCopy.Copy(dense.Address, destination, item.Bytes);
        }

        KernelTeam.Shared.Run(new CopyBlocks(blocks), Math.Min(get_num_threads(), blocks.Count));
        GC.KeepAlive(tensors);
        _header = layout.Header;
        _items = [.. layout.Items.Select(item => (item.Name, item.Offset, item.Bytes))];
        DataBytes = layout.DataBytes;
    }

    /// <summary>Gives the memory back. A later capture takes new.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree((void*)_buffer);
        _buffer = 0;
        _capacity = 0;
        _header = null;
        DataBytes = 0;
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the memory of a snapshot that nobody disposed.</summary>
    ~TensorSnapshot() => NativeMemory.AlignedFree((void*)_buffer);

    /// <summary>Copies of memory in blocks, which the threads taking part share out among them.</summary>
    sealed class CopyBlocks(List<CopyBlocks.CopiedBlock> blocks) : KernelJob
    {
        const long BlockBytes = 8 << 20;

        int _taken = -1;

        public readonly record struct CopiedBlock(nint Source, nint Destination, long Bytes);

        public static void Split(nint source, nint destination, long bytes, List<CopiedBlock> blocks)
        {
            for (var done = 0L; done < bytes; done += BlockBytes) blocks.Add(new(source + (nint)done, destination + (nint)done, Math.Min(BlockBytes, bytes - done)));
        }

        public override void Execute()
        {
            for (int next; (next = Interlocked.Increment(ref _taken)) < blocks.Count;)
            {
                var (source, destination, bytes) = blocks[next];
                StreamingCopy.Copy(source, destination, bytes);
            }
        }
    }
}
