using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// A safetensors file, mapped into memory. Opening reads the header only; a tensor is read from the disk when it is first used.
/// </summary>
/// <remarks>
/// <para>Tensors may outlive the file object: each keeps the mapping alive. Using the file object after it is disposed throws
/// <see cref="ObjectDisposedException"/>.</para>
/// <para>The mapping is copy-on-write: changing a mapped tensor in place changes memory of this process, never the file.</para>
/// <para>Another process that cuts the file short while a mapped tensor is used ends this process, as with any mapping: replace files by renaming, as
/// <see cref="SafetensorsWriter"/> does. <see cref="CopyTo"/> and <see cref="Sha256"/> read the file instead and throw. Thread-safe.</para>
/// </remarks>
public sealed class SafetensorsFile : IDisposable
{
    readonly SafeFileHandle _handle;
    readonly FileMapping _mapping;
    readonly SafetensorsHeader _header;

    SafetensorsFile(string path, long bytes, SafeFileHandle handle, FileMapping mapping, SafetensorsHeader header)
    {
        Path = path;
        Bytes = bytes;
        _handle = handle;
        _mapping = mapping;
        _header = header;
    }

    /// <summary>The file's path, as it was given.</summary>
    public string Path { get; }

    /// <summary>The file's length.</summary>
    public long Bytes { get; }

    /// <summary>What is in it, in the order of the bytes.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries => _header.Entries;

    /// <summary>The names of <see cref="Entries"/>.</summary>
    public IEnumerable<string> Names => Entries.Select(e => e.Name);

