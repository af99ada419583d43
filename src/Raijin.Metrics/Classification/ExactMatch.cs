// B samples, L labels, I product of the further dimensions

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Share of samples in which everything is predicted right: subset accuracy. In [0, 1], higher is better.</summary>
/// <remarks>
/// Multilabel: a sample is right when all its labels are (with further dimensions: a position is). Multiclass and binary: when all its positions are, so
/// that without further dimensions it is <see cref="Accuracy"/>. What is ignored is not looked at; a sample with nothing else isn't counted.
/// (torchmetrics takes such a sample for right in multiclass, and an ignored label for wrong in multilabel.) Nothing counted gives NaN.
/// Weights are [B]. <c>accuracy_score</c> of scikit-learn for multilabel. See <see cref="Classification"/> for shapes.
/// </remarks>
/// <param name="task">What is classified.</param>
public sealed class ExactMatch(Classification task) : ScalarMetric<Comparison>(SampleMatches.Of(task))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var samples = states[0].ToArray<double>();
        return samples[0] / samples[1];
    }
}

/// <summary>How many samples are right as a whole, and how many there are: [2].</summary>
sealed record SampleMatches(Classification Task) : Accumulation<Comparison>
{
    public static SampleMatches Of(Classification task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return new(task);
    }

    public override void Declare(MetricStates states)
    {
        states.Add("samples", Reduction.Sum, zeros([2], ScalarType.Float64));
        TaskFaults.Declare(states, Task);
    }

    public override void Check(in Comparison batch) => TaskLayout.Of(Task, batch).ThrowIfCellsAreWeighed(batch);

    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch)
    {
        // The labels of a position lie apart where there are further dimensions.
        var layout = TaskLayout.Of(Task, batch);
        if ((layout.Columns > 1 && layout.Inner > 1) || !TaskInput.TryOpen(Task, batch, out var input)) return false;
        using (input)
        {
            var samples = states[0].Span<double>();
            Span<int> labels = stackalloc int[TaskInput.Block];
            Span<int> predicted = stackalloc int[TaskInput.Block];
            Span<double> weights = stackalloc double[TaskInput.Block];
            var (left, right, weight) = (layout.CellsOfSample, true, 0.0);
            for (long start = 0; start < layout.NumCells; start += TaskInput.Block)
            {
                var count = input.Read(start, labels, predicted, weights);
                for (var i = 0; i < count; i++)
                {
                    if (labels[i] >= 0)
                    {
                        weight = weights[i];
                        right &= labels[i] == predicted[i];
                    }
                    if (--left > 0) continue;
                    if (right) samples[0] += weight;
                    samples[1] += weight;
                    (left, right, weight) = (layout.CellsOfSample, true, 0.0);
                }
            }
            input.Report(states.Faults!);
        }
        return true;
    }

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        var input = TaskTensors.Read(Task, batch, states.Faults!);
        if (input.Layout.NumCells == 0) return;
        var right = input.Predicted().eq(input.Labels).logical_or_(input.Counted.logical_not());
        var apart = input.Layout.Columns > 1 && input.Layout.Inner > 1;
        right = apart ? input.Rows(right) : right.reshape(input.Layout.Batch, -1);                                          // [samples, cells of each]
        var weights = apart ? input.Rows(input.Weights) : input.Weights.reshape(input.Layout.Batch, -1);
        // Left-out cells weigh 0, the others what their sample does.
        var weight = weights.amax([1]);
        states[0].Value.add_(stack([right.all(1).to(ScalarType.Float64).dot(weight), weight.sum()]));
    }
}
