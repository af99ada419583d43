// Packs the digits of a csv (gzip-compressed; 64 pixels 0 to 16 and a label a line) into the two idx files that Raijin.Data embeds:
//   dotnet run eng/pack-digits.cs digits.csv.gz src/Raijin.Data/BuiltIn/Resources

using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;

using var csv = new StreamReader(new GZipStream(File.OpenRead(args[0]), CompressionMode.Decompress));
var images = new List<byte>();
var labels = new List<byte>();
while (csv.ReadLine() is { } line)
{
    var values = Array.ConvertAll(line.Split(','), field => (byte)double.Parse(field, CultureInfo.InvariantCulture));
    images.AddRange(values[..64]);
    labels.Add(values[64]);
}

Write("digits-images.idx", images, labels.Count, 8, 8);
Write("digits-labels.idx", labels, labels.Count);
Console.WriteLine($"{labels.Count} digits");

void Write(string name, List<byte> elements, params int[] shape)
{
    byte[] header = [0, 0, 8, (byte)shape.Length, .. new byte[4 * shape.Length]];
    for (var i = 0; i < shape.Length; i++) BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 + 4 * i), shape[i]);
    File.WriteAllBytes(Path.Combine(args[1], name), [.. header, .. elements]);
}
