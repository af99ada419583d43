using CsCheck;
using Raijin.Testing;

namespace Raijin.Data.Tests.Images;

public sealed class RgbImageTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Files => [.. Recorded.Files];

    // Both decode with libjpeg-turbo, in versions whose inverse cosine transforms and chroma interpolation agree; other formats are lossless.
    [Theory]
    [MemberData(nameof(Files))]
    public void Files_decode_to_the_pixels_that_Pillow_has(string name)
    {
        using var expected = Recorded.Image("decoded_" + name);
        using var image = RgbImage.Decode(Recorded.Bytes(name));
        Same.Pixels(expected, image);
    }

    [Theory]
    [InlineData("resize_12x30")]
    [InlineData("resize_7x5")]
    [InlineData("resize_40x13")]
    [InlineData("resize_30x11")]
    [InlineData("resize_18x24")]
    public void A_resize_is_bit_for_bit_Pillows(string name)
    {
        using var expected = Recorded.Image(name);
        using var image = Recorded.Image("source");
        image.Resize(expected.Width, expected.Height);
        Same.Pixels(expected, image);
    }

    [Fact]
    public void A_crop_that_is_resized_is_bit_for_bit_Pillows()
    {
        using var expected = Recorded.Image("crop_resize");
        using var image = Recorded.Image("source");
        image.Crop(6, 3, 23, 19);
        image.Resize(14, 14);
        Same.Pixels(expected, image);
    }

    // Random crops, resizes and mirrors, noted together or made one by one.
    [Fact]
    public void Geometry_in_one_pass_is_bit_for_bit_geometry_step_by_step() => Gen.ULong.Sample(seed =>
    {
        var random = new RandomStream(seed);
        using var noted = Same.Noise(1 + (int)random.NextInt64(40), 1 + (int)random.NextInt64(40), seed);
        using var made = Same.Copy(noted);
        var resizes = 0;
        for (var step = 0; step < 5; step++)
        {
            var (left, top) = ((int)random.NextInt64(noted.Width), (int)random.NextInt64(noted.Height));
            var (width, height) = (1 + (int)random.NextInt64(noted.Width - left), 1 + (int)random.NextInt64(noted.Height - top));
            var which = random.NextInt64(4);
            // A mirrored image is resized before it is mirrored: the same but for the rounding of weights.
            if (which == 1 && resizes++ > 0) which = 0;
            foreach (var image in new[] { noted, made })
            {
                switch (which)
                {
                    case 0: image.Crop(left, top, width, height); break;
                    case 1: image.Resize(1 + (int)(seed % 37), 1 + (int)(seed % 23)); break;
                    case 2: image.FlipHorizontal(); break;
                    case 3: image.FlipVertical(); break;
                }
            }
            _ = made.Pixels;
        }
        Same.Pixels(made, noted);
    }, iter: 2000, threads: 1, seed: "0000000000000");

    [Theory]
    [InlineData("jpeg420")]
    [InlineData("jpeg444")]
    [InlineData("progressive")]
    [InlineData("greyjpeg")]
    [InlineData("png")]
    [InlineData("orientation1")]
    [InlineData("orientation3")]
    [InlineData("orientation6")]
    [InlineData("orientation7")]
    public void A_part_that_is_decoded_alone_has_the_pixels_of_the_whole(string name)
    {
        var bytes = Recorded.Bytes(name);
        using var whole = RgbImage.Decode(bytes);
        _ = whole.Pixels;
        Gen.ULong.Sample(seed =>
        {
            var random = new RandomStream(seed);
            using var part = RgbImage.Decode(bytes, "part", new() { ScaledDecoding = false });
            using var cut = Same.Copy(whole);
            var (left, top) = ((int)random.NextInt64(part.Width), (int)random.NextInt64(part.Height));
            var (width, height) = (1 + (int)random.NextInt64(part.Width - left), 1 + (int)random.NextInt64(part.Height - top));
            var (wide, high) = (1 + (int)random.NextInt64(20), 1 + (int)random.NextInt64(20));
            foreach (var image in new[] { part, cut })
            {
                image.Crop(left, top, width, height);
                if (seed % 2 == 0) image.Resize(wide, high);
                if (seed % 3 == 0) image.Crop(wide / 2 * (int)(1 - seed % 2), 0, 1, 1);
            }
            Same.Pixels(cut, part);
        }, iter: 150, threads: 1, seed: "0000000000000");
    }

    [Fact]
    public void Scaled_decoding_stays_close_to_the_whole_and_never_below_the_wanted_size()
    {
        var bytes = Recorded.Bytes("jpeg420");
        foreach (var (width, height) in new[] { (21, 18), (10, 9), (20, 17), (5, 4), (42, 36), (2, 30) })
        {
            using var scaled = RgbImage.Decode(bytes);
            using var exact = RgbImage.Decode(bytes, "exact", new() { ScaledDecoding = false });
            scaled.Resize(width, height);
            exact.Resize(width, height);
            if (Math.Min(42 / width, 36 / height) < 2)
            {
                Same.Pixels(exact, scaled);
                continue;
            }
            // The scene has waves of a few pixels, which a triangle and a cosine transform cut off differently; a shift by half a pixel of
            // the result would be 10 levels and more.
            var mean = Enumerable.Range(0, width * height).Average(i => Math.Abs(exact.Pixels[i].R - scaled.Pixels[i].R) + Math.Abs(exact.Pixels[i].G - scaled.Pixels[i].G)) / 2;
            Assert.True(mean < 5, $"{width} × {height}: {mean}");
        }
    }

    [Fact]
    public void What_changes_nothing_changes_no_bit()
    {
        using var image = Same.Noise(37, 21);
        using var before = Same.Copy(image);
        image.Resize(37, 21);
        image.Crop(0, 0, 37, 21);
        image.FlipHorizontal();
        image.FlipVertical();
        image.FlipHorizontal();
        image.FlipVertical();
        Same.Pixels(before, image);
        image.FlipHorizontal();
        Assert.Equal(before.Row(3)[0], image.Row(3)[36]);
        image.FlipHorizontal();
        Same.Pixels(before, image);
    }

    [Fact]
    public void A_crop_outside_the_image_is_refused_with_both_sizes()
    {
        using var image = new RgbImage(5, 4);
        foreach (var (left, top, width, height) in new[] { (-1, 0, 2, 2), (0, -1, 2, 2), (0, 0, 0, 2), (0, 0, 6, 2), (4, 0, 2, 2), (0, 3, 2, 2), (1, 1, int.MaxValue, 2) })
        {
            var error = Assert.Throws<ArgumentOutOfRangeException>(() => image.Crop(left, top, width, height));
            Assert.Contains($"{width} × {height} at ({left}, {top}) is not inside the image of 5 × 4", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_file_is_read_when_it_is_looked_at_and_named_when_it_is_no_image()
    {
        using var missing = RgbImage.Open(_folder["missing.jpg"]);
        Assert.Contains("missing.jpg", Assert.Throws<FileNotFoundException>(() => missing.Width).Message, StringComparison.Ordinal);
        File.WriteAllText(_folder["text.jpg"], "not an image");
        using var text = RgbImage.Open(_folder["text.jpg"]);
        Assert.Equal(
            $"{_folder["text.jpg"]}: this is not a JPEG, PNG, WebP, BMP or GIF that can be read; it begins with 6E6F7420616E2069. Remove or convert it.",
            Assert.Throws<ImageException>(() => text.Pixels.Length).Message);
        File.WriteAllBytes(_folder["empty.png"], []);
        using var empty = RgbImage.Open(_folder["empty.png"]);
        Assert.Contains("the file is empty", Assert.Throws<ImageException>(() => empty.Width).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("jpeg420")]
    [InlineData("progressive")]
    [InlineData("orientation6")]
    [InlineData("png")]
    [InlineData("bmp")]
    [InlineData("webp")]
    public void A_file_that_is_cut_off_anywhere_is_refused_whatever_part_is_wanted(string name)
    {
        var bytes = Recorded.Bytes(name);
        // A PNG without its last 12 bytes, the mark of its end, has all its pixels.
        for (var length = 0; length < bytes.Length - (name == "png" ? 20 : 1); length += 7)
        {
            var error = Assert.Throws<ImageException>(() =>
            {
                using var image = RgbImage.Decode(bytes.AsSpan(0, length), "photo");
                image.Crop(0, 0, 2, 1);
                _ = image.Pixels;
            });
            Assert.StartsWith("photo: ", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_bomb_is_refused_by_its_header()
    {
        // A header that promises 60,000 × 60,000 pixels, 10.8 GB, in 33 bytes; and a small file under a smaller limit.
        var png = Recorded.Bytes("png")[..33];
        (png[18], png[19], png[22], png[23]) = (0xEA, 0x60, 0xEA, 0x60);
        var crc = Crc(png.AsSpan(12, 17));
        (png[29], png[30], png[31], png[32]) = ((byte)(crc >> 24), (byte)(crc >> 16), (byte)(crc >> 8), (byte)crc);
        byte[] data = [.. png, .. Recorded.Bytes("png")[33..]];
        var error = Assert.Throws<ImageException>(() => RgbImage.Decode(data, "bomb"));
        Assert.Contains("bomb: the header says 60000 × 60000 pixels; up to 100000000 are allowed", error.Message, StringComparison.Ordinal);
        Assert.Throws<ImageException>(() => RgbImage.Decode(Recorded.Bytes("jpeg444"), "small", new() { MaxPixels = 30 * 24 - 1 }));
        RgbImage.Decode(Recorded.Bytes("jpeg444"), "small", new() { MaxPixels = 30 * 24 }).Dispose();
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImageReadOptions { MaxPixels = 0 });

        static uint Crc(ReadOnlySpan<byte> bytes)
        {
            var crc = uint.MaxValue;
            foreach (var value in bytes)
            {
                crc ^= value;
                for (var bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            }
            return ~crc;
        }
    }

    [Theory]
    [InlineData("jpeg420")]
    [InlineData("progressive")]
    [InlineData("orientation6")]
    [InlineData("png")]
    [InlineData("palette")]
    [InlineData("webp")]
    public void Damaged_bytes_decode_or_throw_what_is_documented(string name)
    {
        var bytes = Recorded.Bytes(name);
        Gen.ULong.Sample(seed =>
        {
            var random = new RandomStream(seed);
            var damaged = (byte[])bytes.Clone();
            for (var i = (int)random.NextInt64(4); i >= 0; i--) damaged[random.NextInt64(damaged.Length)] = (byte)random.NextUInt32();
            try
            {
                using var image = RgbImage.Decode(damaged, "damaged", new() { MaxPixels = 1 << 16 });
                if (random.NextDouble() < 0.5) image.Crop(0, image.Height / 2, 1 + image.Width / 2, 1);
                if (random.NextDouble() < 0.5) image.Resize(9, 9);
                _ = image.Pixels;
            }
            catch (ImageException error)
            {
                Assert.Equal("damaged", error.Name);
            }
        }, iter: 1000, threads: 1, seed: "0000000000000");
    }

    [Fact]
    public void A_disposed_image_says_so()
    {
        var image = new RgbImage(2, 2);
        image.Dispose();
        image.Dispose();
        Assert.Throws<ObjectDisposedException>(() => image.Width);
    }
}
