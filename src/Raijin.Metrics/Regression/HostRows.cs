// Kernels of the host run over whole batches without looking for values that can't be counted: a sum that is not finite gives those away (terms with a
// domain are NaN outside it), and only then is the batch screened element by element, its bad rows noted and left out.

using System.Numerics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>A batch of the host as rows of n outputs, row-major.</summary>
readonly ref struct HostRows<T>
    where T : unmanaged, INumber<T>
{
    readonly int _rowsPerWeight;
    readonly RegressionDomain _domain;

    HostRows(ReadOnlySpan<T> predictions, ReadOnlySpan<T> targets, ReadOnlySpan<T> weights, int outputs, int rowsPerWeight, RegressionDomain domain)
    {
        Predictions = predictions;
        Targets = targets;
        Weights = weights;
        Outputs = outputs;
        _rowsPerWeight = rowsPerWeight;
        _domain = domain;
    }

    public ReadOnlySpan<T> Predictions { get; }

    public ReadOnlySpan<T> Targets { get; }

    /// <summary>Empty where each row weighs 1.</summary>
    public ReadOnlySpan<T> Weights { get; }

    public int Outputs { get; }

    public int Count => Predictions.Length / Outputs;

    public double Weight(int row) => Weights.IsEmpty ? 1 : double.CreateTruncating(Weights[_rowsPerWeight == 1 ? row : row / _rowsPerWeight]);

    /// <summary>The rows of spans, screened if a weight is negative.</summary>
    public static HostRows<T> Of(MetricFaults faults, ReadOnlySpan<T> predictions, ReadOnlySpan<T> targets, ReadOnlySpan<T> weights, int outputs, RegressionDomain domain)
    {
        var rows = new HostRows<T>(predictions, targets, weights, outputs, weights.IsEmpty ? 1 : predictions.Length / outputs / weights.Length, domain);
        foreach (var weight in weights)
            if (!(weight >= T.Zero) || !T.IsFinite(weight)) return rows.Screened(faults);
        return rows;
    }

    /// <summary>These rows if all are finite, else those that can be counted.</summary>
    public HostRows<T> Finite(MetricFaults faults) => VectorLoops.AreFinite(Predictions) && VectorLoops.AreFinite(Targets) ? this : Screened(faults);

    /// <summary>The rows that can be counted; the others are noted.</summary>
    /// <exception cref="MetricInputException">There are others, and faults are reported at once.</exception>
    public HostRows<T> Screened(MetricFaults faults)
    {
        var (predictions, targets, weights) = (new List<T>(Predictions.Length), new List<T>(Targets.Length), new List<T>(Count));
        WrongNumbers notFinite = default, negative = default, outside = default;
        for (var row = 0; row < Count; row++)
        {
            var counted = true;
            for (var i = row * Outputs; i < (row + 1) * Outputs; i++)
            {
                var (prediction, target) = (double.CreateTruncating(Predictions[i]), double.CreateTruncating(Targets[i]));
                if (!double.IsFinite(prediction) || !double.IsFinite(target)) notFinite.Add(double.IsFinite(prediction) ? target : prediction);
                else if (Below(prediction, _domain.Predictions) || Below(target, _domain.Targets)) outside.Add(Below(prediction, _domain.Predictions) ? prediction : target);
                else continue;
                counted = false;
            }
            var weight = Weight(row);
            if (!(weight >= 0) || !double.IsFinite(weight))
            {
                negative.Add(weight);
                counted = false;
            }
            if (!counted) continue;
            predictions.AddRange(Predictions.Slice(row * Outputs, Outputs));
            targets.AddRange(Targets.Slice(row * Outputs, Outputs));
            weights.Add(T.CreateTruncating(weight));
        }
        faults.Note(RegressionAccumulation.NotFinite, notFinite.Count, notFinite.First);
        faults.Note(RegressionAccumulation.NegativeWeight, negative.Count, negative.First);
        faults.Note(RegressionAccumulation.OutOfDomain, outside.Count, outside.First);
        return new(predictions.ToArray(), targets.ToArray(), Weights.IsEmpty ? [] : weights.ToArray(), Outputs, 1, _domain);
    }

    static bool Below(double value, Sign sign) => sign switch { Sign.NotNegative => value < 0, Sign.Positive => value <= 0, _ => false };

    struct WrongNumbers
    {
        public long Count;
        public double First;

        public void Add(double value)
        {
            if (Count++ == 0) First = value;
        }
    }
}

/// <summary>What a kernel of the host does with rows of either floating type.</summary>
interface IRowKernel
{
    void Run<T>(MetricStates states, HostRows<T> rows)
        where T : unmanaged, INumber<T>;
}

static class HostRows
{
    /// <summary>Runs a kernel where all tensors are dense, on the host and of one floating type; false where they are not.</summary>
    public static bool TryRun<TKernel>(MetricStates states, in Comparison batch, RegressionAccumulation accumulation, TKernel kernel)
        where TKernel : struct, IRowKernel
    {
        if (!HostTensor.TryOpen(batch.Predictions, out var predictions)) return false;
        if (!HostTensor.TryOpen(batch.Targets, out var targets)) return false;
        var weights = predictions;
        if (batch.Weights is not null && !HostTensor.TryOpen(batch.Weights, out weights)) return false;
        if (predictions.DType != targets.DType || predictions.DType != weights.DType || predictions.NumElements > int.MaxValue) return false;
        using (predictions)
        using (targets)
        using (weights)
        {
            switch (predictions.DType)
            {
                case ScalarType.Float32:
                    Run<TKernel, float>(states, predictions, targets, weights, batch.Weights is not null, accumulation, kernel);
                    return true;
                case ScalarType.Float64:
                    Run<TKernel, double>(states, predictions, targets, weights, batch.Weights is not null, accumulation, kernel);
                    return true;
                default:
                    return false;
            }
        }
    }

    static void Run<TKernel, T>(MetricStates states, HostTensor predictions, HostTensor targets, HostTensor weights, bool weighted, RegressionAccumulation accumulation, TKernel kernel)
        where TKernel : struct, IRowKernel
        where T : unmanaged, INumber<T>
    {
        if (predictions.NumElements == 0) return;
        kernel.Run(states, HostRows<T>.Of(states.Faults!, predictions.Span<T>(), targets.Span<T>(), weighted ? weights.Span<T>() : [], accumulation.Outputs, accumulation.Domain));
    }
}
