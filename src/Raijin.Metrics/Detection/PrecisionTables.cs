using Raijin.Metrics;

namespace Raijin;

/// <summary>The size of objects as COCO has it, by their area in pixels.</summary>
public enum ObjectSize
{
    /// <summary>Any.</summary>
    All,

    /// <summary>Below 32².</summary>
    Small,

    /// <summary>32² to 96².</summary>
    Medium,

    /// <summary>Above 96².</summary>
    Large,
}

/// <summary>
/// What <see cref="MeanAveragePrecision"/> averages: precision and recall of every threshold, class, size and limit. NaN where nothing true is there to be
/// found (pycocotools: -1).
/// </summary>
public sealed class PrecisionTables
{
    readonly ClassEvaluation[] _results;
    readonly int _last;

    internal PrecisionTables(DetectionEvaluation evaluation, DetectionSettings settings)
    {
        _results = evaluation.Results;
        _last = settings.Limits.Length - 1;
        (IouThresholds, RecallThresholds, MaxDetections) = (settings.Thresholds, settings.Recalls, settings.Limits);
        Labels = settings.ClassAgnostic ? [] : evaluation.Classes;
    }

    /// <summary>IoUs from which objects match, rising.</summary>
    public IReadOnlyList<double> IouThresholds { get; }

    /// <summary>Recalls at which precision is read, rising.</summary>
    public IReadOnlyList<double> RecallThresholds { get; }

    /// <summary>How many objects of an image and class count, rising.</summary>
    public IReadOnlyList<int> MaxDetections { get; }

    /// <summary>The labels of the classes, rising; empty where labels are not looked at: all objects are then class 0.</summary>
    public IReadOnlyList<long> Labels { get; }

    /// <summary>Precision that is reached at a recall.</summary>
    /// <param name="iou">Position of the IoU threshold.</param>
    /// <param name="recall">Position of the recall threshold.</param>
    /// <param name="label">Position of the class.</param>
    /// <param name="size">The objects' size.</param>
    /// <param name="limit">Position of the limit; null: the last.</param>
    public double Precision(int iou, int recall, int label, ObjectSize size = ObjectSize.All, int? limit = null) => _results[label].Precision[Place(_results[label], iou, recall, size, limit)];

    /// <summary>The score from which objects must count for that.</summary>
    /// <inheritdoc cref="Precision"/>
    public double Score(int iou, int recall, int label, ObjectSize size = ObjectSize.All, int? limit = null) => _results[label].Scores[Place(_results[label], iou, recall, size, limit)];

    /// <summary>The largest recall that is reached.</summary>
    /// <inheritdoc cref="Precision"/>
    public double Recall(int iou, int label, ObjectSize size = ObjectSize.All, int? limit = null) =>
        _results[label].Recall[Cell(limit ?? _last, iou, size)];

    int Place(ClassEvaluation result, int iou, int recall, ObjectSize size, int? limit)
    {
        // Where only the last limit was evaluated, it is the first table.
        var onlyLast = result.Precision.Length < MaxDetections.Count * DetectionEvaluation.Areas * IouThresholds.Count * RecallThresholds.Count;
        return Cell(onlyLast ? 0 : limit ?? _last, iou, size) * RecallThresholds.Count + recall;
    }

    int Cell(int limit, int iou, ObjectSize size) => (limit * DetectionEvaluation.Areas + (int)size) * IouThresholds.Count + iou;
}
