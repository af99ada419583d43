using System.Buffers.Binary;
using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace Raijin.Tensors;

// The format before 2020, still written with _use_new_zipfile_serialization=False: five pickles one after another (a magic number, a version, facts of the writer's system, the value, the keys of the
// storages in order), then for each key a 64-bit count of elements and the elements.

/// <summary>Reads the older format of <c>torch.save</c>.</summary>
static class LegacyTorchFile
{
    const long Version = 1001;
    static readonly BigInteger Magic = BigInteger.Parse("1950a86a20f9469cfc6c", System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Reads the pickles and finds the storages.</summary>
    /// <param name="handle">The file.</param>
    /// <param name="fileBytes">Its length.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="limits">How much it may ask for.</param>
    /// <param name="addRun">Told of each storage: its key, offset and bytes.</param>
    /// <param name="setRoot">Told of the value.</param>
    public static void Read(SafeFileHandle handle, long fileBytes, string path, PickleLimits limits, Action<string, long, long> addRun, Action<object?> setRoot)
    {
        using var bytes = new PickleBytes(handle, 0, fileBytes, path);
        if (Next(None) is not BigInteger magic || magic != Magic) PickleException.Throw(path, "it does not begin with the magic number of torch.save: it is another kind of pickle.", 0);
        if (Next(None) is not Version) PickleException.Throw(path, $"its format is not {Version}.");
        if (Next(None) is not PickleDict system || system["little_endian"] is not true) PickleException.Throw(path, "it was written on a machine of another byte order.");

        var storages = new Dictionary<string, PickleStorage>(StringComparer.Ordinal);
        var root = Next(id =>
        {
            var storage = TorchFile.ParseStorage(id, path);
            if (storages.TryGetValue(storage.Key, out var known) && known != storage) PickleException.Throw(path, $"its storage \"{PickleText.Shorten(storage.Key)}\" is described in two ways.");
            storages[storage.Key] = storage;
            return storage;
        });
        if (Next(None) is not PickleList keys) throw new PickleException(path, "the list of its storages is missing: it is damaged.", bytes.Position);

        var at = bytes.Position;
        Span<byte> count = stackalloc byte[sizeof(long)];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in keys.Items)
        {
            if (item is not string key || !storages.TryGetValue(key, out var storage) || !seen.Add(key))
                throw new PickleException(path, "the list of its storages names one that no tensor has, or one twice: it is damaged.", at);
            if (RandomAccess.Read(handle, count, at) < count.Length) PickleException.Throw(path, "it ends before its storages: it is truncated.", at);
            var elements = BinaryPrimitives.ReadInt64LittleEndian(count);
            if (elements != storage.NumElements) PickleException.Throw(path, $"the storage \"{key}\" has {elements} elements, its tensors say {storage.NumElements}: it is damaged.", at);
            at += sizeof(long);
            var size = PickleBuilder.ElementBytes(storage.Type);
            if (elements > (fileBytes - at) / size) PickleException.Throw(path, $"the storage \"{key}\" has {elements} elements, but {fileBytes - at} bytes follow: it is truncated.", at);
            addRun(key, at, elements * size);
            at += elements * size;
        }

        if (seen.Count != storages.Count) PickleException.Throw(path, $"its tensors use {storages.Count} storages, but {seen.Count} follow: it is damaged.", at);
        if (at != fileBytes) PickleException.Throw(path, $"{fileBytes - at} bytes at its end belong to no storage.", at);
        setRoot(root);

        object? Next(Func<object?, object> persistent) => PickleReader.Read(bytes, path, limits, persistent);

        object None(object? id) => throw new PickleException(path, "its heading refers to something outside: it is damaged.", bytes.Position);
    }
}
