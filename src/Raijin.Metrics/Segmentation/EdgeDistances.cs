// B samples, C classes (of those scored), … spatial dimensions, P pixels of a sample

using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>Sum and number of the distances of each class. No spacing is 1 along each axis.</summary>
sealed record EdgeDistances(SegmentationInput Input, PixelDistance Distance, ValueList<double> Spacing, bool Directed, double Percentile, bool IncludeBackground) : Accumulation<Comparison>
{
    public override void Declare(MetricStates states)
    {
        Input.ThrowUnlessValid();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Percentile);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Percentile, 100);
        for (var axis = 0; axis < Spacing.Count; axis++) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Spacing[axis], nameof(Spacing));
        states.Add("distances", Reduction.Sum, zeros([IncludeBackground ? Input.Classes : Input.Classes - 1, 2], ScalarType.Float64));
        Input.Declare(states);
    }

    public override void Check(in Comparison batch)
    {
        Input.Check(in batch);
        var dims = (int)Math.Min(batch.Predictions.dim(), batch.Targets.dim()) - (Input.Format == SegmentationFormat.OneHot ? 2 : 1);
        if (dims > 3 || (Spacing.Count > 0 && Spacing.Count != dims))
            ShapeMismatchException.Throw("targets", Spacing.Count > 0 ? $"{Spacing.Count} spatial dimensions, as spacing has" : "1 to 3 spatial dimensions", $"{dims} of them");
    }

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        if (batch.Targets.NumberOfElements == 0) return;
        var (predictions, targets) = Input.AsMasks(states, in batch);
        if (!IncludeBackground) (predictions, targets) = (predictions.narrow(1, 1, Input.Classes - 1), targets.narrow(1, 1, Input.Classes - 1));
        var (ofPredictions, ofTargets) = (Edges(predictions), Edges(targets));
        var (isPredicted, isTrue) = (ofPredictions.flatten(2).any(2), ofTargets.flatten(2).any(2));
        var farthest = ofTargets.device_type == TorchSharp.DeviceType.CPU ? OnHost(ofPredictions, ofTargets) : OnDevice(ofPredictions, ofTargets);   // [B, C]
        farthest = farthest.where(isPredicted.logical_and(isTrue), full_like(farthest, double.PositiveInfinity));
        var counted = isPredicted.logical_or(isTrue);
        states[0].Value.add_(stack([farthest.where(counted, zeros_like(farthest)).sum(dim: 0), counted.sum(dim: 0, type: ScalarType.Float64)], 1));
    }

    // Pixels with a neighbour outside; those at the border have one.
    static Tensor Edges(Tensor masks)
    {
        var inner = masks;
        for (var axis = 2; axis < masks.dim(); axis++)
        {
            var size = masks.shape[axis];
            var outside = zeros_like(masks.narrow(axis, 0, 1));
            inner = inner.logical_and(cat([outside, masks.narrow(axis, 0, size - 1)], axis)).logical_and(cat([masks.narrow(axis, 1, size - 1), outside], axis));
        }
        return masks.logical_and(inner.logical_not());
    }

    /// <summary>The distances by libtorch's ops: for each axis and shift one pass over all masks, so nothing is read back.</summary>
    /// <param name="predictions">Edges, [B, C, …], bool.</param>
    /// <param name="targets">Edges, the same.</param>
    /// <returns>[B, C]; what it is where a mask is empty is left open.</returns>
    internal Tensor OnDevice(Tensor predictions, Tensor targets)
    {
        var forth = Of(predictions, ToNearest(targets));
        return Directed ? forth : maximum(forth, Of(targets, ToNearest(predictions)));

        Tensor Of(Tensor edges, Tensor distances)
        {
            if (Percentile == 100) return distances.where(edges, zeros_like(distances)).flatten(2).amax(2);
            var sorted = distances.where(edges, full_like(distances, double.PositiveInfinity)).flatten(2).sort(2).Values;   // [B, C, P]
            var rank = (edges.flatten(2).sum(2, type: ScalarType.Float64) - 1).clamp_min(0) * (Percentile / 100);
            var (below, above, share) = (At(rank.floor()), At(rank.ceil()), rank - rank.floor());
            return below + (above - below) * share;

            Tensor At(Tensor place) => sorted.gather(2, place.to(ScalarType.Int64).unsqueeze(2)).squeeze(2);
        }
    }

    // Each axis in turn: the nearest over all shifts along it of what was nearest along the axes before.
    Tensor ToNearest(Tensor edges)
    {
        var nearest = full(edges.shape, double.PositiveInfinity, ScalarType.Float64, edges.device).masked_fill_(edges, 0);
        for (var axis = 2; axis < edges.dim(); axis++)
        {
            var size = edges.shape[axis];
            var before = nearest.clone();
            for (var shift = 1L; shift < size; shift++)
            {
                using var scope = NewDisposeScope();
                foreach (var (from, to) in ((long, long)[])[(0, shift), (shift, 0)])
                {
                    var moved = before.narrow(axis, from, size - shift);
                    var place = nearest.narrow(axis, to, size - shift);
                    var step = shift * (Spacing.Count == 0 ? 1 : Spacing[axis - 2]);
                    place.copy_(minimum(place, Distance switch
                    {
                        PixelDistance.Euclidean => moved + step * step,
                        PixelDistance.Taxicab => moved + step,
                        _ => moved.clamp_min(step),
                    }));
                }
            }
        }
        return Distance == PixelDistance.Euclidean ? nearest.sqrt() : nearest;
    }

    /// <summary>The same on the host, a mask at a time, in parallel.</summary>
    internal Tensor OnHost(Tensor predictions, Tensor targets)
    {
        var (samples, classes) = ((int)targets.shape[0], (int)targets.shape[1]);
        var sizes = targets.shape[2..].Select(s => (int)s).ToArray();
        var field = new DistanceField(sizes, Distance, Spacing);
        var (a, b) = (predictions.data<bool>().ToArray(), targets.data<bool>().ToArray());
        var farthest = new double[samples * classes];
        Parallel.For(0, farthest.Length, cell =>
        {
            var part = new Range(cell * field.Pixels, (cell + 1) * field.Pixels);
            farthest[cell] = field.Farthest(a.AsSpan(part), b.AsSpan(part), Percentile);
            if (!Directed) farthest[cell] = Math.Max(farthest[cell], field.Farthest(b.AsSpan(part), a.AsSpan(part), Percentile));
        });
        return tensor(farthest).reshape(samples, classes);
    }
}
