using System.Globalization;
using Raijin.Charts;
using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// COCO's mean average precision and recall of object detection: the area under each class's precision–recall curve, averaged over IoU thresholds and classes.
/// </summary>
/// <remarks>
/// Found objects take true ones of their class, the surest first, each the free one it overlaps best and by at least the threshold. Precision is made to
/// fall and read at 101 recalls; classes with nothing true in the range of areas are left out. What is found in a crowd, or is itself outside the range of
/// areas and found nothing in it, counts neither way. The numbers are pycocotools' (Lin et al. 2014, arXiv:1405.0312), ties included; where nothing true is
/// there to be found they are NaN, where pycocotools and torchmetrics write -1. Higher is better.
/// <para>Everything is kept until a reset: 56 bytes an object, or with masks 32 and 4 for each pair of a found and a true one of an image; masks are not kept. Images without objects
/// count. Labels are any integers.</para>
/// </remarks>
public sealed class MeanAveragePrecision : Metric<DetectionBatch, MeanAveragePrecisionResult>, IPlot
{
    /// <summary>A picture of more classes shows their mean only.</summary>
    const int MaxCurves = 12;

    readonly DetectionSettings _settings;

    /// <summary>COCO's metric, unless told otherwise.</summary>
    /// <param name="format">What the boxes' numbers mean.</param>
    /// <param name="iouType">Whether boxes or masks are compared.</param>
    /// <param name="iouThresholds">IoUs from which objects match, in [0, 1]; null: 0.5, 0.55, …, 0.95.</param>
    /// <param name="recallThresholds">Recalls at which precision is read, in [0, 1]; null: 0, 0.01, …, 1.</param>
    /// <param name="maxDetections">How many of the surest objects of an image and class count; null: 1, 10 and 100. Precision is of the largest.</param>
    /// <param name="classAgnostic">All labels are as one: torchmetrics' average "micro".</param>
    public MeanAveragePrecision(
        BoxFormat format = BoxFormat.Xyxy,
        IouType iouType = IouType.Boxes,
        IReadOnlyList<double>? iouThresholds = null,
        IReadOnlyList<double>? recallThresholds = null,
        IReadOnlyList<int>? maxDetections = null,
        bool classAgnostic = false)
        : this(format, iouType, new DetectionSettings(
            Sorted(iouThresholds, nameof(iouThresholds)) ?? Steps(0.5, 0.95, 10),
            Sorted(recallThresholds, nameof(recallThresholds)) ?? Steps(0, 1, 101),
            Sorted(maxDetections) ?? [1, 10, 100],
            classAgnostic))
    {
    }

    MeanAveragePrecision(BoxFormat format, IouType iouType, DetectionSettings settings)
        : base(new DetectionRows(format, iouType)) => _settings = settings;

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary><see cref="MeanAveragePrecisionResult.Map"/>.</summary>
    public override double ComputeScalar() => Compute().Map;

