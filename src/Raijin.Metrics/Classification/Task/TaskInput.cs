// B samples, C classes, L labels, I product of the further dimensions; cells are the targets, in the order of memory: [B · I] or [B · L · I].
// Read in blocks of a few hundred cells into buffers on the stack, so that each dtype has one loop here instead of one in each kernel.

using System.Buffers;
using System.Numerics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>A batch on the host as its task reads it: labels, predicted classes and weights of a block of cells, straight from memory. Open it with <c>using</c>.</summary>
ref struct TaskInput
{
    /// <summary>Cells a kernel reads at once.</summary>
    public const int Block = 128;

    /// <summary>The label of a cell that doesn't count: ignored, or a fault.</summary>
    public const int LeftOut = -1;

    // Floats that half-precision scores are widened to at a time, at least.
    const int Floats = 4096;

    readonly Classification _task;
    readonly HostTensor _predictions;
    readonly HostTensor _labels;
    readonly HostTensor _weights;
    FaultCount _wrongLabels;
    FaultCount _wrongPredictions;
    FaultCount _wrongWeights;

    TaskInput(Classification task, TaskLayout layout, HostTensor predictions, HostTensor labels, HostTensor weights, bool weighted)
    {
        (_task, Layout, Weighted) = (task, layout, weighted);
        _predictions = predictions;
        _labels = labels;
        _weights = weights;
    }

    /// <summary>Where things are.</summary>
    public TaskLayout Layout { get; }

    /// <summary>Whether the batch has weights; else each is 1.</summary>
    public bool Weighted { get; }

    /// <summary>The predictions' memory.</summary>
    public readonly HostTensor Predictions => _predictions;

    /// <summary>Opens a batch; false where a tensor lies on another device, has gaps, or where further dimensions come with half precision or with more than 2^31 - 1 scores a sample.</summary>
    public static bool TryOpen(Classification task, in Comparison batch, out TaskInput input)
    {
        input = default;
        var layout = TaskLayout.Of(task, batch);
        HostTensor weights = default;
        if (!HostTensor.TryOpen(batch.Predictions, out var predictions) || !HostTensor.TryOpen(batch.Targets, out var labels)) return false;
        if (batch.Weights is not null && !HostTensor.TryOpen(batch.Weights, out weights)) return false;
        if (task.Kind == ClassificationKind.Multiclass && layout.Inner > 1 && (predictions.DType is ScalarType.Float16 or ScalarType.BFloat16 || task.Classes * layout.Inner > int.MaxValue)) return false;
        input = new TaskInput(task, layout, predictions, labels, weights, batch.Weights is not null);
        return true;
    }

    /// <summary>A block of cells: its labels, predicted classes and weights, each buffer <see cref="Block"/> long.</summary>
    /// <param name="start">First cell.</param>
    /// <returns>How many cells were read.</returns>
    public int Read(long start, scoped Span<int> labels, scoped Span<int> predicted, scoped Span<double> weights)
    {
        var count = (int)Math.Min(Block, Layout.NumCells - start);
        ReadLabels(start, labels[..count]);
        ReadPredicted(start, labels[..count], predicted[..count]);
        ReadWeights(start, labels[..count], weights[..count]);
        return count;
    }

    /// <summary>The labels of cells from <paramref name="start"/> on: a class, or <see cref="LeftOut"/>.</summary>
    public void ReadLabels(long start, scoped Span<int> labels)
    {
        var limit = _task.LabelValues;
        var wrong = !HostNumbers.ReadClasses(_labels, start, limit, labels);
        if (_task.IgnoreIndex is >= 0 and var ignored && ignored < limit)
            for (var i = 0; i < labels.Length; i++) if (labels[i] == ignored) labels[i] = LeftOut;
        if (!wrong) return;
        for (var i = 0; i < labels.Length; i++)
            if (labels[i] == LeftOut && HostNumbers.Read(_labels, start + i) is var value && value != _task.IgnoreIndex) _wrongLabels.Add(value);
    }

    /// <summary>The classes that cells from <paramref name="start"/> on are predicted to be of, top k taken into account.</summary>
    /// <param name="start">First cell.</param>
    /// <param name="labels">As <see cref="ReadLabels"/> gave them; a cell whose prediction is a fault is left out from now on.</param>
    /// <param name="predicted">Of the same length; undefined where a cell is left out.</param>
    public void ReadPredicted(long start, scoped Span<int> labels, scoped Span<int> predicted)
    {
        if (!Layout.Scored)
        {
            if (HostNumbers.ReadClasses(_predictions, start, _task.LabelValues, predicted)) return;
            for (var i = 0; i < labels.Length; i++)
                if (predicted[i] == LeftOut) LeaveOut(labels, i, HostNumbers.Read(_predictions, start + i), ref _wrongPredictions);
        }
        else if (_task.Kind == ClassificationKind.Multiclass)
        {
            switch (_predictions.DType)
            {
                case ScalarType.Float32: ReadWinners<float>(start, labels, predicted); break;
                case ScalarType.Float64: ReadWinners<double>(start, labels, predicted); break;
                default: ReadHalfWinners(start, labels, predicted); break;
            }
            for (var i = 0; i < labels.Length; i++)
                if (predicted[i] < 0) LeaveOut(labels, i, double.NaN, ref _wrongPredictions);
        }
        else
        {
            switch (_predictions.DType)
            {
                case ScalarType.Float32: Compare<float>(_predictions.Slice<float>(start, labels.Length), (float)_task.Cut, labels, predicted); break;
                case ScalarType.Float64: Compare<double>(_predictions.Slice<double>(start, labels.Length), _task.Cut, labels, predicted); break;
                default:
                    Span<float> scores = stackalloc float[Block];
                    scores = scores[..labels.Length];
                    HostNumbers.Read(_predictions, start, scores);
                    Compare<float>(scores, HostNumbers.Round(_task.Cut, _predictions.DType), labels, predicted);
                    break;
            }
        }
    }

    /// <summary>The weights of cells from <paramref name="start"/> on; 1 where the batch has none.</summary>
    /// <param name="start">First cell.</param>
    /// <param name="labels">As read so far; a cell whose weight is a fault is left out from now on.</param>
    /// <param name="weights">Of the same length; undefined where a cell is left out.</param>
    public void ReadWeights(long start, scoped Span<int> labels, scoped Span<double> weights)
    {
        if (!Weighted)
        {
            weights.Fill(1);
            return;
        }
        var each = Layout.WeighsCells ? 1 : Layout.CellsOfSample;
        if (each == 1)
        {
            HostNumbers.Read(_weights, start, weights);
        }
        else
        {
            for (var i = 0; i < weights.Length;)
            {
                var sample = (start + i) / each;
                var run = (int)Math.Min(weights.Length - i, (sample + 1) * each - start - i);
                HostNumbers.Read(_weights, sample, weights.Slice(i, 1));
                weights.Slice(i, run).Fill(weights[i]);
                i += run;
            }
        }
        for (var i = 0; i < weights.Length; i++)
            if (weights[i] is not (>= 0 and < double.PositiveInfinity)) LeaveOut(labels, i, weights[i], ref _wrongWeights);
    }

    /// <summary>Notes the faults met.</summary>
    public readonly void Report(MetricFaults faults)
    {
        faults.Note(TaskFaults.Labels, _wrongLabels.Count, _wrongLabels.First);
        faults.Note(TaskFaults.Predictions, _wrongPredictions.Count, _wrongPredictions.First);
        faults.Note(TaskFaults.Weights, _wrongWeights.Count, _wrongWeights.First);
    }

    /// <summary>Keeps the tensors alive up to here.</summary>
    public readonly void Dispose()
    {
        _predictions.Dispose();
        _labels.Dispose();
        _weights.Dispose();
    }

    static void LeaveOut(Span<int> labels, int at, double value, ref FaultCount faults)
    {
        if (labels[at] == LeftOut) return;
        labels[at] = LeftOut;
        faults.Add(value);
    }

    void Compare<T>(scoped ReadOnlySpan<T> scores, T cut, scoped Span<int> labels, scoped Span<int> predicted)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (low, high) = _task.Logits ? (T.NegativeInfinity, T.PositiveInfinity) : (T.Zero, T.One);
        for (var i = 0; i < scores.Length; i++)
        {
            var score = scores[i];
            predicted[i] = score > cut ? 1 : 0;
            if (!(score >= low && score <= high)) LeaveOut(labels, i, double.CreateTruncating(score), ref _wrongPredictions);
        }
    }

    readonly void ReadWinners<T>(long start, ReadOnlySpan<int> labels, Span<int> predicted)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (classes, inner) = (_task.Classes, Layout.Inner);
        if (inner == 1)
        {
            var scores = _predictions.Slice<T>(start * classes, labels.Length * classes);
            Winners.OfRows(scores, classes, predicted);
            if (_task.TopK > 1) Winners.Refine(scores, classes, 1, classes, _task.TopK, labels, predicted);
            return;
        }
        for (var i = 0; i < labels.Length;)
        {
            var (sample, at) = Math.DivRem(start + i, inner);
            var run = (int)Math.Min(labels.Length - i, inner - at);
            var scores = _predictions.Slice<T>(sample * classes * inner, checked((int)(classes * inner)))[(int)at..];       // class c of position p at c · I + p
            Winners.OfColumns(scores, classes, (int)inner, predicted.Slice(i, run));
            if (_task.TopK > 1) Winners.Refine(scores, 1, (int)inner, classes, _task.TopK, labels.Slice(i, run), predicted.Slice(i, run));
            i += run;
        }
    }

    // Rows of halves, made floats a few at a time.
    readonly void ReadHalfWinners(long start, ReadOnlySpan<int> labels, Span<int> predicted)
    {
        var classes = _task.Classes;
        var buffer = ArrayPool<float>.Shared.Rent(Math.Max(classes, Floats));
        for (var i = 0; i < labels.Length;)
        {
            var run = Math.Min(labels.Length - i, buffer.Length / classes);
            var scores = buffer.AsSpan(0, run * classes);
            HostNumbers.Read(_predictions, (start + i) * classes, scores);
            Winners.OfRows<float>(scores, classes, predicted.Slice(i, run));
            if (_task.TopK > 1) Winners.Refine<float>(scores, classes, 1, classes, _task.TopK, labels.Slice(i, run), predicted.Slice(i, run));
            i += run;
        }
        ArrayPool<float>.Shared.Return(buffer);
    }
}
