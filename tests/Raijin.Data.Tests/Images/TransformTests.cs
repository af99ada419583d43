using CsCheck;

namespace Raijin.Data.Tests.Images;

public sealed class TransformTests
{
    static readonly RandomStream None = new(0);

    public static TheoryData<string, ImageTransform> Tones => new()
    {
        { "sharpness_0.1", new Sharpen(0.1) },
        { "sharpness_1.9", new Sharpen(1.9) },
        { "grey", new Greyscale() },
        { "posterize_3", new Posterize(3) },
        { "solarize_100", new Solarize(100) },
        { "invert", new Solarize(0) },
        { "equalize", new Equalize() },
        { "rotate_17", new Rotate(17) },
        { "resize_7x5", new Resize(5, 7) },
        { "mirrored", new RandomHorizontalFlip(1) },
    };

    [Theory]
    [MemberData(nameof(Tones))]
    public void Each_is_bit_for_bit_Pillows(string name, ImageTransform transform)
    {
        using var expected = Recorded.Image(name);
        using var image = Recorded.Image("source");
        transform.Apply(image, None);
        Same.Pixels(expected, image);
    }

    [Fact]
    public void Autocontrast_is_bit_for_bit_Pillows()
    {
        using var expected = Recorded.Image("autocontrast");
        using var image = Recorded.Image("contrast_0.4");
        new AutoContrast().Apply(image, None);
        Same.Pixels(expected, image);
    }

    // RandAugment's brightness, colour and contrast go through the factor 1 ± 0.9·strength, which is what Pillow was given.
    [Theory]
    [InlineData("brightness_0.6", 6)]
    [InlineData("brightness_1.7", 6)]
    [InlineData("contrast_0.4", 8)]
    [InlineData("contrast_1.9", 8)]
    [InlineData("saturation_0.3", 7)]
    [InlineData("saturation_1.8", 7)]
    [InlineData("sharpness_0.1", 9)]
    [InlineData("sharpness_1.9", 9)]
    public void Enhancements_within_RandAugment_are_bit_for_bit_Pillows(string name, int operation)
    {
        var factor = double.Parse(name.Split('_')[1], System.Globalization.CultureInfo.InvariantCulture);
        // 0.9 · magnitude / 9 = |factor − 1|, in tenths.
        var augment = new RandAugment { Operations = 1, Magnitude = (int)Math.Round(Math.Abs(factor - 1) * 10), Strengths = 10 };
        using var expected = Recorded.Image(name);
        using var image = Recorded.Image("source");
        augment.Apply(image, StreamThatDraws(operation, negative: factor < 1));
        Same.Pixels(expected, image);
    }

    [Fact]
    public void RandAugments_geometry_is_that_of_the_definition()
    {
        foreach (var (operation, negative) in new[] { (1, false), (1, true), (2, false), (2, true), (3, false), (3, true), (4, false), (4, true) })
        {
            using var source = Same.Noise(41, 33);
            using var image = Same.Copy(source);
            new RandAugment { Operations = 1, Magnitude = 17, Fill = new(1, 2, 3) }.Apply(image, StreamThatDraws(operation, negative));
            var (strength, sign) = (17 / 30.0, negative ? -1 : 1);
            Nearest(source, image, new(1, 2, 3), (x, y) => operation switch
            {
                1 => (x + sign * strength * 0.3 * y, y),
                2 => (x, y + sign * strength * 0.3 * x),
                3 => (x - sign * Math.Floor(strength * 150 / 331 * 41), y),
                _ => (x, y - sign * Math.Floor(strength * 150 / 331 * 33)),
            });
        }
    }

    [Fact]
    public void RandAugment_of_no_strength_that_changes_nothing_is_the_identity()
    {
        // All but autocontrast and equalize, which have no strength, and solarize at 255, which inverts what is white.
        foreach (var operation in new[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 })
        {
            using var source = Same.Noise(20, 13);
            using var image = Same.Copy(source);
            new RandAugment { Operations = 1, Magnitude = 0 }.Apply(image, StreamThatDraws(operation, negative: true));
            Same.Pixels(source, image);
        }
        Assert.Throws<InvalidOperationException>(() => new RandAugment { Magnitude = 31 }.Apply(new RgbImage(2, 2), None));
    }

