// C classes, L labels

using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>How often each label met each prediction: [C, C] (label, predicted), of multilabel [L, 2, 2]. Everything that counts can be read off it.</summary>
sealed record ConfusionCounts(Classification Task) : Accumulation<Comparison>
{
    /// <summary>
    /// Up to this many classes all metrics that count share a matrix: one pass and one addition a sample for all of them. 128 classes take 128 KB, which a
    /// core's cache holds; the matrix grows with the square, so above it metrics that don't need it keep <see cref="ClassCounts"/>.
    /// </summary>
    public const int MostClasses = 128;

    /// <summary>What a metric of single confusions accumulates.</summary>
    public static ConfusionCounts Of(Classification task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return new(task);
    }

    /// <summary>What a metric of each class's outcomes accumulates.</summary>
    public static Accumulation<Comparison> OrClassCounts(Classification task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return task.Kind == ClassificationKind.Multiclass && task.Classes > MostClasses ? new ClassCounts(task) : new ConfusionCounts(task);
    }

    public override void Declare(MetricStates states)
    {
        long[] shape = Task.Kind == ClassificationKind.Multilabel ? [Task.Classes, 2, 2] : [Task.Classes, Task.Classes];
        states.Add("confusion", Reduction.Sum, zeros(shape, ScalarType.Float64));
        TaskFaults.Declare(states, Task);
    }

    public override void Check(in Comparison batch) => TaskLayout.Of(Task, batch);

    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch)
    {
        if (!TaskInput.TryOpen(Task, batch, out var input)) return false;
        using (input)
        {
            var counts = states[0].Span<double>();
            Span<int> labels = stackalloc int[TaskInput.Block];
            Span<int> predicted = stackalloc int[TaskInput.Block];
            Span<double> weights = stackalloc double[TaskInput.Block];
            for (long start = 0; start < input.Layout.NumCells; start += TaskInput.Block)
            {
                var count = input.Read(start, labels, predicted, weights);
                if (Task.Kind == ClassificationKind.Multilabel) CountLabels(counts, input.Layout, start, labels[..count], predicted, weights);
                else Count(counts, labels[..count], predicted, weights);
            }
            input.Report(states.Faults!);
        }
        return true;
    }

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        var input = TaskTensors.Read(Task, batch, states.Faults!);
        Tensor cell;
        if (Task.Kind == ClassificationKind.Multilabel)
        {
            var label = arange(Task.Classes, ScalarType.Int64, input.Labels.device).reshape(1, -1, 1).expand(input.Layout.Batch, Task.Classes, input.Layout.Inner);
            cell = ((label.reshape(-1) * 2) + input.Labels) * 2;
        }
        else
        {
            cell = input.Labels * Task.Classes;
        }
        states[0].Value.view(-1).index_add_(0, cell + input.Predicted(), input.Weights, 1);
    }

    void Count(Span<double> counts, ReadOnlySpan<int> labels, ReadOnlySpan<int> predicted, ReadOnlySpan<double> weights)
    {
        var classes = Task.Classes;
        for (var i = 0; i < labels.Length; i++)
            if (labels[i] >= 0) counts[(labels[i] * classes) + predicted[i]] += weights[i];
    }

    static void CountLabels(Span<double> counts, TaskLayout layout, long start, ReadOnlySpan<int> labels, ReadOnlySpan<int> predicted, ReadOnlySpan<double> weights)
    {
        var (row, within) = Math.DivRem(start, layout.Inner);
        var label = (int)(row % layout.Columns);
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] >= 0) counts[(((label * 2) + labels[i]) * 2) + predicted[i]] += weights[i];
            if (++within < layout.Inner) continue;
            within = 0;
            if (++label == layout.Columns) label = 0;
        }
    }
}
