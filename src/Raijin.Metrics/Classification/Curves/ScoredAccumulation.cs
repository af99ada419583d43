// B samples, C classes, L labels, I product of the further dimensions; a position is one of B · I. W scores a position: C, L, or 1 for binary.
// What is read from a batch that has scores, for every metric of scores: blocks of positions as doubles on the host, which holds every dtype
// exactly; whole tensors elsewhere.

using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>What a metric wants scores to be.</summary>
enum ScoreForm
{
    /// <summary>As they came: margins, or what the metric itself makes of logits.</summary>
    Raw,

    /// <summary>In the order of probabilities: logits of binary and multilabel as they came, since the sigmoid keeps their order and only loses ties; those of multiclass after the softmax, which doesn't.</summary>
    Ranking,

    /// <summary>Probabilities: logits after the sigmoid or the softmax; others lie in [0, 1] or are a fault.</summary>
    Probability,
}

/// <summary>How batches of scores become states.</summary>
/// <param name="Task">What is classified.</param>
/// <param name="Form">What scores are read as.</param>
abstract record ScoredAccumulation(Classification Task, ScoreForm Form) : Accumulation<Comparison>
{
    /// <summary>A class probability outside [0, 1]: multiclass only, whose scores may be anything elsewhere.</summary>
    const int ProbabilityFault = 3;

    /// <summary>Doubles of a block: wider rows than this are left to tensor ops.</summary>
    const int BlockScores = 1024;

    /// <summary>Labels of a position.</summary>
    protected int LabelWidth => Task.Kind == ClassificationKind.Multilabel ? Task.Classes : 1;

    bool ChecksProbabilities => Task.Kind == ClassificationKind.Multiclass && Form == ScoreForm.Probability && !Task.Logits;

    bool NormalizesClasses => Task is { Kind: ClassificationKind.Multiclass, Logits: true } && Form != ScoreForm.Raw;

    bool Squashes => Task is { Kind: not ClassificationKind.Multiclass, Logits: true } && Form == ScoreForm.Probability;

    /// <summary>Declares the faults: last, so that states count from 0.</summary>
    protected void DeclareFaults(MetricStates states)
    {
        if (ChecksProbabilities) TaskFaults.Declare(states, Task, "class probabilities in [0, 1] (logits are an option of the task)");
        else TaskFaults.Declare(states, Task);
    }

    public override void Check(in Comparison batch) => TaskLayout.Of(Task, batch, scores: true);

    protected internal sealed override bool TryAddOnHost(MetricStates states, in Comparison batch)
    {
        var width = Task.Width;
        if (width > BlockScores || !TaskInput.TryOpen(Task, batch, out var input)) return false;
        if (width > 1 && input.Layout.Inner > 1) return false;
        using (input)
        {
            var positions = input.Layout.Batch * input.Layout.Inner;
            var room = (int)Math.Min(BlockScores, positions * width);
            Span<double> scores = stackalloc double[room], weights = stackalloc double[room];
            Span<int> labels = stackalloc int[room];
            FaultCount wrongScores = default, wrongProbabilities = default;
            var dtype = NormalizesClasses && batch.Predictions.dtype != ScalarType.Float64 ? ScalarType.Float32 : batch.Predictions.dtype;
            for (long start = 0; start < positions;)
            {
                var rows = (int)Math.Min(positions - start, BlockScores / width);
                var block = new ScoreBlock(scores[..(rows * width)], labels[..(rows * LabelWidth)], weights[..(rows * LabelWidth)], rows, width, dtype, input.Weighted);
                input.ReadLabels(start * LabelWidth, block.Labels);
                HostNumbers.Read(input.Predictions, start * width, block.Scores);
                Prepare(block, ref wrongScores, ref wrongProbabilities);
                input.ReadWeights(start * LabelWidth, block.Labels, block.Weights);
                AddBlock(states, block);
                start += rows;
            }
            input.Report(states.Faults!);
            states.Faults!.Note(TaskFaults.Predictions, wrongScores.Count, wrongScores.First);
            if (ChecksProbabilities) states.Faults.Note(ProbabilityFault, wrongProbabilities.Count, wrongProbabilities.First);
        }
        return true;
    }

    protected internal sealed override void Add(MetricStates states, in Comparison batch)
    {
        var read = TaskTensors.Read(Task, batch, states.Faults!);
        var scores = read.Scores();
        var counted = read.Rows(read.Counted);
        if (NormalizesClasses) scores = scores.to(ScalarType.Float64).softmax(1).to(batch.Predictions.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32);
        else if (Squashes) scores = scores.to(ScalarType.Float64).sigmoid();
        if (ChecksProbabilities)
        {
            var outside = scores.lt(0).logical_or_(scores.gt(1)).logical_and_(counted);
            states.Faults!.Note(ProbabilityFault, outside, scores);
            counted = counted.logical_and(outside.any(1, keepdim: true).logical_not());
        }
        AddRows(states, new(scores, read.Rows(read.Labels), counted, read.Rows(read.Weights).masked_fill(counted.logical_not(), 0), batch.Weights is not null));
    }