    [Fact]
    public void A_rotation_between_pixels_is_the_bilinear_mean()
    {
        using var source = Same.Noise(31, 23);
        using var image = Same.Copy(source);
        new Rotate(27) { Interpolation = Interpolation.Bilinear, Fill = new(9, 8, 7) }.Apply(image, None);
        var (sin, cos) = Math.SinCos(27 * Math.PI / 180);
        Same.Rounded((x, y, c) =>
        {
            var (dx, dy) = (x + 0.5 - 15.5, y + 0.5 - 11.5);
            return Bilinear(source, cos * dx - sin * dy + 15.5, sin * dx + cos * dy + 11.5, new(9, 8, 7), c);
        }, image);
    }

    [Fact]
    public void A_random_affine_turns_shears_scales_and_shifts_about_the_middle()
    {
        using var source = Same.Noise(31, 23);
        using var image = Same.Copy(source);
        new RandomAffine((20, 20)) { TranslateX = 0.2, TranslateY = 0.1, Scale = (1.3, 1.3), ShearX = (12, 12), ShearY = (-7, -7) }.Apply(image, new RandomStream(5));
        var random = new RandomStream(5);
        random.NextDouble();
        var shiftX = Math.Round((2 * random.NextDouble() - 1) * 0.2 * 31);
        var shiftY = Math.Round((2 * random.NextDouble() - 1) * 0.1 * 23);
        // Forward: the shear of the definition, then the scale, then the turn; inverted numerically, by solving for the source point.
        double Tan(double degrees) => Math.Tan(degrees * Math.PI / 180);
        var (sin, cos) = Math.SinCos(20 * Math.PI / 180);
        // R(angle) · [[1, −tan x], [−tan y, 1 + tan x · tan y]]: torchvision's shear.
        var (shear01, shear10, shear11) = (-Tan(12), -Tan(-7), 1 + Tan(12) * Tan(-7));
        var (m00, m01) = (1.3 * (cos - sin * shear10), 1.3 * (cos * shear01 - sin * shear11));
        var (m10, m11) = (1.3 * (sin + cos * shear10), 1.3 * (sin * shear01 + cos * shear11));
        var determinant = m00 * m11 - m01 * m10;
        Nearest(source, image, default, (x, y) =>
        {
            var (dx, dy) = (x - 15.5 - shiftX, y - 11.5 - shiftY);
            return ((m11 * dx - m01 * dy) / determinant + 15.5, (m00 * dy - m10 * dx) / determinant + 11.5);
        });
    }

    [Theory]
    [InlineData(0.08)]
    [InlineData(-0.31)]
    [InlineData(0.45)]
    public void A_hue_turned_is_the_hue_of_the_cone_turned(double hue)
    {
        using var source = Same.Noise(64, 40);
        using var image = Same.Copy(source);
        ApplyHue(image, hue);
        Same.Rounded((x, y, c) => TurnedHue(source.Row(y)[x], hue, c), image);
    }

    [Fact]
    public void Grey_images_stay_grey_under_jitter()
    {
        using var image = Same.Noise(19, 7);
        new Greyscale().Apply(image, None);
        new ColorJitter { Brightness = 0.5, Contrast = 0.5, Saturation = 0.5, Hue = 0.5 }.Apply(image, new(3));
        foreach (var pixel in image.Pixels) Assert.Equal((pixel.R, pixel.R), (pixel.G, pixel.B));
    }

    [Fact]
    public void Jitter_of_nothing_is_the_identity()
    {
        using var source = Same.Noise(19, 7);
        using var image = Same.Copy(source);
        new ColorJitter().Apply(image, new(3));
        new GaussianBlur(1).Apply(image, new(3));
        new RandomErasing(0).Apply(image, new(3));
        new Rotate(0) { Interpolation = Interpolation.Bilinear }.Apply(image, new(3));
        new RandomApply(0, [new Solarize(0)]).Apply(image, new(3));
        new Sharpen(1).Apply(image, new(3));
        new Posterize(8).Apply(image, new(3));
        new Pad(0).Apply(image, new(3));
        Same.Pixels(source, image);
    }

