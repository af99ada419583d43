// N points of D numbers, K clusters. Everything runs on the device the points came from, in float64; clusters are found when asked.

using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>All points and their labels: the scores need the final centres, so nothing less will do.</summary>
/// <param name="Dimensions">D.</param>
sealed record ClusteredPoints(int Dimensions) : Accumulation<Clustered>
{
    public override void Declare(MetricStates states)
    {
        states.Add("points", Reduction.Concatenate, zeros([0, Dimensions], ScalarType.Float64));
        states.Add("labels", Reduction.Concatenate, zeros([0], ScalarType.Int64));
        states.AddFaults("finite points");
    }

    public override void Check(in Clustered batch)
    {
        var points = HostTensor.Sizes(batch.Points);
        var labels = HostTensor.Sizes(batch.Labels);
        if (points.Length != 2 || points[1] != Dimensions || !batch.Points.is_floating_point())
            ShapeMismatchException.Throw("points", $"[N, {Dimensions}] of a floating type", ShapeText.Of(batch.Points));
        if (labels.Length != 1 || labels[0] != points[0] || !batch.Labels.is_integral())
            ShapeMismatchException.Throw("labels", $"[{points[0]}] integers, one for each point", ShapeText.Of(batch.Labels));
    }

    protected internal override void Add(MetricStates states, in Clustered batch)
    {
        states.Faults!.Note(0, batch.Points.isfinite().logical_not(), batch.Points);
        states[0].Append(batch.Points);
        states[1].Append(batch.Labels);
    }
}

/// <summary>The clusters of accumulated points. Its tensors belong to the open scope.</summary>
sealed class Clusters
{
    public Clusters(MetricStates states)
    {
        Points = states[0].Value;
        NumPoints = states[1].Rows;
        var (distinct, positions, _) = states[1].Value.unique(sorted: true, return_inverse: true);
        NumClusters = distinct.shape[0];
        Positions = positions!;
        Sizes = zeros([NumClusters], ScalarType.Float64, Points.device).index_add_(0, Positions, ones([NumPoints], ScalarType.Float64, Points.device), 1);
        Centres = Sum(Points) / Sizes.unsqueeze(1);
    }

    /// <summary>[N, D].</summary>
    public Tensor Points { get; }

    /// <summary>N.</summary>
    public long NumPoints { get; }

    /// <summary>[N], each point's cluster in [0, K).</summary>
    public Tensor Positions { get; }

    /// <summary>K.</summary>
    public long NumClusters { get; }

    /// <summary>[K], how many points each has.</summary>
    public Tensor Sizes { get; }

    /// <summary>[K, D], the mean of each.</summary>
    public Tensor Centres { get; }

    /// <summary>[N, D], each point seen from its cluster's centre.</summary>
    public Tensor Offsets() => Points - Centres.index_select(0, Positions);

    /// <summary>[K, ...], the sums of [N, ...] over each cluster.</summary>
    public Tensor Sum(Tensor values)
    {
        var shape = values.shape;
        shape[0] = NumClusters;
        return zeros(shape, ScalarType.Float64, values.device).index_add_(0, Positions, values, 1);
    }

    /// <summary>[K, K], distances of the centres; by differences, as x² − 2xy + y² would cancel.</summary>
    public Tensor CentreDistances(double p) => cdist(Centres, Centres, p, compute_mode.donot_use_mm_for_euclid_dist);
}
