using SkiaSharp;

namespace Raijin.Charts.Tests;

public sealed class ImageGridTests
{
    [Fact]
    public void Every_pixel_of_every_image_is_where_it_belongs()
    {
        // [5, 3, 2, 4]: each byte tells its place.
        var (n, c, h, w) = (5, 3, 2, 4);
        var pixels = Enumerable.Range(0, n * c * h * w).Select(i => (byte)i).ToArray();
        var grid = new ImageGrid(pixels, n, c, h, w);
        using var decoded = SKBitmap.Decode(grid.Png());
        Assert.Equal((3 * 4 + 2 * 2, 2 * 2 + 2), (decoded.Width, decoded.Height));
        Assert.Equal((grid.TotalWidth, grid.TotalHeight), (decoded.Width, decoded.Height));
        for (var i = 0; i < n; i++)
            for (var y = 0; y < h; y++)
                for (var x = 0; x < w; x++)
                {
                    byte At(int channel) => pixels[((i * c + channel) * h + y) * w + x];
                    Assert.Equal(new SKColor(At(0), At(1), At(2)), decoded.GetPixel(i % 3 * 6 + x, i / 3 * 4 + y));
                }
        Assert.Equal(0, decoded.GetPixel(4, 0).Alpha);
    }

    [Fact]
    public void Grey_images_are_grey_and_opacity_is_kept()
    {
        using var grey = SKBitmap.Decode(new ImageGrid(new byte[] { 7, 200 }, 1, 1, 1, 2).Png());
        Assert.Equal([new SKColor(7, 7, 7), new SKColor(200, 200, 200)], grey.Pixels);
        using var opaque = SKBitmap.Decode(new ImageGrid(new byte[] { 10, 20, 30, 128 }, 1, 4, 1, 1).Png());
        Assert.Equal(128, opaque.GetPixel(0, 0).Alpha);
    }

    [Fact]
    public void Sizes_that_do_not_fit_the_bytes_are_refused()
    {
        Assert.Contains("is 12 bytes, but 11 were given", Assert.Throws<ArgumentException>(() => new ImageGrid(new byte[11], 1, 3, 2, 2).Png()).Message, StringComparison.Ordinal);
        Assert.Contains("2 channels", Assert.Throws<ArgumentException>(() => new ImageGrid(new byte[8], 1, 2, 2, 2).Png()).Message, StringComparison.Ordinal);
    }
}