    [Fact]
    public void A_blur_is_the_Gaussian_sum_over_the_mirrored_image()
    {
        using var source = Same.Noise(17, 12);
        using var image = Same.Copy(source);
        new GaussianBlur(7) { Sigma = (1.4, 1.4) }.Apply(image, None);
        Same.Rounded((x, y, c) =>
        {
            double sum = 0, weights = 0;
            for (var dy = -3; dy <= 3; dy++)
            {
                for (var dx = -3; dx <= 3; dx++)
                {
                    var weight = Math.Exp(-(dx * dx + dy * dy) / (2 * 1.4 * 1.4));
                    weights += weight;
                    sum += weight * Same.Channel(source.Row(Mirror(y + dy, 12))[Mirror(x + dx, 17)], c);
                }
            }
            return sum / weights;
        }, image);
        Assert.Throws<InvalidOperationException>(() => new GaussianBlur(25).Apply(image, None));

        static int Mirror(int at, int size) => at < 0 ? -at : at >= size ? 2 * size - 2 - at : at;
    }

    [Fact]
    public void Padding_reflects_extends_or_fills()
    {
        using var row = new RgbImage(3, 1, [new(1, 1, 1), new(2, 2, 2), new(3, 3, 3)]);
        Assert.Equal([3, 2, 1, 2, 3, 2, 1], Padded(new Pad(2, 0, 2, 0) { Mode = PaddingMode.Reflect }));
        Assert.Equal([1, 1, 1, 2, 3, 3, 3], Padded(new Pad(2, 0, 2, 0) { Mode = PaddingMode.Edge }));
        Assert.Equal([9, 9, 1, 2, 3, 9, 9], Padded(new Pad(2, 0, 2, 0) { Fill = new(9, 9, 9) }));
        Assert.Equal([9, 9, 9, 1, 2, 3, 9, 9, 9], Padded(new Pad(0, 1, 0, 1) { Fill = new(9, 9, 9) }));
        Assert.Throws<InvalidOperationException>(() => Padded(new Pad(3, 0, 0, 0) { Mode = PaddingMode.Reflect }));

        int[] Padded(Pad pad)
        {
            using var image = Same.Copy(row);
            pad.Apply(image, None);
            var levels = new List<int>();
            foreach (var pixel in image.Pixels) levels.Add(pixel.R);
            return [.. levels];
        }
    }

    [Fact]
    public void Crops_fit_images_of_any_size()
    {
        Gen.Select(Gen.Int[1, 60], Gen.Int[1, 60], Gen.ULong, (w, h, seed) => (w, h, seed)).Sample(t =>
        {
            var random = new RandomStream(t.seed);
            ImageTransform[] crops =
            [
                new CenterCrop(13, 17), new RandomCrop(13, 17) { Padding = 20 }, new RandomResizedCrop(13, 17), new RandomResizedCrop(13, 17) { Ratio = (5, 9) },
                ImageTransforms.Of([new Resize(17), new RandomCrop(13, 17)]),
            ];
            foreach (var crop in crops)
            {
                using var image = new RgbImage(t.w, t.h);
                new RandomErasing(1).Apply(image, random);
                crop.Apply(image, random);
                Assert.Equal((17, 13), (image.Width, image.Height));
            }
        }, iter: 300, threads: 1, seed: "0000000000000");
    }

    [Theory]
    [InlineData(100, 60, 30, 50, 30)]
    [InlineData(60, 101, 30, 30, 50)]
    [InlineData(7, 7, 30, 30, 30)]
    public void A_resize_by_the_shorter_side_keeps_the_proportion(int width, int height, int side, int wide, int high)
    {
        using var image = new RgbImage(width, height);
        new Resize(side).Apply(image, None);
        Assert.Equal((wide, high), (image.Width, image.Height));
    }

    [Fact]
    public void A_centre_crop_takes_the_middle_and_pads_what_is_smaller()
    {
        using var image = new RgbImage(5, 1, [new(1, 0, 0), new(2, 0, 0), new(3, 0, 0), new(4, 0, 0), new(5, 0, 0)]);
        new CenterCrop(3, 3).Apply(image, None);
        Assert.Equal([2, 3, 4], image.Row(1).ToArray().Select(pixel => (int)pixel.R));
        Assert.Equal([0, 0, 0], image.Row(0).ToArray().Select(pixel => (int)pixel.R));
    }

