// G groups

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>The outcomes of each group of a binary task: [G, 2, 2] (group, label, predicted).</summary>
sealed record GroupOutcomes(Classification Task, int Groups) : Accumulation<GroupedComparison>
{
    const int GroupFaults = 3;

    public override void Declare(MetricStates states)
    {
        states.Add("outcomes", Reduction.Sum, zeros([Groups, 2, 2], ScalarType.Float64));
        TaskFaults.Declare(states, Task, $"groups in [0, {Groups})");
    }

    public override void Check(in GroupedComparison batch)
    {
        TaskLayout.Of(Task, batch.Comparison);
        if (!HostTensor.Sizes(batch.Groups).SequenceEqual(HostTensor.Sizes(batch.Targets)) || !TaskLayout.IsInteger(batch.Groups.dtype))
            ShapeMismatchException.Throw("groups", $"integers of the labels' shape {ShapeText.Of(HostTensor.Sizes(batch.Targets))}", ShapeText.Of(batch.Groups));
    }

    protected internal override bool TryAddOnHost(MetricStates states, in GroupedComparison batch)
    {
        if (!HostTensor.TryOpen(batch.Groups, out var given) || !TaskInput.TryOpen(Task, batch.Comparison, out var input)) return false;
        using (given)
        using (input)
        {
            var counts = states[0].Span<double>();
            var wrong = default(FaultCount);
            Span<int> labels = stackalloc int[TaskInput.Block];
            Span<int> predicted = stackalloc int[TaskInput.Block];
            Span<int> groups = stackalloc int[TaskInput.Block];
            Span<double> weights = stackalloc double[TaskInput.Block];
            for (long start = 0; start < input.Layout.NumCells; start += TaskInput.Block)
            {
                var count = input.Read(start, labels, predicted, weights);
                HostNumbers.ReadClasses(given, start, Groups, groups[..count]);
                for (var i = 0; i < count; i++)
                {
                    if (labels[i] < 0) continue;
                    if (groups[i] < 0) wrong.Add(HostNumbers.Read(given, start + i));
                    else counts[(((groups[i] * 2) + labels[i]) * 2) + predicted[i]] += weights[i];
                }
            }
            input.Report(states.Faults!);
            states.Faults!.Note(GroupFaults, wrong.Count, wrong.First);
        }
        return true;
    }

    protected internal override void Add(MetricStates states, in GroupedComparison batch)
    {
        var input = TaskTensors.Read(Task, batch.Comparison, states.Faults!);
        var groups = batch.Groups.to(input.Labels.device).reshape(-1).to(ScalarType.Int64);
        var wrong = groups.lt(0).logical_or_(groups.ge(Groups)).logical_and_(input.Counted);
        states.Faults!.Note(GroupFaults, wrong, groups);
        var leftOut = wrong.logical_or_(input.Counted.logical_not());
        var cell = (((groups.masked_fill(leftOut, 0) * 2) + input.Labels) * 2) + input.Predicted();
        states[0].Value.view(-1).index_add_(0, cell, input.Weights.masked_fill(leftOut, 0), 1);
    }

    public static GroupOutcomes Of(Classification task, int groups)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentOutOfRangeException.ThrowIfLessThan(groups, 2);
        return task.Kind == ClassificationKind.Binary
            ? new(task, groups)
            : throw new ArgumentException($"Fairness is of a binary decision, not of {task.Kind}.", nameof(task));
    }
}
