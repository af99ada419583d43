// B samples, C classes, L labels, I product of the further dimensions; cells are the targets, in the order of memory: [B · I] or [B · L · I]

using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>A batch as its task reads it, in tensor ops of any device: nothing is read back, so cells that don't count stay and weigh nothing.</summary>
/// <param name="Layout">Where things are.</param>
/// <param name="Labels">[cells] int64, in range; 0 where the cell is left out.</param>
/// <param name="Counted">[cells] bool: neither ignored nor a fault.</param>
/// <param name="Weights">[cells] float64; 0 where the cell is left out.</param>
/// <param name="Best">[cells] int64, multiclass scores: the class of the largest, the first of equals; else null.</param>
sealed record TaskTensors(Classification Task, TaskLayout Layout, Tensor Predictions, Tensor Labels, Tensor Counted, Tensor Weights, Tensor? Best)
{
    /// <summary>Reads a batch and notes its faults. Tensors go to the open scope.</summary>
    public static TaskTensors Read(Classification task, in Comparison batch, MetricFaults faults)
    {
        var layout = TaskLayout.Of(task, batch);
        var device = batch.Predictions.device;
        var raw = batch.Targets.to(device).reshape(-1).to(ScalarType.Int64);
        var wrong = raw.lt(0).logical_or_(raw.ge(task.LabelValues));
        var counted = wrong.logical_not();
        if (task.IgnoreIndex is { } ignored)
        {
            var kept = raw.ne(ignored);
            counted = counted.logical_and_(kept);
            wrong = wrong.logical_and_(kept);
        }
        faults.Note(TaskFaults.Labels, wrong, raw);

        Tensor? best = null;
        if (!layout.Scored)
        {
            var classes = batch.Predictions.reshape(-1).to(ScalarType.Int64);
            Refuse(TaskFaults.Predictions, classes.lt(0).logical_or_(classes.ge(task.LabelValues)), classes);
        }
        else if (task.Kind == ClassificationKind.Multiclass)
        {
            // The largest of scores with a NaN among them is NaN.
            var (largest, at) = batch.Predictions.reshape(layout.Batch, task.Classes, layout.Inner).max(1);
            best = at.reshape(-1);
            Refuse(TaskFaults.Predictions, largest.isnan(), largest);
        }
        else
        {
            var scores = batch.Predictions.reshape(-1);
            Refuse(TaskFaults.Predictions, task.Logits ? scores.isnan() : scores.ge(0).logical_and_(scores.le(1)).logical_not_(), scores);
        }

        Tensor weights;
        if (batch.Weights is { } given)
        {
            var each = given.to(device).to(ScalarType.Float64);
            if (!layout.WeighsCells) each = each.unsqueeze(1).expand(layout.Batch, layout.CellsOfSample);
            each = each.reshape(-1);
            Refuse(TaskFaults.Weights, each.ge(0).logical_and_(each.lt(double.PositiveInfinity)).logical_not_(), each);
            weights = each.masked_fill(counted.logical_not(), 0);
        }
        else
        {
            weights = counted.to(ScalarType.Float64);
        }
        return new(task, layout, batch.Predictions, raw.masked_fill(counted.logical_not(), 0), counted, weights, best);

        void Refuse(int kind, Tensor wrong, Tensor values)
        {
            wrong = wrong.reshape(-1).logical_and(counted);
            faults.Note(kind, wrong, values);
            counted = counted.logical_and(wrong.logical_not());
        }
    }

    /// <summary>[cells] int64: the class that each cell is predicted to be of, top k taken into account; 0 where the cell is left out.</summary>
    public Tensor Predicted()
    {
        Tensor classes;
        if (Best is not null)
        {
            classes = Best;
            if (Task.TopK > 1)
            {
                var scores = Predictions.reshape(Layout.Batch, Task.Classes, Layout.Inner);                                  // [B, C, I]
                var labels = Labels.reshape(Layout.Batch, 1, Layout.Inner);
                var own = scores.gather(1, labels);                                                                         // [B, 1, I]
                var earlier = arange(Task.Classes, ScalarType.Int64, Predictions.device).reshape(1, -1, 1).lt(labels);      // [B, C, I]
                var rank = scores.gt(own).logical_or_(scores.eq(own).logical_and_(earlier)).sum(dim: 1).reshape(-1);
                classes = where(rank.lt(Task.TopK), Labels, classes);
            }
        }
        else
        {
            var flat = Predictions.reshape(-1);
            classes = (Layout.Scored ? flat.gt(full([], Task.Cut, flat.dtype, flat.device)) : flat).to(ScalarType.Int64);
        }
        return classes.masked_fill(Counted.logical_not(), 0);
    }

    /// <summary>[B · I, W] scores as they came, one row a position: W is C, L, or 1 for binary.</summary>
    public Tensor Scores() => Task.Kind == ClassificationKind.Multiclass
        ? Predictions.reshape(Layout.Batch, Task.Classes, Layout.Inner).transpose(1, 2).reshape(-1, Task.Classes)
        : Rows(Predictions);

    /// <summary>What lies in the order of cells as [B · I, L] (binary: L = 1): labels, weights or predictions of binary and multilabel, one row a position.</summary>
    public Tensor Rows(Tensor cells) => cells.reshape(Layout.Batch, Layout.Columns, Layout.Inner).transpose(1, 2).reshape(-1, Layout.Columns);
}
