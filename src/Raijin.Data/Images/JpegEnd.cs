// A decoder that is asked for the upper rows alone never sees that the lower ones are missing; it would depend on the crop whether a file that
// was cut off is refused. Hence the end-of-image mark is looked for beforehand: from the end of the file, behind the header's segments, which
// may hold a thumbnail with a mark of its own. Between the two there are only entropy-coded data, where FF is always followed by 00.

using System.Buffers.Binary;

namespace Raijin.Data;

/// <summary>Looks for the end of a JPEG.</summary>
static class JpegEnd
{
    const byte Mark = 0xFF, StartOfImage = 0xD8, EndOfImage = 0xD9, StartOfScan = 0xDA;

    /// <summary>Whether the bytes begin as a JPEG and do not have its end.</summary>
    public static bool IsMissing(ReadOnlySpan<byte> bytes)
    {
        if (bytes is not [Mark, StartOfImage, ..]) return false;
        var at = 2;
        while (at + 4 <= bytes.Length && bytes[at] == Mark && bytes[at + 1] != StartOfScan)
        {
            // A mark may be preceded by any number of FF.
            if (bytes[at + 1] == Mark) at++;
            else at += 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
        }
        return at >= bytes.Length || bytes[at..].LastIndexOf([Mark, EndOfImage]) < 0;
    }
}
