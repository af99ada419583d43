// B samples, C classes, P pixels of a sample. Counts of a class: pixels that are of it and predicted as it, predicted, true.

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>Pixels of each class: of every sample, [n, C, 3], or of all together, [C, 3]. All scores of segmentation but distances are made of them.</summary>
sealed record MaskCounts(SegmentationInput Input, AggregationLevel Level) : Accumulation<Comparison>
{
    public const int Shared = 0;
    public const int Predicted = 1;
    public const int True = 2;
    public const int Each = 3;

    public override void Declare(MetricStates states)
    {
        Input.ThrowUnlessValid();
        if (Level == AggregationLevel.Global) states.Add("counts", Reduction.Sum, zeros([Input.Classes, Each], ScalarType.Float64));
        else states.Add("counts", Reduction.Concatenate, zeros([0, Input.Classes, Each], ScalarType.Float64));
        Input.Declare(states);
    }

    public override void Check(in Comparison batch) => Input.Check(in batch);

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        var samples = batch.Targets.shape[0];
        if (samples == 0) return;
        Tensor counts;
        if (Input.AsClasses(states, in batch) is var (predictions, targets, counted))
        {
            // The class of a sample as one number, and a sum for each.
            var place = arange(samples, device: targets.device).unsqueeze(1) * Input.Classes;
            var weights = counted.reshape(samples, -1).to(ScalarType.Float64);
            var (of, truth) = (predictions.reshape(samples, -1), targets.reshape(samples, -1));
            counts = stack([Sums(truth, weights * of.eq(truth)), Sums(of, weights), Sums(truth, weights)], -1);

            Tensor Sums(Tensor classes, Tensor values) =>
                zeros(samples * Input.Classes, ScalarType.Float64, classes.device).scatter_add_(0, (classes + place).reshape(-1), values.reshape(-1)).reshape(samples, Input.Classes);
        }
        else
        {
            var (a, b) = Input.AsMasks(states, in batch);
            var (of, truth) = (a.reshape(samples, Input.Classes, -1), b.reshape(samples, Input.Classes, -1));
            counts = stack([of.logical_and(truth).sum(2), of.sum(2), truth.sum(2)], -1);
        }
        if (Level == AggregationLevel.Global) states[0].Value.add_(counts.sum(dim: 0));
        else states[0].Append(counts);
    }

    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch)
    {
        if (Input.Format != SegmentationFormat.Index || batch.Predictions.dtype != batch.Targets.dtype) return false;
        if (batch.Targets.dtype is not (ScalarType.Int64 or ScalarType.Int32 or ScalarType.Byte)) return false;
        if (!HostTensor.TryOpen(batch.Predictions, out var predictions)) return false;
        using (predictions)
        {
            if (!HostTensor.TryOpen(batch.Targets, out var targets)) return false;
            using (targets)
            {
                var samples = (int)targets.Size(0);
                if (batch.Targets.dtype == ScalarType.Int64) Count<long>(states, predictions.Span<long>(), targets.Span<long>(), samples);
                else if (batch.Targets.dtype == ScalarType.Int32) Count<int>(states, predictions.Span<int>(), targets.Span<int>(), samples);
                else Count<byte>(states, predictions.Span<byte>(), targets.Span<byte>(), samples);
            }
        }
        return true;
    }

    void Count<T>(MetricStates states, ReadOnlySpan<T> predictions, ReadOnlySpan<T> targets, int samples)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        var classes = (ulong)Input.Classes;
        var ignored = Input.IgnoreIndex;
        var counts = new double[Input.Classes * Each];
        var (wrong, first) = (0L, 0.0);
        var pixels = samples == 0 ? 0 : targets.Length / samples;
        for (var s = 0; s < samples; s++)
        {
            var of = predictions.Slice(s * pixels, pixels);
            var truth = targets.Slice(s * pixels, pixels);
            for (var i = 0; i < of.Length; i++)
            {
                var (p, t) = (long.CreateTruncating(of[i]), long.CreateTruncating(truth[i]));
                if (t == ignored) continue;
                if ((ulong)p >= classes || (ulong)t >= classes)
                {
                    if ((ulong)p >= classes) Note(p, ref wrong, ref first);
                    if ((ulong)t >= classes) Note(t, ref wrong, ref first);
                    continue;
                }
                counts[p * Each + Predicted]++;
                counts[t * Each + True]++;
                if (p == t) counts[p * Each + Shared]++;
            }
            if (Level == AggregationLevel.Global) continue;
            states[0].Append<double>(counts);
            Array.Clear(counts);
        }
        if (Level == AggregationLevel.Global)
        {
            var sums = states[0].Span<double>();
            for (var i = 0; i < sums.Length; i++) sums[i] += counts[i];
        }
        states.Faults!.Note(0, wrong, first);

        static void Note(long value, ref long wrong, ref double first)
        {
            if (wrong++ == 0) first = value;
        }
    }
}
