using System.Globalization;
using System.Text;

namespace Raijin.Training;

/// <summary>Builds a line of UTF-8 in memory that is used again for the next: writing a record allocates nothing.</summary>
sealed class LineBuffer
{
    // The longest any number or time is written.
    const int MaxNumber = 64;

    byte[] _bytes = new byte[1024];
    int _length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Clear() => _length = 0;

    public void Add(byte value)
    {
        Room(1);
        _bytes[_length++] = value;
    }

    public void Add(ReadOnlySpan<char> text)
    {
        Room(Encoding.UTF8.GetMaxByteCount(text.Length));
        _length += Encoding.UTF8.GetBytes(text, _bytes.AsSpan(_length));
    }

    public void Add<T>(T value, ReadOnlySpan<char> format = default) where T : IUtf8SpanFormattable
    {
        Room(MaxNumber);
        value.TryFormat(_bytes.AsSpan(_length), out var written, format, CultureInfo.InvariantCulture);
        _length += written;
    }

    void Room(int bytes)
    {
        if (_bytes.Length - _length < bytes) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + bytes));
    }
}
