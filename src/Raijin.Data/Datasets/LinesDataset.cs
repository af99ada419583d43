// The index: where each line begins, 8 bytes a line, made by one pass over the file. A line is then read where it lies, in O(1).

using System.Buffers;
using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Raijin;

/// <summary>
/// The lines of a UTF-8 text file, by number: the file is mapped into memory, may be larger than it, and is read once when it is opened, for where
/// the lines begin. Shuffling and resuming it costs nothing, so prefer it to a stream.
/// </summary>
/// <remarks>
/// Lines end with <c>\n</c> or <c>\r\n</c>, which are not part of them; what stands behind the last one is a line unless it is empty. The file
/// must not change while it is open.
/// </remarks>
public sealed class LinesDataset : Dataset<string>, IDisposable
{
    const int LongestLine = 1 << 30;
    const int BufferBytes = 1 << 20;

    static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    readonly string _path;
    readonly MemoryMappedFile? _file;
    readonly MemoryMappedViewAccessor? _view;
    // Line i is the bytes from _starts[i] to _starts[i + 1], with its ending.
    readonly List<long> _starts = [0];

    /// <summary>Opens a file and finds its lines.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the pass over the file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A line of more than 1 GiB: is it text?</exception>
    public LinesDataset(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _path = path;
        FindLines(cancellationToken);
        if (Count == 0) return; // An empty file cannot be mapped.
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
        _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
    }

    /// <summary>Number of lines.</summary>
    public override long Count => _starts.Count - 1;

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The line is not UTF-8; names it.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public override string Get(SampleRequest request)
    {
        var (buffer, length) = Rent(request.Index);
        try
        {
            return Strict.GetString(buffer, 0, length);
        }
        catch (DecoderFallbackException error)
        {
            throw new InvalidDataException($"{Where(request.Index)} is not UTF-8: {error.Message}", error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The lines as JSON values: a file of JSON lines.</summary>
    /// <param name="type">What a line is, from a <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <returns>A set that reads and parses a line when it is asked for; it throws <see cref="InvalidDataException"/> with the file and the line.</returns>
    public Dataset<T> Json<T>(JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return Dataset.Of(Count, request =>
        {
            var (buffer, length) = Rent(request.Index);
            try
            {
                return JsonSerializer.Deserialize(buffer.AsSpan(0, length), type)
                    ?? throw new InvalidDataException($"{Where(request.Index)} is null; a JSON value of type {typeof(T).Name} is expected.");
            }
            catch (JsonException error)
            {
                throw new InvalidDataException($"{Where(request.Index)} is not a JSON value of type {typeof(T).Name}: {error.Message}", error);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        });
    }

    string Where(long index) => string.Create(CultureInfo.InvariantCulture, $"{_path} line {index + 1}");

    (byte[] Buffer, int Length) Rent(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        var start = _starts[(int)index];
        var length = (int)(_starts[(int)index + 1] - start);
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        var line = buffer.AsSpan(0, length);
        _view!.SafeMemoryMappedViewHandle.ReadSpan((ulong)start, line);
        if (line[^1] == '\n') line = line[..^1];
        if (line is [.., (byte)'\r']) line = line[..^1];
        return (buffer, line.Length);
    }

    void FindLines(CancellationToken cancellationToken)
    {
        using var file = File.OpenHandle(_path, options: FileOptions.SequentialScan);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        long at = 0;
        for (int read; (read = RandomAccess.Read(file, buffer, at)) > 0; at += read)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var bytes = buffer.AsSpan(0, read);
            for (int end, from = 0; (end = bytes[from..].IndexOf((byte)'\n')) >= 0; from += end + 1) Add(at + from + end + 1);
        }
        if (at > _starts[^1]) Add(at);
        ArrayPool<byte>.Shared.Return(buffer);

        void Add(long end)
        {
            if (end - _starts[^1] > LongestLine)
                throw new InvalidDataException($"{Where(Count)} has {end - _starts[^1]} bytes; at most {LongestLine} are read as one line: is it text?");
            _starts.Add(end);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _view?.Dispose();
        _file?.Dispose();
    }
}
