// B samples, C classes

using System.Buffers;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>The mean over samples of a ratio of each sample's own outcomes, summed over its labels and positions: <c>new Samplewise(new F1Score(task))</c>.</summary>
/// <remarks>
/// scikit-learn's <c>average="samples"</c> for multilabel, and the mean of torchmetrics' <c>multidim_average="samplewise"</c> with micro average for further
/// dimensions (the pixels of an image). A sample with nothing counted is left out, and so is one whose ratio is 0 / 0 if that is NaN.
/// Weights are [B]. Keeps 40 bytes a sample, in a state that all such metrics of a collection share. See <see cref="Classification"/> for shapes.
/// </remarks>
/// <param name="ratio">The ratio; its average has no effect. Taken over: updated and freed with this one.</param>
public sealed class Samplewise(ClassRatio ratio) : ScalarMetric<Comparison>(SampleOutcomes.Of(ratio))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => ratio.HigherIsBetter;

    /// <summary>The ratio of each sample, in the order they came in; NaN for one with nothing counted.</summary>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet.</exception>
    public IReadOnlyList<double> PerSample()
    {
        ThrowIfEmpty();
        return [.. Ratios(States).Select(s => s.Ratio)];
    }

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var (sum, weights) = (0.0, 0.0);
        foreach (var (value, weight) in Ratios(states))
        {
            if (double.IsNaN(value)) continue;
            sum += weight * value;
            weights += weight;
        }
        return sum / weights;
    }

    /// <inheritdoc/>
    protected override void DisposeParts() => ratio.Dispose();

    IEnumerable<(double Ratio, double Weight)> Ratios(MetricStates states)
    {
        var rows = states[0].ToArray<double>();
        for (var i = 0; i < rows.Length; i += SampleOutcomes.Width)
        {
            var counts = new OutcomeCounts(rows[i], rows[i + 1], rows[i + 2], rows[i + 3]);
            yield return (counts.Total == 0 ? double.NaN : ratio.Ratio(counts), rows[i + 4]);
        }
    }
}

/// <summary>For each sample its true and false, positives and negatives, and its weight: [samples, 5].</summary>
sealed record SampleOutcomes(Classification Task) : Accumulation<Comparison>
{
    public const int Width = 5;

    public static SampleOutcomes Of(ClassRatio ratio)
    {
        ArgumentNullException.ThrowIfNull(ratio);
        return new(ratio.Task);
    }

    public override void Declare(MetricStates states)
    {
        states.Add("outcomes", Reduction.Concatenate, zeros([0, Width], ScalarType.Float64));
        TaskFaults.Declare(states, Task);
    }

    public override void Check(in Comparison batch) => TaskLayout.Of(Task, batch).ThrowIfCellsAreWeighed(batch);

    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch)
    {
        if (!TaskInput.TryOpen(Task, batch, out var input)) return false;
        using (input)
        {
            var (each, width) = (input.Layout.CellsOfSample, checked((int)(input.Layout.Batch * Width)));
            var rented = ArrayPool<double>.Shared.Rent(width);
            var rows = rented.AsSpan(0, width);
            rows.Clear();
            Span<int> labels = stackalloc int[TaskInput.Block];
            Span<int> predicted = stackalloc int[TaskInput.Block];
            Span<double> weights = stackalloc double[TaskInput.Block];
            for (long start = 0; start < input.Layout.NumCells; start += TaskInput.Block)
            {
                var count = input.Read(start, labels, predicted, weights);
                for (var i = 0; i < count; i++)
                {
                    if (labels[i] >= 0) Count(rows.Slice((int)((start + i) / each) * Width, Width), labels[i], predicted[i], weights[i]);
                }
            }
            states[0].Append<double>(rows);
            ArrayPool<double>.Shared.Return(rented);
            input.Report(states.Faults!);
        }
        return true;
    }

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        var input = TaskTensors.Read(Task, batch, states.Faults!);
        var predicted = input.Predicted();
        var (right, wrong) = (Cells(predicted.eq(input.Labels)), Cells(predicted.ne(input.Labels)));
        var weights = input.Layout.CellsOfSample == 0 ? zeros([input.Layout.Batch], ScalarType.Float64, predicted.device) : input.Weights.reshape(input.Layout.Batch, input.Layout.CellsOfSample).amax([1]);
        if (Task.Kind == ClassificationKind.Multiclass)
        {
            var (tp, missed) = (right.sum(dim: 1), wrong.sum(dim: 1));
            states[0].Append(stack([tp, missed, (tp * (Task.Classes - 1)) + (missed * (Task.Classes - 2)), missed, weights], 1));
            return;
        }
        var (positive, negative) = (Cells(input.Labels.eq(1)), Cells(input.Labels.eq(0)));
        states[0].Append(stack([Both(right, positive), Both(wrong, negative), Both(right, negative), Both(wrong, positive), weights], 1));

        Tensor Cells(Tensor mask) => mask.logical_and(input.Counted).to(ScalarType.Float64).reshape(input.Layout.Batch, input.Layout.CellsOfSample);

        static Tensor Both(Tensor a, Tensor b) => (a * b).sum(dim: 1);
    }

    void Count(Span<double> row, int label, int predicted, double weight)
    {
        row[4] = weight;
        var right = label == predicted;
        if (Task.Kind != ClassificationKind.Multiclass)
        {
            row[label == 1 ? (right ? 0 : 3) : (right ? 2 : 1)]++;
            return;
        }
        // Summed over classes: a sample is a negative of every class but its own and the predicted one.
        row[2] += Task.Classes - (right ? 1 : 2);
        if (right)
        {
            row[0]++;
        }
        else
        {
            row[1]++;
            row[3]++;
        }
    }
}
