// The binary version of CIFAR: records of
//   1 label byte (CIFAR-10), or a coarse and a fine one (CIFAR-100) | 1024 red | 1024 green | 1024 blue, row-major
// without a header, in files that are published as one archive. They are read where they lie unpacked, else out of the archive.

using System.Formats.Tar;
using System.IO.Compression;
using static TorchSharp.torch;

namespace Raijin.Data;

/// <summary>A set of labelled 32 × 32 colour images in binary files.</summary>
sealed record CifarFiles(
    string Name, string Type, PublishedFile Archive, string Folder, IReadOnlyList<string> Train, string Test, int LabelBytes, int NumClasses)
{
    const int Side = 32, Channels = 3, ImageBytes = Channels * Side * Side;

    static readonly Uri Home = new("https://www.cs.toronto.edu/~kriz/");

    IEnumerable<string> Files => Train.Append(Test);

    public TensorSplits<LabeledBatch> Load(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var contents = Read(folder);
        using var scope = TensorScope.Open();
        return new(Set(Train), Test: Set([Test]));

        LabeledDataset Set(IReadOnlyList<string> names)
        {
            var (inputs, labels) = Decode([.. names.Select(name => (Path.Combine(folder, name), contents[name]))]);
            return new(inputs, labels);
        }
    }

    public async Task DownloadAsync(string folder, DownloadOptions options, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Directory.CreateDirectory(folder);
        if (Archive.In(folder) is not null || Missing(folder).Length == 0) return;
        using var own = options.Client is null ? new HttpClient() : null;
        await Archive.DownloadAsync(folder, options.Mirrors ?? [Home], options.Client ?? own!, progress, cancellationToken).ConfigureAwait(false);
    }

    // The files' contents by name.
    Dictionary<string, byte[]> Read(string folder)
    {
        var missing = Missing(folder);
        if (missing.Length == 0) return Files.ToDictionary(name => name, name => File.ReadAllBytes(Find(folder, name)!));
        if (Archive.In(folder) is { } archive) return Unpack(archive);
        throw new FileNotFoundException(
            $"{Name} is not in '{folder}': {string.Join(", ", missing)} missing, and {Archive.Name}.gz as well. Get it with {Type}.DownloadAsync(\"{folder}\"), "
            + $"or put it there by hand, from {Home}.",
            Path.Combine(folder, missing[0]));
    }

    string[] Missing(string folder) => [.. Files.Where(name => Find(folder, name) is null)];

    // Straight in the folder, or in the one that the archive unpacks to.
    string? Find(string folder, string name) =>
        new[] { Path.Combine(folder, name), Path.Combine(folder, Folder, name) }.FirstOrDefault(File.Exists);

    Dictionary<string, byte[]> Unpack(string archive)
    {
        var contents = new Dictionary<string, byte[]>();
        try
        {
            using var file = File.OpenRead(archive);
            using Stream plain = archive.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
            using var tar = new TarReader(plain);
            while (tar.GetNextEntry() is { } entry)
            {
                var name = Path.GetFileName(entry.Name);
                if (entry.DataStream is null || !Files.Contains(name)) continue;
                if (entry.Length > Array.MaxLength) throw new InvalidDataException($"{name} has {entry.Length} bytes");
                var bytes = new byte[entry.Length];
                entry.DataStream.ReadExactly(bytes);
                contents[name] = bytes;
            }
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw new InvalidDataException($"{archive} does not unpack ({error.Message}). Fetch it again.", error);
        }
        var missing = Files.Where(name => !contents.ContainsKey(name)).ToArray();
        if (missing.Length > 0) throw new InvalidDataException($"{archive} holds no {string.Join(", ", missing)}. Is it another set's, or the version for Python?");
        return contents;
    }

    (Tensor Inputs, Tensor Labels) Decode(IReadOnlyList<(string Path, byte[] Bytes)> files)
    {
        var record = LabelBytes + ImageBytes;
        foreach (var (path, bytes) in files)
        {
            if (bytes.Length == 0 || bytes.Length % record != 0)
                throw new InvalidDataException($"{path} has {bytes.Length} bytes; a whole number of records of {record} is expected. Fetch it again.");
        }

        var count = files.Sum(file => (long)file.Bytes.Length / record);
        var inputs = empty([count, Channels, Side, Side], ScalarType.Byte);
        var labels = new long[count];
        var pixels = inputs.bytes;
        var at = 0;
        foreach (var (path, bytes) in files)
        {
            for (var start = 0; start < bytes.Length; start += record, at++)
            {
                labels[at] = bytes[start + LabelBytes - 1];
                if (labels[at] >= NumClasses)
                    throw new InvalidDataException($"{path} holds label {labels[at]} at byte {start + LabelBytes - 1}; 0 to {NumClasses - 1} are expected. Fetch it again.");
                bytes.AsSpan(start + LabelBytes, ImageBytes).CopyTo(pixels[(at * ImageBytes)..]);
            }
        }
        return (inputs, tensor(labels));
    }
}
