using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Raijin.Data.Tests.Images;

/// <summary>What Pillow made of small images (eng/recordings/images.py).</summary>
static class Recorded
{
    static readonly JsonNode All = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder(), "Recordings", "pillow.json")))!;

    /// <summary>An image file's bytes.</summary>
    public static byte[] Bytes(string name) => Convert.FromBase64String((string)All["files"]![name]!);

    public static IEnumerable<string> Files => ((JsonObject)All["files"]!).Select(file => file.Key);

    /// <summary>An image as Pillow has it.</summary>
    public static RgbImage Image(string name)
    {
        var image = All["images"]![name]!;
        using var packed = new ZLibStream(new MemoryStream(Convert.FromBase64String((string)image["rgb"]!)), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        packed.CopyTo(plain);
        var (width, height, rgb) = ((int)image["width"]!, (int)image["height"]!, plain.ToArray());
        var pixels = new Rgb[width * height];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = new(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]);
        return new(width, height, pixels);
    }

    static string Folder([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}

/// <summary>Comparisons of images.</summary>
static class Same
{
    /// <summary>Asserts equal sizes and pixels that differ by no more than so many levels.</summary>
    public static void Pixels(RgbImage expected, RgbImage actual, int tolerance = 0)
    {
        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        var left = expected.Pixels;
        var right = actual.Pixels;
        for (var i = 0; i < left.Length; i++)
        {
            var (a, b) = (left[i], right[i]);
            var distance = Math.Max(Math.Abs(a.R - b.R), Math.Max(Math.Abs(a.G - b.G), Math.Abs(a.B - b.B)));
            Assert.True(distance <= tolerance, $"({i % expected.Width}, {i / expected.Width}): expected {a}, was {b}");
        }
    }

    /// <summary>Asserts that every level is its exact value, rounded, but for errors of float32 near a half.</summary>
    public static void Rounded(Func<int, int, int, double> exact, RgbImage actual)
    {
        for (var y = 0; y < actual.Height; y++)
        {
            var row = actual.Row(y);
            for (var x = 0; x < row.Length; x++)
            {
                var levels = new[] { row[x].R, row[x].G, row[x].B };
                for (var c = 0; c < 3; c++)
                {
                    var expected = exact(x, y, c);
                    Assert.True(Math.Abs(expected - levels[c]) <= 0.5 + 1e-3, $"({x}, {y}) channel {c}: expected {expected}, was {levels[c]}");
                }
            }
        }
    }

    /// <summary>An image of random pixels.</summary>
    public static RgbImage Noise(int width, int height, ulong seed = 1)
    {
        var random = new RandomStream(seed);
        var image = new RgbImage(width, height);
        foreach (ref var pixel in image.Pixels) pixel = new((byte)random.NextUInt32(), (byte)random.NextUInt32(), (byte)random.NextUInt32());
        return image;
    }

    public static RgbImage Copy(RgbImage image) => new(image.Width, image.Height, image.Pixels);

    public static int Channel(Rgb pixel, int c) => c switch { 0 => pixel.R, 1 => pixel.G, _ => pixel.B };
}
