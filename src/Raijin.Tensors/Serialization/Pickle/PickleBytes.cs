using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Raijin.Tensors;

/// <summary>Reads a pickle's bytes from a range of a file, through a buffer, never beyond the range.</summary>
sealed class PickleBytes(SafeFileHandle file, long start, long end, string path) : IDisposable
{
    const int BufferBytes = 64 << 10;
    const int LongestLine = 4096;

    readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    long _bufferStart = start;
    int _filled;
    int _read;

    /// <summary>Where the next byte is, from the start of the file.</summary>
    public long Position => _bufferStart + _read;

    public long Remaining => end - Position;

    public byte ReadByte()
    {
        if (_read == _filled) Fill();
        return _buffer[_read++];
    }

    /// <summary>Reads bytes into new memory; more than are there are refused before any is taken.</summary>
    public byte[] Read(long count)
    {
        if (count < 0 || count > Remaining) PickleException.Throw(path, $"it asks for {count} bytes, but {Remaining} follow: it is truncated or damaged.", Position);
        var bytes = new byte[count];
        ReadExactly(bytes);
        return bytes;
    }

    public void ReadExactly(Span<byte> to)
    {
        while (to.Length > 0)
        {
            if (_read == _filled) Fill();
            var part = Math.Min(to.Length, _filled - _read);
            _buffer.AsSpan(_read, part).CopyTo(to);
            _read += part;
            to = to[part..];
        }
    }

    /// <summary>Reads up to a line's end, which is not part of it.</summary>
    public string ReadLine(int longest = LongestLine)
    {
        var from = Position;
        var line = new ArrayBufferWriter<byte>();
        for (byte next; (next = ReadByte()) != (byte)'\n';)
        {
            if (line.WrittenCount == longest) PickleException.Throw(path, $"a line has more than {longest} bytes.", from);
            line.GetSpan(1)[0] = next;
            line.Advance(1);
        }

        return System.Text.Encoding.Latin1.GetString(line.WrittenSpan);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    void Fill()
    {
        _bufferStart += _filled;
        _read = _filled = 0;
        var wanted = (int)Math.Min(BufferBytes, end - _bufferStart);
        if (wanted > 0) _filled = RandomAccess.Read(file, _buffer.AsSpan(0, wanted), _bufferStart);
        if (_filled == 0) PickleException.Throw(path, "it ends in the middle of a pickle: it is truncated.", _bufferStart);
    }
}