    /// <summary>COCO's twelve numbers by torchmetrics' names: map, map_50, map_75, map_small, …, mar_1, mar_10, mar_100, mar_small, …</summary>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var result = Compute();
        return
        [
            new("map", result.Map), new("map_50", result.Map50), new("map_75", result.Map75),
            new("map_small", result.MapSmall), new("map_medium", result.MapMedium), new("map_large", result.MapLarge),
            .. result.Mar.Select(r => new KeyValuePair<string, double>(string.Create(CultureInfo.InvariantCulture, $"mar_{r.Key}"), r.Value)),
            new("mar_small", result.MarSmall), new("mar_medium", result.MarMedium), new("mar_large", result.MarLarge),
        ];
    }

    /// <summary>Precision, recall and scores behind the result, of every threshold, class, range of areas and limit: torchmetrics' extended summary.</summary>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet.</exception>
    public PrecisionTables ComputeTables()
    {
        ThrowIfEmpty();
        return new(DetectionEvaluation.Of(States, _settings, everyLimit: true), _settings);
    }

    /// <summary>Precision over recall at the lowest threshold, all sizes: a curve a class where there are at most twelve, and their mean.</summary>
    /// <inheritdoc/>
    public Chart Plot(string? title = null)
    {
        ThrowIfEmpty();
        var evaluation = DetectionEvaluation.Of(States, _settings, everyLimit: false);
        var tables = new PrecisionTables(evaluation, _settings);
        double[][] curves = [.. Enumerable.Range(0, evaluation.Results.Length).Select(c => _settings.Recalls.Select((_, r) => tables.Precision(0, r, c)).ToArray())];
        double[] mean = [.. _settings.Recalls.Select((_, r) => Mean(curves.Select(c => c[r])))];
        var shown = evaluation.Classes.Index().Where(c => !_settings.ClassAgnostic && !double.IsNaN(curves[c.Index][0])).ToList();
        return new LineChart
        {
            Title = title ?? string.Create(CultureInfo.InvariantCulture, $"Precision over recall at IoU {_settings.Thresholds[0]:0.##}"),
            XLabel = "recall",
            YLabel = "precision",
            Curves =
            [
                new("mean", _settings.Recalls, mean),
                .. shown.Count > MaxCurves ? [] : shown.Select(c => new Curve(c.Item.ToString(CultureInfo.InvariantCulture), _settings.Recalls, curves[c.Index]) { Style = CurveStyle.Dashed }),
            ],
        };
    }

    /// <inheritdoc/>
    protected override MeanAveragePrecisionResult Compute(MetricStates states)
    {
        var evaluation = DetectionEvaluation.Of(states, _settings, everyLimit: false);
        var (results, last) = (evaluation.Results, _settings.Limits.Length - 1);
        return new()
        {
            Map = Precision(0),
            Map50 = At(0.5),
            Map75 = At(0.75),
            MapSmall = Precision(1),
            MapMedium = Precision(2),
            MapLarge = Precision(3),
            Mar = new OrderedDictionary<int, double>(_settings.Limits.Select((limit, m) => KeyValuePair.Create(limit, Recall(m, 0)))),
            MarSmall = Recall(last, 1),
            MarMedium = Recall(last, 2),
            MarLarge = Recall(last, 3),
            PerClass = _settings.ClassAgnostic
                ? []
                : [.. evaluation.Classes.Zip(results, (label, r) => new ClassPrecision(label, Mean(Curve(r, 0)), Mean(Of(r, 0.5)), Mean(Reached(r, last, 0))))],
        };

        double Precision(int area) => Mean(results.SelectMany(r => Curve(r, area)));
        double Recall(int limit, int area) => Mean(results.SelectMany(r => Reached(r, limit, area)));
        double At(double iou) => Mean(results.SelectMany(r => Of(r, iou)));

        IEnumerable<double> Curve(ClassEvaluation r, int area) => Part(r.Precision, area * _settings.Thresholds.Length, _settings.Thresholds.Length, _settings.Recalls.Length);
        IEnumerable<double> Reached(ClassEvaluation r, int limit, int area) => Part(r.Recall, (limit * DetectionEvaluation.Areas + area) * _settings.Thresholds.Length, _settings.Thresholds.Length, 1);
        IEnumerable<double> Of(ClassEvaluation r, double iou) => Array.IndexOf(_settings.Thresholds, iou) is var at and >= 0 ? Part(r.Precision, at, 1, _settings.Recalls.Length) : ArraySegment<double>.Empty;
    }

    static ArraySegment<double> Part(double[] values, int first, int count, int each) => new(values, first * each, count * each);

    // NaN marks what isn't there to be found.
    static double Mean(IEnumerable<double> values)
    {
        var (sum, count) = (0.0, 0);
        foreach (var value in values)
        {
            if (double.IsNaN(value)) continue;
            sum += value;
            count++;
        }
        return count == 0 ? double.NaN : sum / count;
    }

    static double[] Steps(double from, double to, int count)
    {
        // As numpy.linspace rounds them.
        var steps = new double[count];
        for (var i = 0; i < count; i++) steps[i] = i * ((to - from) / (count - 1)) + from;
        steps[^1] = to;
        return steps;
    }

    static double[]? Sorted(IReadOnlyList<double>? values, string name)
    {
        if (values is null) return null;
        if (values.Count == 0 || values.Any(v => v is not (>= 0 and <= 1)))
            throw new ArgumentOutOfRangeException(name, string.Join(", ", values.Select(v => v.ToString(CultureInfo.InvariantCulture))), "Thresholds are in [0, 1], one at least.");
        return [.. values.Distinct().Order()];
    }

    static int[]? Sorted(IReadOnlyList<int>? maxDetections)
    {
        if (maxDetections is null) return null;
        ArgumentOutOfRangeException.ThrowIfZero(maxDetections.Count, nameof(maxDetections));
        foreach (var limit in maxDetections) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit, nameof(maxDetections));
        return [.. maxDetections.Distinct().Order()];
    }
}

/// <summary>COCO's summary. NaN where nothing true is there to be found, or where a threshold was not asked for.</summary>
public sealed record MeanAveragePrecisionResult
{
    /// <summary>Mean average precision over all thresholds and classes: <c>map</c>, AP@[.5:.95].</summary>
    public required double Map { get; init; }

    /// <summary>The same at an IoU of 0.5.</summary>
    public required double Map50 { get; init; }

    /// <summary>The same at an IoU of 0.75.</summary>
    public required double Map75 { get; init; }

    /// <summary>The same as <see cref="Map"/> of objects below 32² pixels.</summary>
    public required double MapSmall { get; init; }

    /// <summary>Of objects of 32² to 96² pixels.</summary>
    public required double MapMedium { get; init; }

    /// <summary>Of objects above 96² pixels.</summary>
    public required double MapLarge { get; init; }

    /// <summary>Mean recall over thresholds and classes, by how many objects of an image and class count: <c>mar_1</c>, <c>mar_10</c>, <c>mar_100</c>.</summary>
    public required IReadOnlyDictionary<int, double> Mar { get; init; }

    /// <summary>Mean recall of objects below 32² pixels, at the largest number of objects.</summary>
    public required double MarSmall { get; init; }

    /// <summary>Of objects of 32² to 96² pixels.</summary>
    public required double MarMedium { get; init; }

    /// <summary>Of objects above 96² pixels.</summary>
    public required double MarLarge { get; init; }

    /// <summary>Each label that was met, rising; empty where labels are not looked at.</summary>
    public required IReadOnlyList<ClassPrecision> PerClass { get; init; }
}

/// <summary>One class of <see cref="MeanAveragePrecisionResult"/>; NaN where nothing of it is there to be found.</summary>
/// <param name="Label">Its label.</param>
/// <param name="Map">Average precision over all thresholds.</param>
/// <param name="Map50">Average precision at an IoU of 0.5.</param>
/// <param name="Mar">Mean recall at the largest number of objects.</param>
public readonly record struct ClassPrecision(long Label, double Map, double Map50, double Mar);
