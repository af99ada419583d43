using Raijin;
using static TorchSharp.torch;

/// <summary>Pictures of discs, squares and triangles in noise, and the class of each of their pixels.</summary>
static class ShapePictures
{
    public const int Side = 32, Classes = 4;

    /// <summary>Draws a set: inputs [N, 1, 32, 32] float32, labels [N, 32, 32] int64: 0 ground, 1 disc, 2 square, 3 triangle.</summary>
    public static LabeledDataset Draw(int count, ulong seed)
    {
        const int Pixels = Side * Side;
        var (inputs, labels) = (new float[count * Pixels], new long[count * Pixels]);
        for (var i = 0; i < count; i++) Draw(new RandomStream(seed, (ulong)i), inputs.AsSpan(i * Pixels, Pixels), labels.AsSpan(i * Pixels, Pixels));
        using var scope = TensorScope.Open();
        return new(tensor(inputs).reshape(count, 1, Side, Side), tensor(labels).reshape(count, Side, Side));
    }

    // Two or three shapes, a later one in front of an earlier one, each of its own brightness; then noise.
    static void Draw(RandomStream random, Span<float> picture, Span<long> classes)
    {
        for (var shapes = 2 + random.NextInt64(2); shapes > 0; shapes--)
        {
            var kind = 1 + random.NextInt64(3);
            var (x, y, size) = (5 + 22 * random.NextDouble(), 5 + 22 * random.NextDouble(), 4 + 3 * random.NextDouble());
            var brightness = 0.5f + 0.5f * random.NextSingle();
            for (var at = 0; at < picture.Length; at++)
            {
                var (dx, dy) = (at % Side - x, at / Side - y);
                if (!Covers(kind, dx / size, dy / size)) continue;
                (picture[at], classes[at]) = (brightness, kind);
            }
        }
        foreach (ref var pixel in picture) pixel += (float)(0.15 * random.NextGaussian());
    }

    static bool Covers(long kind, double x, double y) => kind switch
    {
        1 => x * x + y * y <= 1,
        2 => Math.Abs(x) <= 0.9 && Math.Abs(y) <= 0.9,
        _ => y <= 0.8 && 2 * Math.Abs(x) <= y + 1,
    };
}
