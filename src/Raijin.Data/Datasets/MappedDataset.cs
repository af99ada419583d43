using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;

namespace Raijin;

/// <summary>
/// Rows of a file of plain numbers, mapped into memory: the file may be larger than memory, opening it reads nothing, and its pages are
/// shared between processes. With a stride other than the row's length the rows are overlapping or spaced windows: the samples of a
/// language model over one file of tokens.
/// </summary>
/// <typeparam name="T">
/// An element, in the machine's byte order: <see cref="float"/>, <see cref="ushort"/>, <see cref="byte"/>, ….
/// </typeparam>
public sealed class MappedDataset<T> : Dataset<T[]>, IDisposable where T : unmanaged
{
    readonly MemoryMappedFile _file;
    readonly MemoryMappedViewAccessor _view;
    readonly int _rowLength;
    readonly long _stride;
    readonly long _offsetBytes;

    /// <summary>Maps a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rowLength">Elements of a row, at least 1.</param>
    /// <param name="stride">
    /// Elements from the beginning of a row to that of the next; null: the row's length, and then the rows must fill the file.
    /// </param>
    /// <param name="offsetBytes">Bytes before the first row: a header.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file has not even one row, or ends inside a row or an element.</exception>
    public MappedDataset(string path, int rowLength, int? stride = null, long offsetBytes = 0)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rowLength);
        if (stride is { } given) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(given, nameof(stride));
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);

        var bytes = new FileInfo(path).Length;
        var size = Unsafe.SizeOf<T>();
        var elements = (bytes - offsetBytes) / size;
        _rowLength = rowLength;
        _stride = stride ?? rowLength;
        _offsetBytes = offsetBytes;
        Count = elements < rowLength ? 0 : (elements - rowLength) / _stride + 1;
        if (Count == 0 || (bytes - offsetBytes) % size != 0 || (stride is null && elements % rowLength != 0))
        {
            var whole = stride is null ? $"rows of {rowLength} {typeof(T).Name} elements" : $"{typeof(T).Name} elements";
            throw new InvalidDataException(
                $"{path} has {bytes} bytes. After the first {offsetBytes} a whole number of {whole} is expected, "
                + $"at least {rowLength}: is it cut off, or of another row length or type?");
        }

        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
        _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
    }

    /// <inheritdoc/>
    public override long Count { get; }

    /// <inheritdoc/>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public override T[] Get(SampleRequest request)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(request.Index, nameof(request));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(request.Index, Count, nameof(request));
        var row = GC.AllocateUninitializedArray<T>(_rowLength);
        _view.SafeMemoryMappedViewHandle.ReadSpan((ulong)(_offsetBytes + request.Index * _stride * Unsafe.SizeOf<T>()), row.AsSpan());
        return row;
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