    [Fact]
    public void Random_resized_crops_have_the_areas_and_proportions_asked_for()
    {
        // The image tells where a crop came from: red is the column, green the row.
        using var map = new RgbImage(200, 160);
        for (var y = 0; y < 160; y++)
            for (var x = 0; x < 200; x++)
                map.Row(y)[x] = new((byte)x, (byte)y, 0);
        double mean = 0;
        for (var i = 0; i < 400; i++)
        {
            using var image = Same.Copy(map);
            new RandomResizedCrop(64) { Scale = (0.1, 0.5) }.Apply(image, new RandomStream(1, (ulong)i));
            var (first, last) = (image.Row(0)[0], image.Row(63)[63]);
            // The outermost pixels' centres lie half a pixel of the result inside the crop.
            var (width, height) = ((last.R - first.R) * 64 / 63.0, (last.G - first.G) * 64 / 63.0);
            var share = width * height / (200 * 160);
            Assert.InRange(share, 0.08, 0.53);
            Assert.InRange(width / height, 0.72, 1.38);
            mean += share / 400;
        }
        Assert.InRange(mean, 0.27, 0.33);
    }

    [Fact]
    public void Erasing_writes_one_rectangle()
    {
        for (var i = 0; i < 50; i++)
        {
            using var image = Same.Noise(40, 30);
            foreach (ref var pixel in image.Pixels) pixel = new(100, 100, 100);
            new RandomErasing(1) { Fill = i % 2 == 0 ? new(1, 2, 3) : null }.Apply(image, new(1, (ulong)i));
            var erased = Enumerable.Range(0, 40 * 30).Where(at => image.Pixels[at] != new Rgb(100, 100, 100)).ToList();
            var (left, right) = (erased.Min(at => at % 40), erased.Max(at => at % 40));
            var (top, bottom) = (erased.Min(at => at / 40), erased.Max(at => at / 40));
            Assert.InRange(erased.Count, (right - left + 1) * (bottom - top + 1) - (i % 2), (right - left + 1) * (bottom - top + 1));
            Assert.InRange(erased.Count / 1200.0, 0.015, 0.35);
        }
    }

    [Fact]
    public void Choices_take_each_branch_as_often_as_they_should()
    {
        var (applied, chosen) = (0, 0);
        for (var i = 0; i < 1000; i++)
        {
            using var image = new RgbImage(1, 1);
            new RandomApply(0.3, [new Solarize(0)]).Apply(image, new(1, (ulong)i));
            applied += image.Pixels[0].R / 255;
            new RandomChoice([new Posterize(0), new Solarize(0), new Equalize(), new Pad(1)]).Apply(image, new(2, (ulong)i));
            chosen += image.Width == 3 ? 1 : 0;
            new TrivialAugment().Apply(image, new(3, (ulong)i));
        }
        Assert.InRange(applied, 250, 350);
        Assert.InRange(chosen, 200, 300);
    }

