using Raijin;

/// <summary>Where the problems come from. Each is a function of its random stream.</summary>
static class Problems
{
    public const int GlyphSide = 14, Ways = 5;

    /// <summary>A sine wave of its own amplitude (0.1 to 5) and phase (0 to π), seen at K points of [−5, 5], judged at Q others (Finn et al. 2017, §5.1).</summary>
    public static LearningProblem Sine(RandomStream random, int shots, int queries)
    {
        var (amplitude, phase) = (0.1 + 4.9 * random.NextDouble(), Math.PI * random.NextDouble());
        var support = Points(shots);
        var query = Points(queries);
        return new(support, Array.ConvertAll(support, Wave), query, Array.ConvertAll(query, Wave));

        float[] Points(int count)
        {
            var points = new float[count];
            foreach (ref var x in points.AsSpan()) x = 10 * random.NextSingle() - 5;
            return points;
        }

        float Wave(float x) => (float)(amplitude * Math.Sin(x - phase));
    }

    /// <summary>Five glyphs nobody has seen before, each drawn a few times by an unsteady hand: three random strokes a glyph, as Omniglot's letters are made of strokes.</summary>
    public static LearningProblem Glyphs(RandomStream random, int shots, int queries)
    {
        const int Pixels = GlyphSide * GlyphSide;
        var support = (Inputs: new float[Ways * shots * Pixels], Labels: new float[Ways * shots]);
        var query = (Inputs: new float[Ways * queries * Pixels], Labels: new float[Ways * queries]);
        for (var glyph = 0; glyph < Ways; glyph++)
        {
            var strokes = new (double X, double Y)[9];
            foreach (ref var point in strokes.AsSpan()) point = (Within(random), Within(random));
            for (var i = 0; i < shots + queries; i++)
            {
                var (set, at) = i < shots ? (support, glyph * shots + i) : (query, glyph * queries + i - shots);
                Draw(strokes, random, set.Inputs.AsSpan(at * Pixels, Pixels));
                set.Labels[at] = glyph;
            }
        }
        return new(support.Inputs, support.Labels, query.Inputs, query.Labels);

        static double Within(RandomStream random) => 2 + (GlyphSide - 5) * random.NextDouble();
    }

    // Three quadratic curves, their points moved a little, the whole shifted a little; ink is spread over the four pixels around a point.
    static void Draw(ReadOnlySpan<(double X, double Y)> strokes, RandomStream random, Span<float> pixels)
    {
        const int Dots = 20;
        var (shiftX, shiftY) = (random.NextDouble() - 0.5, random.NextDouble() - 0.5);
        for (var stroke = 0; stroke < strokes.Length; stroke += 3)
        {
            var (a, b, c) = (Moved(strokes[stroke], random), Moved(strokes[stroke + 1], random), Moved(strokes[stroke + 2], random));
            for (var dot = 0; dot <= Dots; dot++)
            {
                var t = (double)dot / Dots;
                var (p, q, r) = ((1 - t) * (1 - t), 2 * t * (1 - t), t * t);
                Ink(p * a.X + q * b.X + r * c.X + shiftX, p * a.Y + q * b.Y + r * c.Y + shiftY, pixels);
            }
        }

        static (double X, double Y) Moved((double X, double Y) point, RandomStream random) => (point.X + 0.5 * random.NextGaussian(), point.Y + 0.5 * random.NextGaussian());
    }

    static void Ink(double x, double y, Span<float> pixels)
    {
        var (left, top) = ((int)Math.Clamp(x, 0, GlyphSide - 2), (int)Math.Clamp(y, 0, GlyphSide - 2));
        var (fx, fy) = (Math.Clamp(x - left, 0, 1), Math.Clamp(y - top, 0, 1));
        Add(left, top, (1 - fx) * (1 - fy), pixels);
        Add(left + 1, top, fx * (1 - fy), pixels);
        Add(left, top + 1, (1 - fx) * fy, pixels);
        Add(left + 1, top + 1, fx * fy, pixels);

        static void Add(int x, int y, double ink, Span<float> pixels)
        {
            ref var pixel = ref pixels[y * GlyphSide + x];
            pixel = Math.Min(1, pixel + (float)ink);
        }
    }
}