    /// <summary>Adds positions that lie on the host, without an op or an allocation.</summary>
    protected abstract void AddBlock(MetricStates states, ScoreBlock block);

    /// <summary>Adds positions with tensor ops.</summary>
    protected abstract void AddRows(MetricStates states, ScoreRows rows);

    /// <summary>Leaves out what is a fault and makes scores what the metric wants.</summary>
    void Prepare(ScoreBlock block, ref FaultCount wrongScores, ref FaultCount wrongProbabilities)
    {
        var (low, high) = Task.Logits || Task.Kind == ClassificationKind.Multiclass ? (double.NegativeInfinity, double.PositiveInfinity) : (0.0, 1.0);
        if (Task.Kind != ClassificationKind.Multiclass)
        {
            PrepareLabeled(block.Scores, block.Labels, low, high, ref wrongScores);
            return;
        }
        for (var row = 0; row < block.Rows; row++)
        {
            var scores = block.Row(row);
            ref var label = ref block.Labels[row];
            if (label < 0) continue;
            foreach (var score in scores)
            {
                if (!double.IsNaN(score)) continue;
                label = TaskInput.LeftOut;
                wrongScores.Add(score);
                break;
            }
            if (label < 0) continue;
            if (NormalizesClasses) Softmax(scores, block.DType != ScalarType.Float64);
            if (!ChecksProbabilities) continue;
            foreach (var score in scores)
            {
                if (score is >= 0 and <= 1) continue;
                label = TaskInput.LeftOut;
                wrongProbabilities.Add(score);
            }
        }
    }

    // Binary and multilabel: a label for each score.
    void PrepareLabeled(Span<double> scores, Span<int> labels, double low, double high, ref FaultCount wrongScores)
    {
        for (var i = 0; i < scores.Length && i < labels.Length; i++)
        {
            if (labels[i] < 0 || (scores[i] >= low && scores[i] <= high)) continue;
            labels[i] = TaskInput.LeftOut;
            wrongScores.Add(scores[i]);
        }
        if (!Squashes) return;
        foreach (ref var score in scores) score = 1 / (1 + Math.Exp(-score));
    }

    static void Softmax(Span<double> scores, bool single)
    {
        var (largest, sum) = (double.NegativeInfinity, 0.0);
        foreach (var score in scores) largest = Math.Max(largest, score);
        foreach (ref var score in scores) sum += score = Math.Exp(score - largest);
        foreach (ref var score in scores) score = single ? (float)(score / sum) : score / sum;
    }
}

/// <summary>Some positions of a batch on the host.</summary>
readonly ref struct ScoreBlock(Span<double> scores, Span<int> labels, Span<double> weights, int rows, int width, ScalarType dtype, bool weighted)
{
    /// <summary>[rows, W], as the metric wants them.</summary>
    public Span<double> Scores { get; } = scores;

    /// <summary>[rows] or [rows, L]; <see cref="TaskInput.LeftOut"/> for one that doesn't count.</summary>
    public Span<int> Labels { get; } = labels;

    /// <summary>Like the labels; undefined where one is left out.</summary>
    public Span<double> Weights { get; } = weights;

    /// <summary>How many positions.</summary>
    public int Rows { get; } = rows;

    /// <summary>W.</summary>
    public int Width { get; } = width;

    /// <summary>The precision of the scores: the batch's, and float32 at least after a softmax.</summary>
    public ScalarType DType { get; } = dtype;

    /// <summary>Whether the batch has weights; else each is 1.</summary>
    public bool Weighted { get; } = weighted;

    /// <summary>The scores of a position.</summary>
    public Span<double> Row(int row) => Scores.Slice(row * Width, Width);

    /// <summary>The labels of a position.</summary>
    public Span<int> RowLabels(int row) => Labels.Slice(row * (Labels.Length / Rows), Labels.Length / Rows);

    /// <summary>The weights of a position.</summary>
    public Span<double> RowWeights(int row) => Weights.Slice(row * (Labels.Length / Rows), Labels.Length / Rows);
}

/// <summary>All positions of a batch in tensors of any device.</summary>
/// <param name="Scores">[n, W], as the metric wants them.</param>
/// <param name="Labels">[n, 1] or [n, L] int64; 0 where one is left out.</param>
/// <param name="Counted">Like the labels, bool: not left out.</param>
/// <param name="Weights">Like the labels, float64; 0 where one is left out.</param>
/// <param name="Weighted">Whether the batch has weights.</param>
sealed record ScoreRows(Tensor Scores, Tensor Labels, Tensor Counted, Tensor Weights, bool Weighted);
