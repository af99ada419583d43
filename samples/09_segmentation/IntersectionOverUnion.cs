// C classes; a metric of your own is its states and how they make a number

using Raijin;
using Raijin.Metrics;
using static TorchSharp.torch;

/// <summary>Mean over the classes of |predicted ∩ true| / |predicted ∪ true|, counted over all pixels since the last reset (Jaccard index).</summary>
sealed class IntersectionOverUnion : Metric<double>
{
    readonly int _classes;
    readonly MetricState _confusion;

    public IntersectionOverUnion(int classes)
    {
        _classes = classes;
        _confusion = AddState("confusion", Reduction.Sum, zeros(classes, classes, ScalarType.Int64));
    }

    /// <summary>Counts a batch.</summary>
    /// <param name="predicted">Predicted classes, any shape, int64.</param>
    /// <param name="labels">True classes, the same shape, int64.</param>
    public void Update(Tensor predicted, Tensor labels)
    {
        BeginUpdate(predicted.device);
        using var scope = TensorScope.Open();
        var pairs = labels.flatten() * _classes + predicted.flatten();
        _confusion.Value.add_(pairs.bincount(weights: null, minlength: _classes * _classes).reshape(_classes, _classes));
    }

    /// <summary>The mean over the classes that occurred, true or predicted.</summary>
    public override double Compute()
    {
        ThrowIfEmpty();
        using var scope = TensorScope.Open();
        var both = _confusion.Value.diagonal().to(ScalarType.Float64);
        var either = _confusion.Value.sum(dim: 0) + _confusion.Value.sum(dim: 1) - both;
        return (both / either)[either > 0].mean().item<double>();
    }

    public override double ComputeScalar() => Compute();
}
