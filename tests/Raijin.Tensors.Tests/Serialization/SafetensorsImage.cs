using System.Buffers.Binary;
using System.Text;

namespace Raijin.Tensors.Tests;

/// <summary>Files as bytes, made by hand: what the reader must accept and refuse.</summary>
static class SafetensorsImage
{
    /// <summary>A file of that JSON and that many bytes of data, which count up.</summary>
    public static byte[] Of(string json, int dataBytes)
    {
        var text = Encoding.UTF8.GetBytes(json);
        var image = new byte[SafetensorsHeader.PrefixBytes + text.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(image, (ulong)text.Length);
        text.CopyTo(image, SafetensorsHeader.PrefixBytes);
        for (var i = 0; i < dataBytes; i++) image[^(dataBytes - i)] = (byte)i;
        return image;
    }

    /// <summary>Reads the header of an image as the reader does with a file.</summary>
    public static SafetensorsHeader Parse(byte[] image)
    {
        var bytes = SafetensorsHeader.ReadJsonBytes(image, image.Length, "image");
        return SafetensorsHeader.Parse(image.AsSpan(SafetensorsHeader.PrefixBytes, bytes), image.Length, "image");
    }
}
