using System.Text.Json;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Detection;

/// <summary>Images with objects for tests; their tensors are freed with it.</summary>
sealed class DetectionData : IDisposable
{
    readonly List<Tensor> _tensors = [];

    public List<Detections> Predictions { get; } = [];

    public List<GroundTruth> Targets { get; } = [];

    public DetectionBatch Batch => new(Predictions, Targets);

    public DetectionBatch Part(int first, int count) => new(Predictions.GetRange(first, count), Targets.GetRange(first, count));

    /// <summary>Adds an image: rows of a box, a score and a label; rows of a box, a label, whether it is a crowd and its area or -1.</summary>
    public DetectionData Add(double[][] found, double[][] there, (int Height, int Width)? masks = null, ScalarType dtype = ScalarType.Float64)
    {
        Predictions.Add(new(Boxes(found, dtype), Column(found, 4, dtype), Column(found, 5), masks is { } size ? Ellipses(found, size) : null));
        Targets.Add(new(
            Boxes(there, dtype),
            Column(there, 4),
            there.Length > 0 && there[0].Length > 5 ? Column(there, 5) : null,
            there.Length > 0 && there[0].Length > 6 && there[0][6] >= 0 ? Column(there, 6, ScalarType.Float64) : null,
            masks is { } same ? Ellipses(there, same) : null));
        return this;
    }

    /// <summary>The images of a recording.</summary>
    public static DetectionData Of(JsonElement images, (int Height, int Width)? masks = null)
    {
        var data = new DetectionData();
        foreach (var image in images.EnumerateArray()) data.Add(Rows(image.GetProperty("found")), Rows(image.GetProperty("there")), masks);
        return data;
    }

    /// <summary>Random images in which objects are found more or less well.</summary>
    public static DetectionData Random(int seed, int images, int classes, bool crowds = true)
    {
        var random = new Random(seed);
        var data = new DetectionData();
        for (var i = 0; i < images; i++)
        {
            var there = Enumerable.Range(0, random.Next(0, 5)).Select(_ => new[] { Whole(80), Whole(80), 4 + Whole(90), 4 + Whole(90), random.Next(classes), crowds && random.Next(4) == 0 ? 1 : 0, -1 }).ToArray();
            var found = there.Where(_ => random.Next(5) > 0).Select(t => new[] { t[0] + Whole(5), t[1] + Whole(5), t[2] + Whole(3), t[3], random.NextSingle(), t[4] })
                .Concat(Enumerable.Range(0, random.Next(0, 3)).Select(_ => new[] { Whole(80), Whole(80), 4 + Whole(20), 4 + Whole(90), random.NextSingle(), random.Next(classes) })).ToArray();
            data.Add(found, there);
        }
        return data;

        double Whole(int below) => random.Next(below);
    }

    Tensor Boxes(double[][] rows, ScalarType dtype) => Keep(() => tensor(rows.SelectMany(r => r[..4]).ToArray()).reshape(-1, 4).to(dtype));

    Tensor Column(double[][] rows, int column, ScalarType dtype = ScalarType.Int64) => Keep(() => tensor(rows.Select(r => r[column]).ToArray()).to(dtype));

    // As the recording script draws them.
    Tensor Ellipses(double[][] rows, (int Height, int Width) size)
    {
        var masks = new bool[rows.Length * size.Height * size.Width];
        for (var i = 0; i < masks.Length; i++)
        {
            var (row, y, x) = (rows[i / (size.Height * size.Width)], i / size.Width % size.Height + 0.5, i % size.Width + 0.5);
            var (dx, dy) = ((x - row[0] - row[2] / 2) / (row[2] / 2 + 1e-9), (y - row[1] - row[3] / 2) / (row[3] / 2 + 1e-9));
            masks[i] = dx * dx + dy * dy <= 1;
        }
        return Keep(() => tensor(masks).reshape(rows.Length, size.Height, size.Width));
    }

    Tensor Keep(Func<Tensor> make)
    {
        using var scope = NewDisposeScope();
        var tensor = make().DetachFromDisposeScope();
        _tensors.Add(tensor);
        return tensor;
    }

    static double[][] Rows(JsonElement rows) => [.. rows.EnumerateArray().Select(r => r.Numbers())];

    public void Dispose()
    {
        foreach (var tensor in _tensors) tensor.Dispose();
    }
}
