// C classes

using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>For each class of multiclass its true positives, false positives and false negatives: [3, C], where a matrix of all pairs would be too large.</summary>
sealed record ClassCounts(Classification Task) : Accumulation<Comparison>
{
    public override void Declare(MetricStates states)
    {
        states.Add("outcomes", Reduction.Sum, zeros([3, Task.Classes], ScalarType.Float64));
        TaskFaults.Declare(states, Task);
    }

    public override void Check(in Comparison batch) => TaskLayout.Of(Task, batch);

    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch)
    {
        if (!TaskInput.TryOpen(Task, batch, out var input)) return false;
        using (input)
        {
            var counts = states[0].Span<double>();
            var right = counts[..Task.Classes];
            var wrong = counts.Slice(Task.Classes, Task.Classes);
            var missed = counts[(2 * Task.Classes)..];
            Span<int> labels = stackalloc int[TaskInput.Block];
            Span<int> predicted = stackalloc int[TaskInput.Block];
            Span<double> weights = stackalloc double[TaskInput.Block];
            for (long start = 0; start < input.Layout.NumCells; start += TaskInput.Block)
            {
                var count = input.Read(start, labels, predicted, weights);
                for (var i = 0; i < count; i++)
                {
                    var label = labels[i];
                    if (label < 0) continue;
                    if (label == predicted[i])
                    {
                        right[label] += weights[i];
                    }
                    else
                    {
                        missed[label] += weights[i];
                        wrong[predicted[i]] += weights[i];
                    }
                }
            }
            input.Report(states.Faults!);
        }
        return true;
    }

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        var input = TaskTensors.Read(Task, batch, states.Faults!);
        var predicted = input.Predicted();
        var differs = predicted.ne(input.Labels).to(ScalarType.Int64);
        var counts = states[0].Value.view(-1);
        counts.index_add_(0, input.Labels + (differs * (2 * Task.Classes)), input.Weights, 1);
        counts.index_add_(0, predicted + Task.Classes, input.Weights * differs, 1);
    }
}
