using System.Diagnostics;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// A file that <c>torch.save</c> wrote (<c>.pt</c>, <c>.pth</c>, <c>.bin</c>, <c>.ckpt</c>), in either of its formats. Opening runs its pickle with nothing to call: it can make tensors and plain
/// containers only (<see cref="PickleDict"/> and its like); objects of other classes become records of their parts (<see cref="PickleObject"/>).
/// </summary>
/// <remarks>
/// The file is mapped: tensors lie over its pages, are read from the disk when they are first used, and may outlive the file object. The mapping is copy-on-write: changing a tensor in place never
/// changes the file. Another process that cuts the file short while a tensor is used ends this process, as with any mapping. Used by one thread at a time.
/// </remarks>
public sealed class TorchFile : IDisposable
{
    /// <summary>Some writers leave the checksums out; an entry that has none says so with this.</summary>
    const uint NoChecksum = 0;

    const string PickleName = "data.pkl";
    static readonly byte[] ZipStart = [(byte)'P', (byte)'K', 3, 4];

    readonly SafeFileHandle _handle;
    readonly FileMapping _mapping;
    readonly Dictionary<string, StoredRun> _runs = new(StringComparer.Ordinal);
    readonly HashSet<string> _checked = new(StringComparer.Ordinal);

    TorchFile(string path, SafeFileHandle handle, FileMapping mapping)
    {
        Path = path;
        _handle = handle;
        _mapping = mapping;
    }

    /// <summary>Bytes of a storage in the file.</summary>
    readonly record struct StoredRun(long Offset, long Bytes, uint Crc32);

    /// <summary>The file's path, as it was given.</summary>
    public string Path { get; }

    /// <summary>What was saved.</summary>
    public object? Root { get; private set; }

    /// <summary>What was saved, as a dictionary.</summary>
    /// <exception cref="PickleException">It is something else.</exception>
    public PickleDict Dictionary => Root as PickleDict ?? throw new PickleException(Path, $"it holds {(Root is PickleTensor tensor ? $"a tensor {tensor}" : Root is PickleObject made ? $"an object of {made.TypeName}" : "no dictionary")}; expected is a dictionary. A whole module that was saved is Python code: save its state_dict.");

    /// <summary>Maps a file and reads its pickle.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">How much it may ask for; the defaults when none are given.</param>
    /// <exception cref="PickleException">It is damaged, of another kind, or asks for what is not given.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="IOException">It cannot be read or mapped.</exception>
    public static TorchFile Open(string path, PickleLimits? limits = null)
    {
        limits ??= new PickleLimits();
        var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        FileMapping? mapping = null;
        try
        {
            var bytes = RandomAccess.GetLength(handle);
            Span<byte> start = stackalloc byte[4];
            if (bytes < start.Length || RandomAccess.Read(handle, start, 0) < start.Length) PickleException.Throw(path, $"it has {bytes} bytes: it is truncated, or another kind of file.");
            mapping = FileMapping.Open(handle, bytes);
            var file = new TorchFile(path, handle, mapping);
            if (start.SequenceEqual(ZipStart)) file.ReadZip(bytes, limits);
            else if (start[0] == 0x80) LegacyTorchFile.Read(handle, bytes, path, limits, file.AddLegacy, root => file.Root = root);
            else PickleException.Throw(path, "it is neither a zip archive nor a pickle: it is no file of torch.save, or a tar archive of one before 2018.");
            return file;
        }
        catch
        {
            mapping?.Dispose();
            handle.Dispose();
            throw;
        }
    }

    /// <summary>A tensor of the file over its own pages, with the strides it was saved with: nothing is copied. Tied tensors share memory.</summary>
    /// <returns>
    /// A host tensor that needs no gradient; the caller owns it. Where the file places a storage at an address unfit for its element type (the old format does), it is a copy.
    /// </returns>
    /// <exception cref="PickleException">The storage does not have the checksum the archive says.</exception>
    /// <exception cref="ObjectDisposedException">The file object is disposed.</exception>
    public Tensor Load(PickleTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        long[] shape = [.. tensor.Shape];
        using var untracked = no_grad();
        if (tensor.NumElements == 0) return empty(shape, tensor.Type, device: CPU);
        var run = _runs[tensor.Storage.Key];
        Check(tensor.Storage.Key, run);
        var size = PickleBuilder.ElementBytes(tensor.Type);
        var isAligned = run.Offset % Math.Min(size, sizeof(long)) == 0;
        if (isAligned && tensor.IsContiguous) return _mapping.CreateTensor(run.Offset + tensor.Offset * size, shape, tensor.Type);

        using var flat = isAligned ? _mapping.CreateTensor(run.Offset, [run.Bytes / size], tensor.Type) : Copy(run, tensor.Type, size);
        return flat.as_strided(shape, [.. tensor.Strides], tensor.Offset);
    }

    /// <summary>Lets go of the file. Tensors that were read from it stay valid.</summary>
    public void Dispose()
    {
        _mapping.Dispose();
        _handle.Dispose();
    }

