namespace Raijin.Data;

/// <summary>(x, y) ↦ (A·x + B·y + C, D·x + E·y + F), in pixels; y runs downwards.</summary>
readonly record struct AffineMap(double A, double B, double C, double D, double E, double F)
{
    public static AffineMap Shift(double x, double y) => new(1, 0, x, 0, 1, y);

    /// <summary>
    /// Shears, then scales and turns, about a centre, then shifts: rotation(angle) · shear · scale, with torchvision's order and signs
    /// (a positive angle turns clockwise, as y runs downwards).
    /// </summary>
    /// <param name="angle">Degrees.</param>
    /// <param name="shearX">Degrees by which vertical lines lean.</param>
    /// <param name="shearY">Degrees by which horizontal lines lean.</param>
    public static AffineMap About(double centerX, double centerY, double angle, double shiftX, double shiftY, double scale, double shearX, double shearY)
    {
        var (rotation, sx, sy) = (double.DegreesToRadians(angle), double.DegreesToRadians(shearX), double.DegreesToRadians(shearY));
        var (a, c) = (Math.Cos(rotation - sy) / Math.Cos(sy), Math.Sin(rotation - sy) / Math.Cos(sy));
        var linear = new AffineMap(
            scale * a, scale * (-a * Math.Tan(sx) - Math.Sin(rotation)), 0, scale * c, scale * (-c * Math.Tan(sx) + Math.Cos(rotation)), 0);
        return Shift(centerX + shiftX, centerY + shiftY).After(linear).After(Shift(-centerX, -centerY));
    }

    /// <summary>A turn about the middle of an image, in degrees, counter-clockwise.</summary>
    public static AffineMap Turn(RgbImage image, double degrees) => About(image.Width / 2.0, image.Height / 2.0, -degrees, 0, 0, 1, 0, 0);

    /// <summary>Shears by tangents, about the upper left corner: a row moves to the left by its number times the first.</summary>
    public static AffineMap Lean(double x, double y) => new AffineMap(1, x, 0, y, 1, 0).Inverse();

    AffineMap After(AffineMap o) => new(
        A * o.A + B * o.D, A * o.B + B * o.E, A * o.C + B * o.F + C,
        D * o.A + E * o.D, D * o.B + E * o.E, D * o.C + E * o.F + F);

    public AffineMap Inverse()
    {
        var determinant = A * E - B * D;
        var (a, b, d, e) = (E / determinant, -B / determinant, -D / determinant, A / determinant);
        return new(a, b, -(a * C + b * F), d, e, -(d * C + e * F));
    }

    /// <summary>
    /// Draws an image through this map: the pixel whose centre is (x, y) goes to where the map takes it. The size stays.
    /// </summary>
    public void Draw(RgbImage image, Interpolation interpolation, Rgb fill)
    {
        var (width, height) = (image.Width, image.Height);
        image.Redraw(width, height, (Back: Inverse(), interpolation, fill, width, height), static (how, source, target) =>
        {
            if (how.interpolation == Interpolation.Nearest) how.Back.Nearest(source, how.width, how.height, how.fill, target);
            else how.Back.Bilinear(source, how.width, how.height, how.fill, target);
        });
    }

    // From here on this is the map from the target to the source.
    void Nearest(ReadOnlySpan<Rgb> source, int width, int height, Rgb fill, Span<Rgb> target)
    {
        var i = 0;
        for (var row = 0; row < height; row++)
        {
            var (startX, startY) = (B * (row + 0.5) + C, E * (row + 0.5) + F);
            for (var column = 0; column < width; column++, i++)
            {
                var (x, y) = (A * (column + 0.5) + startX, D * (column + 0.5) + startY);
                target[i] = x >= 0 && x < width && y >= 0 && y < height ? source[(int)y * width + (int)x] : fill;
            }
        }
    }

    void Bilinear(ReadOnlySpan<Rgb> source, int width, int height, Rgb fill, Span<Rgb> target)
    {
        var i = 0;
        for (var row = 0; row < height; row++)
        {
            var (startX, startY) = (B * (row + 0.5) + C, E * (row + 0.5) + F);
            for (var column = 0; column < width; column++, i++)
            {
                var (x, y) = (A * (column + 0.5) + startX, D * (column + 0.5) + startY);
                if (!(x >= 0 && x < width && y >= 0 && y < height))
                {
                    target[i] = fill;
                    continue;
                }
                // Between the centres of four pixels; beyond the outermost centres their pixels go on.
                var (left, top) = ((int)Math.Floor(x - 0.5), (int)Math.Floor(y - 0.5));
                var (right, bottom) = (Math.Min(left + 1, width - 1), Math.Min(top + 1, height - 1));
                var (fx, fy) = ((float)(x - 0.5 - left), (float)(y - 0.5 - top));
                (left, top) = (Math.Max(left, 0), Math.Max(top, 0));
                var (a, b) = (source[top * width + left], source[top * width + right]);
                var (c, d) = (source[bottom * width + left], source[bottom * width + right]);
                target[i] = new(Mix(a.R, b.R, c.R, d.R, fx, fy), Mix(a.G, b.G, c.G, d.G, fx, fy), Mix(a.B, b.B, c.B, d.B, fx, fy));
            }
        }
    }

    static byte Mix(byte a, byte b, byte c, byte d, float fx, float fy)
    {
        var top = a + (b - a) * fx;
        var bottom = c + (d - c) * fx;
        return (byte)(top + (bottom - top) * fy + 0.5f);
    }
}
