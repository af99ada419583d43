// The protocol buffer wire format (protobuf.dev/programming-guides/encoding): a field is its number and wire type as a varint, then its value; a message
// within a message is its length, then its bytes. The length is known last: it is written behind the bytes and both are swapped.

using System.Buffers.Binary;
using System.Text;

namespace Raijin.Training;

/// <summary>Writes protocol buffer messages into memory that is used again.</summary>
sealed class ProtoWriter
{
    const int VarintType = 0;
    const int Fixed64Type = 1;
    const int LengthType = 2;
    const int Fixed32Type = 5;
    const int MaxVarint = 10;

    byte[] _bytes = new byte[4096];
    int _length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Clear() => _length = 0;

    public void Varint(int field, long value)
    {
        Tag(field, VarintType);
        Varint((ulong)value);
    }

    public void Double(int field, double value)
    {
        Tag(field, Fixed64Type);
        BinaryPrimitives.WriteDoubleLittleEndian(Take(8), value);
    }

    public void Float(int field, float value)
    {
        Tag(field, Fixed32Type);
        BinaryPrimitives.WriteSingleLittleEndian(Take(4), value);
    }

    public void String(int field, string value)
    {
        Tag(field, LengthType);
        var count = Encoding.UTF8.GetByteCount(value);
        Varint((ulong)count);
        Encoding.UTF8.GetBytes(value, Take(count));
    }

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Tag(field, LengthType);
        Varint((ulong)value.Length);
        value.CopyTo(Take(value.Length));
    }

    /// <summary>Begins packed doubles; <see cref="Packed(double)"/> follows <paramref name="count"/> times.</summary>
    public void BeginPacked(int field, int count)
    {
        Tag(field, LengthType);
        Varint((ulong)count * 8);
    }

    public void Packed(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Take(8), value);

    /// <summary>Begins a message within this one; what is written until <see cref="End"/> is in it.</summary>
    public int Begin(int field)
    {
        Tag(field, LengthType);
        return _length;
    }

    /// <summary>Ends the message that <see cref="Begin"/> gave <paramref name="start"/> for.</summary>
    public void End(int start)
    {
        var content = _length - start;
        Varint((ulong)content);
        var prefix = _length - start - content;
        Span<byte> varint = stackalloc byte[MaxVarint];
        _bytes.AsSpan(_length - prefix, prefix).CopyTo(varint);
        _bytes.AsSpan(start, content).CopyTo(_bytes.AsSpan(start + prefix));
        varint[..prefix].CopyTo(_bytes.AsSpan(start));
    }

    void Tag(int field, int type) => Varint((ulong)(field << 3 | type));

    void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) Take(1)[0] = (byte)(value | 0x80);
        Take(1)[0] = (byte)value;
    }

    Span<byte> Take(int count)
    {
        if (_bytes.Length - _length < count) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + count));
        _length += count;
        return _bytes.AsSpan(_length - count, count);
    }
}