    void ReadZip(long bytes, PickleLimits limits)
    {
        var entries = ZipDirectory.Read(_handle, bytes, Path, limits.MaxEntries);
        string[] pickles = [.. entries.Keys.Where(name => name.EndsWith("/" + PickleName, StringComparison.Ordinal) && name.IndexOf('/', StringComparison.Ordinal) == name.Length - PickleName.Length - 1)];
        if (pickles is not [var pickle]) throw new PickleException(Path, $"it is a zip archive with {pickles.Length} entries named <folder>/{PickleName}, expected is one: it is no file of torch.save.");
        var root = pickle[..^PickleName.Length];
        if (entries.ContainsKey(root + "constants.pkl")) PickleException.Throw(Path, "it is a TorchScript archive, which is a program: save the state_dict of the module.");
        if (entries.TryGetValue(root + "byteorder", out var order) && Text(order) is not "little" and var found) PickleException.Throw(Path, $"its elements are of the byte order \"{found}\"; only little is read.", order.Offset);

        var entry = entries[pickle];
        CheckSum(entry.Name, new StoredRun(entry.Offset, entry.Bytes, entry.Crc32));
        if (entry.Bytes > limits.MaxBytes) PickleException.Throw(Path, $"its pickle has {entry.Bytes} bytes; at most {limits.MaxBytes} are read.", entry.Offset);
        using var reader = new PickleBytes(_handle, entry.Offset, entry.Offset + entry.Bytes, Path);
        Root = PickleReader.Read(reader, Path, limits, id =>
        {
            var storage = ParseStorage(id, Path);
            if (!entries.TryGetValue($"{root}data/{storage.Key}", out var data)) PickleException.Throw(Path, $"the storage \"{PickleText.Shorten(storage.Key)}\" is not in the archive.", entry.Offset);
            if (data.Bytes / PickleBuilder.ElementBytes(storage.Type) != storage.NumElements)
                PickleException.Throw(Path, $"the storage \"{storage.Key}\" has {data.Bytes} bytes, which are not the {storage.NumElements} elements of {storage.Type?.ToString() ?? "bytes"} that its tensors say.", data.Offset);
            _runs[storage.Key] = new StoredRun(data.Offset, data.Bytes, data.Crc32);
            return storage;
        });
    }

    string Text(ZipEntry entry)
    {
        Span<byte> bytes = stackalloc byte[(int)Math.Min(entry.Bytes, 16)];
        return System.Text.Encoding.Latin1.GetString(bytes[..RandomAccess.Read(_handle, bytes, entry.Offset)]);
    }

    /// <summary>What <c>torch.save</c> puts in a pickle for elements that lie outside it: <c>("storage", class, key, device, count)</c>, and in the old format a view of the storage.</summary>
    internal static PickleStorage ParseStorage(object? id, string path)
    {
        if (id is not PickleTuple { Items: ["storage", PickleGlobal type, string key, _, long count, ..] items })
            throw new PickleException(path, "it refers to something outside that is no storage: (\"storage\", class, key, device, count) was expected.");
        if (items.Count > 6 || items is [.., not long and not null]) throw new PickleException(path, "its storages are views of other storages, which only files before 2017 have.");
        if (!PickleBuilder.TryStorageType(type, out var element)) throw new PickleException(path, $"its storage \"{PickleText.Shorten(key)}\" is a {PickleText.Shorten(type.ToString())}; quantized and other special tensors are not read.");
        if (count < 0 || count > long.MaxValue / 16) throw new PickleException(path, $"its storage \"{PickleText.Shorten(key)}\" has {count} elements.");
        return new PickleStorage(key, element, count);
    }

    void AddLegacy(string key, long offset, long bytes) => _runs[key] = new StoredRun(offset, bytes, NoChecksum);

    void Check(string key, StoredRun run)
    {
        if (_checked.Add(key)) CheckSum($"data/{key}", run);
    }

    void CheckSum(string name, StoredRun run)
    {
        if (run.Crc32 == NoChecksum) return;
        var sum = new Crc32();
        try
        {
            FileRange.Visit(_handle, run.Offset, run.Bytes, Path, sum, static (to, block) => to.Append(block));
        }
        catch (SafetensorsException error)
        {
            throw new PickleException(Path, "it was cut short while it was read.", run.Offset, error);
        }

        if (sum.GetCurrentHashAsUInt32() != run.Crc32) PickleException.Throw(Path, $"its entry \"{name}\" does not have the checksum the archive says: it is damaged.", run.Offset);
    }

    Tensor Copy(StoredRun run, ScalarType type, int size)
    {
        var copy = empty(run.Bytes / size, type, device: CPU);
        try
        {
            if (!TensorAccess.TryGetHostMemory(copy, out var memory)) throw new UnreachableException();
            FileRange.CopyTo(_handle, run.Offset, run.Bytes / size * size, Path, memory.Data);
            return copy;
        }
        catch (SafetensorsException error)
        {
            copy.Dispose();
            throw new PickleException(Path, "it was cut short while it was read.", run.Offset, error);
        }
    }
}