    [Fact]
    public void Settings_out_of_range_are_refused_where_they_are_given()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomHorizontalFlip(1.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomVerticalFlip(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomResizedCrop(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomResizedCrop(8) with { Scale = (0.5, 1.5) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomResizedCrop(8) with { Ratio = (2, 1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ColorJitter { Hue = 0.6 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianBlur(4));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Posterize(9));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomChoice([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RandomRotation(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Rotate(double.NaN));
        Assert.Throws<ArgumentNullException>(() => ImageTransforms.Of([null!]));
        var small = Assert.Throws<InvalidOperationException>(() => new RandomCrop(8).Apply(new RgbImage(9, 7), None));
        Assert.Equal("A crop of 8 × 8 does not fit an image of 9 × 7: resize or pad it first.", small.Message);
    }

    [Fact]
    public void Transforms_are_values_that_print_themselves()
    {
        ImageTransforms one = [new RandomResizedCrop(224), new RandomHorizontalFlip()], same = [new RandomResizedCrop(224), new RandomHorizontalFlip()];
        Assert.Equal(one, same);
        Assert.Equal(one.GetHashCode(), same.GetHashCode());
        Assert.NotEqual<ImageTransform>(one, [new RandomResizedCrop(192), new RandomHorizontalFlip()]);
        Assert.Equal("ImageTransforms(Rotate(Degrees = 1.5, Interpolation = Nearest, Fill = Rgb { R = 0, G = 0, B = 0 }), Equalize)", ImageTransforms.Of([new Rotate(1.5), new Equalize()]).ToString());
    }

    // A stream of which RandAugment draws this operation first.
    static RandomStream StreamThatDraws(int operation, bool negative)
    {
        for (ulong seed = 0; ; seed++)
        {
            var random = new RandomStream(seed);
            if (random.NextInt64(14) == operation && random.NextDouble() < 0.5 == negative) return new(seed);
        }
    }

    // With a stream whose draw, in −1 to 1, has the sign and is large enough: the range is made so that it lands on the hue.
    static void ApplyHue(RgbImage image, double hue)
    {
        for (ulong seed = 0; ; seed++)
        {
            var random = new RandomStream(seed);
            random.Shuffle<int>([0, 1, 2, 3]);
            var range = hue / (2 * random.NextDouble() - 1);
            if (range is < 0 or > 0.5) continue;
            new ColorJitter { Hue = range }.Apply(image, new RandomStream(seed));
            return;
        }
    }

    static double TurnedHue(Rgb pixel, double hue, int channel)
    {
        var (r, g, b) = (pixel.R / 255.0, pixel.G / 255.0, pixel.B / 255.0);
        var (most, least) = (Math.Max(r, Math.Max(g, b)), Math.Min(r, Math.Min(g, b)));
        if (most == least) return pixel.R;
        var (saturation, range) = ((most - least) / most, most - least);
        var h = most == r ? (g - b) / range / 6 : most == g ? 1.0 / 3 + (b - r) / range / 6 : 2.0 / 3 + (r - g) / range / 6;
        h = (h + hue) % 1;
        if (h < 0) h++;
        var sector = (int)(h * 6) % 6;
        var f = h * 6 - Math.Floor(h * 6);
        var (p, q, t) = (most * (1 - saturation), most * (1 - saturation * f), most * (1 - saturation * (1 - f)));
        var (red, green, blue) = sector switch { 0 => (most, t, p), 1 => (q, most, p), 2 => (p, most, t), 3 => (p, q, most), 4 => (t, p, most), _ => (most, p, q) };
        return 255 * (channel switch { 0 => red, 1 => green, _ => blue });
    }

    // The map goes from the centre of a pixel of the result to the source.
    static void Nearest(RgbImage source, RgbImage actual, Rgb fill, Func<double, double, (double X, double Y)> back)
    {
        for (var y = 0; y < actual.Height; y++)
        {
            for (var x = 0; x < actual.Width; x++)
            {
                var (u, v) = back(x + 0.5, y + 0.5);
                // On a border between pixels either is right.
                if (Math.Abs(u - Math.Round(u)) < 1e-9 || Math.Abs(v - Math.Round(v)) < 1e-9) continue;
                var inside = u >= 0 && u < source.Width && v >= 0 && v < source.Height;
                Assert.Equal(inside ? source.Row((int)Math.Floor(v))[(int)Math.Floor(u)] : fill, actual.Row(y)[x]);
            }
        }
    }

    static double Bilinear(RgbImage source, double u, double v, Rgb fill, int channel)
    {
        if (u < 0 || u >= source.Width || v < 0 || v >= source.Height) return Same.Channel(fill, channel);
        double sum = 0;
        for (var y = -1; y <= source.Height; y++)
        {
            for (var x = -1; x <= source.Width; x++)
            {
                var weight = Math.Max(0, 1 - Math.Abs(x + 0.5 - u)) * Math.Max(0, 1 - Math.Abs(y + 0.5 - v));
                if (weight > 0) sum += weight * Same.Channel(source.Row(Math.Clamp(y, 0, source.Height - 1))[Math.Clamp(x, 0, source.Width - 1)], channel);
            }
        }
        return sum;
    }
}
