namespace Raijin.Metrics;

/// <summary>How well two boxes lie over one another is measured.</summary>
enum BoxOverlap
{
    Iou,
    Giou,
    Diou,
    Ciou,
}
