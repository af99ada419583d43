// R rows (true label, predicted label, count). Labels are any integers, so the table of counts is sparse: rows are appended as samples come and
// made one per distinct pair whenever the state would have to grow. Memory follows the distinct pairs, the cost of a sample is O(1) amortised.

using System.Numerics;
using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>How often each pair of true and predicted label came: what every score of a clustering against known labels is computed from.</summary>
/// <param name="IgnoreIndex">Samples of this true label are left out; null: none.</param>
sealed record LabelPairs(long? IgnoreIndex) : Accumulation<Comparison>
{
    public const int RowWidth = 3;

    const int Chunk = 128;

    /// <summary>Fewer rows than this stay as they are.</summary>
    const long FewestRows = 1 << 14;

    /// <summary>The same on a device, which is waited for when its rows are counted: once in about a million samples.</summary>
    const long FewestDeviceRows = 1 << 20;

    public override void Declare(MetricStates states) => states.Add("pairs", Reduction.Concatenate, zeros([0, RowWidth], ScalarType.Int64));

    public override void Check(in Comparison batch)
    {
        var predicted = HostTensor.Sizes(batch.Predictions);
        var truth = HostTensor.Sizes(batch.Targets);
        if (predicted.Length != 1 || !predicted.SequenceEqual(truth) || !IsLabel(batch.Predictions) || !IsLabel(batch.Targets))
            ShapeMismatchException.Throw("labels", "two lists of integers of one length, [N] predicted and [N] true", $"{ShapeText.Of(batch.Predictions)} with {ShapeText.Of(batch.Targets)}");
        if (batch.Weights is not null)
            ShapeMismatchException.Throw("weights", "none, as pairs of labels are counted", ShapeText.Of(batch.Weights));
    }

    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch)
    {
        if (!HostTensor.TryOpen(batch.Predictions, out var predicted)) return false;
        using (predicted)
        {
            if (!HostTensor.TryOpen(batch.Targets, out var truth)) return false;
            using (truth)
            {
                switch (predicted.DType, truth.DType)
                {
                    case (ScalarType.Int64, ScalarType.Int64):
                        Append(states[0], predicted.Span<long>(), truth.Span<long>());
                        return true;
                    case (ScalarType.Int32, ScalarType.Int32):
                        Append(states[0], predicted.Span<int>(), truth.Span<int>());
                        return true;
                    default:
                        return false;
                }
            }
        }
    }

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        var predicted = batch.Predictions.to(ScalarType.Int64);                                   // [N]
        var truth = batch.Targets.to(ScalarType.Int64, predicted.device);
        var count = IgnoreIndex is { } ignored ? truth.ne(ignored).to(ScalarType.Int64) : ones_like(truth);
        MakeRoom(states[0], truth.shape[0]);
        states[0].Append(stack([truth, predicted, count], 1));                                    // [N, 3]
    }

    void Append<T>(MetricState pairs, ReadOnlySpan<T> predicted, ReadOnlySpan<T> truth)
        where T : unmanaged, IBinaryInteger<T>
    {
        Span<long> rows = stackalloc long[RowWidth * Chunk];
        for (var start = 0; start < truth.Length; start += Chunk)
        {
            var filled = 0;
            for (var i = start; i < Math.Min(start + Chunk, truth.Length); i++)
            {
                var label = long.CreateTruncating(truth[i]);
                if (label == IgnoreIndex) continue;
                rows[filled] = label;
                rows[filled + 1] = long.CreateTruncating(predicted[i]);
                rows[filled + 2] = 1;
                filled += RowWidth;
            }
            MakeRoom(pairs, filled / RowWidth);
            pairs.Append<long>(rows[..filled]);
        }
    }

    static void MakeRoom(MetricState pairs, long rows)
    {
        if (pairs.Rows < FewestRows || pairs.Rows + rows <= pairs.Capacity) return;
        if (pairs.Rows < FewestDeviceRows && !IsOnHost(pairs)) return;
        Replace(pairs, Contingency.Distinct(Read(pairs)));
    }

    /// <summary>The rows, valid until the state changes. Waits for a device.</summary>
    public static ReadOnlySpan<long> Read(MetricState pairs) => IsOnHost(pairs) ? pairs.Span<long>() : pairs.ToArray<long>();

    static bool IsOnHost(MetricState pairs) => pairs.Value.device_type == DeviceType.CPU;

    /// <summary>Puts rows that say the same in the state's place.</summary>
    public static void Replace(MetricState pairs, long[] rows)
    {
        using var scope = NewDisposeScope();
        pairs.Set(tensor(rows).reshape(rows.Length / RowWidth, RowWidth).to(pairs.Value.device));
    }

    static bool IsLabel(Tensor tensor) => tensor.dtype is ScalarType.Int64 or ScalarType.Int32 or ScalarType.Int16 or ScalarType.Int8 or ScalarType.Byte or ScalarType.Bool;
}