    /// <summary>Free text by key, such as <c>format</c> = <c>pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Maps a file and checks its header whole.</summary>
    /// <exception cref="SafetensorsException">The file is truncated, damaged or of another kind.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="IOException">It cannot be read or mapped.</exception>
    public static SafetensorsFile Open(string path)
    {
        var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        try
        {
            var bytes = RandomAccess.GetLength(handle);
            var header = ReadHeader(handle, bytes, path);
            return new SafetensorsFile(path, bytes, handle, FileMapping.Open(handle, bytes), header);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Whether the file holds a tensor of that name.</summary>
    public bool Contains(string name) => _header.Find(name) is not null;

    /// <summary>The entry of that name.</summary>
    /// <exception cref="SafetensorsException">There is none; the message names some of those there are.</exception>
    public SafetensorsEntry Entry(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var entry = _header.Find(name);
        if (entry is null) ThrowMissing(name);
        return entry;
    }

    /// <summary>The tensor of that name, over the file's own pages: nothing is copied.</summary>
    /// <returns>
    /// A host tensor of the entry's shape and dtype that needs no gradient; the caller owns it. A tensor that the file places at an address unfit for its
    /// element type (no writer of today does) is a copy.
    /// </returns>
    /// <exception cref="SafetensorsException">There is no such tensor, or its dtype has no counterpart in libtorch.</exception>
    /// <exception cref="ObjectDisposedException">The file object is disposed.</exception>
    public Tensor Tensor(string name)
    {
        var entry = Entry(name);
        var type = TypeOf(entry);
        long[] shape = [.. entry.Shape];
        if (entry.Bytes > 0 && entry.Offset % SafetensorsDtype.ElementBytes(entry.Dtype) == 0) return _mapping.CreateTensor(entry.Offset, shape, type);

        var copy = empty(shape, type, device: CPU);
        CopyTo(name, copy);
        return copy;
    }

    /// <summary>Copies a tensor's bytes into one that exists, on any device and of any layout. Autograd does not see it.</summary>
    /// <param name="name">Name in the file.</param>
    /// <param name="destination">Same shape and dtype; changed in place.</param>
    /// <exception cref="SafetensorsException">There is no such tensor.</exception>
    /// <exception cref="ShapeMismatchException">Its shape or dtype differs from the destination's.</exception>
    /// <exception cref="ObjectDisposedException">The destination was freed, or the file object is disposed.</exception>
    public void CopyTo(string name, Tensor destination)
    {
        TensorGuard.ThrowIfFreed(destination);
        var entry = Entry(name);
        if (entry.ScalarType != destination.dtype || !entry.Shape.SequenceEqual(destination.shape))
            ShapeMismatchException.Throw(name, $"[{string.Join(", ", destination.shape)}] {destination.dtype}", $"{entry} in {Path}");
        if (entry.Bytes == 0) return;
        if (TensorAccess.TryGetHostMemory(destination, out var memory) && !destination.is_conj() && !destination.is_neg())
        {
            FileRange.CopyTo(_handle, entry.Offset, entry.Bytes, Path, memory.Data);
            GC.KeepAlive(destination);
            return;
        }

        using var scope = NewDisposeScope();
        using var untracked = no_grad();
        destination.copy_(Tensor(name));
        // copy_ returns a second wrapper of the destination, which the scope frees.
    }

    /// <summary>Copies a run of a tensor's elements, counted row-major, into one that exists. Autograd does not see it.</summary>
    /// <param name="name">Name in the file.</param>
    /// <param name="start">The first element.</param>
    /// <param name="destination">As many elements, of the same dtype, contiguous on any device; changed in place.</param>
    /// <exception cref="SafetensorsException">There is no such tensor.</exception>
    /// <exception cref="ShapeMismatchException">Its dtype differs from the destination's, or it has fewer elements.</exception>
    public void CopyRangeTo(string name, long start, Tensor destination)
    {
        TensorGuard.ThrowIfFreed(destination);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        var entry = Entry(name);
        var size = SafetensorsDtype.ElementBytes(entry.Dtype);
        var count = destination.NumberOfElements;
        if (entry.ScalarType != destination.dtype || count > entry.Bytes / size - start)
            ShapeMismatchException.Throw(name, $"elements {start} to {start + count} of {destination.dtype}", $"{entry} in {Path}");
        if (count == 0) return;
        if (TensorAccess.TryGetHostMemory(destination, out var memory) && !destination.is_conj() && !destination.is_neg())
        {
            FileRange.CopyTo(_handle, entry.Offset + start * size, count * size, Path, memory.Data);
            GC.KeepAlive(destination);
            return;
        }

        using var scope = NewDisposeScope();
        using var untracked = no_grad();
        destination.view(-1).copy_(Tensor(name).view(-1).narrow(0, start, count));
    }

    /// <summary>XxHash3 of a tensor's bytes, as they are in the file.</summary>
    /// <exception cref="SafetensorsException">There is no such tensor, or the file was cut short since it was opened.</exception>
    public ulong Hash(string name)
    {
        var entry = Entry(name);
        var hash = new XxHash3();
        FileRange.Visit(_handle, entry.Offset, entry.Bytes, Path, hash, static (sum, bytes) => sum.Append(bytes));
        return hash.GetCurrentHashAsUInt64();
    }

    /// <summary>SHA-256 of a tensor's bytes, as they are in the file (little endian, row-major).</summary>
    /// <exception cref="SafetensorsException">There is no such tensor, or the file was cut short since it was opened.</exception>
    /// <exception cref="ObjectDisposedException">The file object is disposed.</exception>
    public byte[] Sha256(string name)
    {
        var entry = Entry(name);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        FileRange.Visit(_handle, entry.Offset, entry.Bytes, Path, hash, static (sum, bytes) => sum.AppendData(bytes));
        return hash.GetHashAndReset();
    }

    /// <summary>Lets go of the file. Tensors that were read from it stay valid.</summary>
    public void Dispose()
    {
        _mapping.Dispose();
        _handle.Dispose();
    }

    static unsafe SafetensorsHeader ReadHeader(SafeFileHandle handle, long fileBytes, string path)
    {
        Span<byte> prefix = stackalloc byte[SafetensorsHeader.PrefixBytes];
        var read = RandomAccess.Read(handle, prefix, 0);
        var json = new byte[SafetensorsHeader.ReadJsonBytes(prefix[..read], fileBytes, path)];
        fixed (byte* to = json) FileRange.CopyTo(handle, SafetensorsHeader.PrefixBytes, json.Length, path, (nint)to);
        return SafetensorsHeader.Parse(json, fileBytes, path);
    }

    ScalarType TypeOf(SafetensorsEntry entry)
    {
        if (entry.ScalarType is { } type) return type;
        throw new SafetensorsException(Path, $"its dtype {entry.Dtype} has no counterpart in libtorch here: convert the file, or leave this tensor out.", entry.Name, entry.Offset);
    }

    [DoesNotReturn]
    void ThrowMissing(string name)
    {
        var some = string.Join(", ", Entries.Take(5).Select(e => $"\"{e.Name}\""));
        SafetensorsException.Throw(Path, $"there is no such tensor; the file holds {Entries.Count}{(some.Length == 0 ? "" : ": ")}{some}{(Entries.Count > 5 ? ", …" : "")}.", name);
    }
}
