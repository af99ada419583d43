using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>A training step under way. One object serves the whole run: don't keep it.</summary>
public class TrainStep
{
    readonly Fabric _fabric;

    internal TrainStep(TrainingRun run, TensorScope scope, Fabric fabric)
    {
        Run = run;
        Scope = scope;
        _fabric = fabric;
    }

    /// <summary>The run it belongs to.</summary>
    public TrainingRun Run { get; }

    internal TensorScope Scope { get; }

    private protected Fabric Fabric => _fabric;

    /// <summary>The share of a microbatch in the step's gradient; 1 under manual optimisation.</summary>
    internal double LossShare { get; set; } = 1;

    /// <summary>Set by <see cref="EndEpoch"/>, obeyed and cleared by the driver.</summary>
    internal bool EpochEndRequested { get; set; }

    /// <summary>Tokens counted in this step.</summary>
    internal long Tokens { get; set; }

    /// <summary>Set by <see cref="Skip"/>, obeyed and cleared by the driver.</summary>
    internal bool SkipRequested { get; set; }

    /// <summary>Tensors shown to callbacks until the microbatch is over.</summary>
    public PublishedTensors Published { get; } = new();

    /// <summary>Whether this step's values will be written once it is done: the moment to log what is dear to compute.</summary>
    public bool IsWritten { get; internal set; }

    /// <summary>Optimizer steps done before this one: 0 in the first.</summary>
    public long Index { get; internal set; }

    /// <summary>The epoch; the first is 0.</summary>
    public long Epoch => Run.Epoch;

    /// <summary>Microbatches of this epoch done before this one.</summary>
    public long Batch => Run.Batch;

    /// <summary>Which of the step's microbatches this is; 0 is the first.</summary>
    public int Microbatch { get; internal set; }

    /// <summary>Microbatches in this step.</summary>
    public int Microbatches { get; internal set; } = 1;

    /// <summary>Samples in this microbatch: the default weight of what is logged.</summary>
    public int Samples { get; internal set; }

    /// <summary>Logs a number that lies on a device: no wait, no read-back until a logger needs it.</summary>
    /// <param name="key">Such as <c>train/loss</c>.</param>
    /// <param name="value">One element; borrowed, its gradient is not kept.</param>
    /// <param name="reduce">How an epoch's values become one.</param>
    /// <param name="weight">Its weight in an epoch's mean; null for the number of samples.</param>
    public void Log(string key, Tensor value, Reduce reduce = Reduce.Mean, double? weight = null)
    {
        TensorGuard.ThrowIfFreed(value);
        Run.TrainLog.Add(key, value, weight ?? Samples, Index, reduce);
    }

    /// <summary>Logs a number.</summary>
    public void Log(string key, double value, Reduce reduce = Reduce.Mean, double? weight = null) =>
        Run.TrainLog.Add(key, value, weight ?? Samples, Index, reduce);

    /// <summary>Logs a metric: computed once, at the epoch's end, and reset after. One with several numbers (a collection) logs each by key/name.</summary>
    public void Log(string key, Metric metric)
    {
        ArgumentNullException.ThrowIfNull(metric);
        Run.TrainLog.Add(key, metric, Index);
    }

    /// <summary>Logs a collection's metrics by their own names, such as <c>train/f1</c>: computed once, at the epoch's end, and reset after.</summary>
    public void Log<TMetrics>(MetricCollection<TMetrics> metrics)
        where TMetrics : struct, IMetricBatch<TMetrics>
    {
        ArgumentNullException.ThrowIfNull(metrics);
        Run.TrainLog.Add(metrics, Index);
    }

    /// <summary>
    /// Runs backward: adds the gradients of the loss, times <paramref name="scale"/>, to the parameters'. Outside manual optimisation the loss counts for its
    /// share of the step's microbatches.
    /// </summary>
    /// <param name="loss">A scalar with a gradient; borrowed.</param>
    /// <param name="scale">A factor on the gradients.</param>
    public void Backward(Tensor loss, double scale = 1.0) => _fabric.Backward(loss, scale * LossShare);

    /// <summary>Ends the epoch with this step: what is left of it is passed over. Lightning's <c>on_train_batch_start</c> returning -1.</summary>
    public void EndEpoch() => EpochEndRequested = true;

    /// <summary>
    /// Passes over this microbatch: no backward pass, no gradient of it. For hooks before backward; a training step returns null instead. A step of which all
    /// microbatches are passed over is no step.
    /// </summary>
    public void Skip() => SkipRequested = true;

    /// <summary>Adds to <see cref="TrainingRun.Tokens"/>: what a sample is worth differs, a token does not.</summary>
    public void CountTokens(long tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        Tokens += tokens;
    }

    /// <summary>Keeps a tensor beyond the step. The caller owns it then.</summary>
    public Tensor Keep(Tensor tensor) => Scope.Release(tensor);

    /// <summary>Keeps a tensor beyond the step in a variable, and frees what the variable held: <c>step.Keep(ref _hidden, hidden.detach())</c>.</summary>
    public void Keep(ref Tensor? place, Tensor tensor)
    {
        if (ReferenceEquals(place, tensor)) return;
        var kept = Scope.Release(tensor);
        place?.Dispose();
        place = kept;
    }
}

/// <summary>Which kind of evaluation runs.</summary>
public enum EvalPhase
{
    /// <summary>A few batches before training; results are dropped.</summary>
    Sanity,

    /// <summary>Validation, within a fit or by <c>Trainer.Validate</c>.</summary>
    Validation,

    /// <summary>A test.</summary>
    Test,

    /// <summary>Prediction.</summary>
    Predict,
}

/// <summary>A batch of an evaluation under way. One object serves the whole evaluation: don't keep it.</summary>
public sealed class EvalStep
{
    readonly TensorScope _scope;
    MetricLog _log;

    internal EvalStep(EvalPhase phase, TrainingRun? run, TensorScope scope)
    {
        Phase = phase;
        Run = run;
        _scope = scope;
        _log = new MetricLog();
    }

    /// <summary>The fit it is part of; null when it stands alone.</summary>
    public TrainingRun? Run { get; }

    /// <summary>The name of the loader the batch comes from; empty where there is only one.</summary>
    public string Loader { get; private set; } = "";

    /// <summary>Tensors shown to callbacks until the batch is over.</summary>
    public PublishedTensors Published { get; } = new();

    internal MetricLog Values => _log;

    internal TensorScope Scope => _scope;

    internal void Begin(string loader)
    {
        Loader = loader;
        Index = 0;
        _log = new MetricLog();
    }

    /// <summary>Which kind of evaluation this is.</summary>
    public EvalPhase Phase { get; }

    /// <summary>Batches of this loader done before this one.</summary>
    public long Index { get; internal set; }

    /// <summary>Samples in this batch: the default weight of what is logged.</summary>
    public int Samples { get; internal set; }

    /// <summary>Logs a number that lies on a device; the evaluation's result is the weighted mean (or what <paramref name="reduce"/> says).</summary>
    public void Log(string key, Tensor value, Reduce reduce = Reduce.Mean, double? weight = null)
    {
        TensorGuard.ThrowIfFreed(value);
        _log.Add(key, value, weight ?? Samples, Index, reduce);
    }

    /// <summary>Logs a number.</summary>
    public void Log(string key, double value, Reduce reduce = Reduce.Mean, double? weight = null) =>
        _log.Add(key, value, weight ?? Samples, Index, reduce);

    /// <summary>Logs a metric: computed once, at the end, over everything, and reset after. One with several numbers (a collection) logs each by key/name.</summary>
    public void Log(string key, Metric metric)
    {
        ArgumentNullException.ThrowIfNull(metric);
        _log.Add(key, metric, Index);
    }

    /// <summary>Logs a collection's metrics by their own names, such as <c>val/f1</c>: computed once, at the end, over everything, and reset after.</summary>
    public void Log<TMetrics>(MetricCollection<TMetrics> metrics)
        where TMetrics : struct, IMetricBatch<TMetrics>
    {
        ArgumentNullException.ThrowIfNull(metrics);
        _log.Add(metrics, Index);
    }

    /// <summary>Keeps a tensor beyond the batch. The caller owns it then.</summary>
    public Tensor Keep(Tensor tensor) => _scope.Release(tensor);
}

/// <summary>A training epoch, at its start or end. There is no step here to log for: values are the epoch's.</summary>
public sealed class TrainEpoch
{
    internal TrainEpoch(TrainingRun run, long index, IReadOnlyDictionary<string, double> metrics)
    {
        Run = run;
        Index = index;
        Metrics = metrics;
    }

    /// <summary>The run it belongs to.</summary>
    public TrainingRun Run { get; }

    /// <summary>Which epoch; the first is 0.</summary>
    public long Index { get; }

    /// <summary>At the end: what was logged in it, reduced, and the latest validation. At the start: what there was before.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; }

    /// <summary>At the end: what training steps logged in it, reduced, in the order of its first logging.</summary>
    internal IReadOnlyList<KeyValuePair<string, double>> Logged { get; init; } = [];

    /// <summary>Logs a number for the epoch.</summary>
    public void Log(string key, double value) => Run.Log(key, value);

    /// <summary>Asks to stop after this epoch.</summary>
    public void RequestStop(string reason) => Run.RequestStop(reason);
}

/// <summary>An evaluation, at its start or end.</summary>
public sealed class EvalEpoch
{
    readonly List<KeyValuePair<string, double>> _results;

    internal EvalEpoch(TrainingRun? run, EvalPhase phase, bool isExtra)
    {
        Run = run;
        Phase = phase;
        IsExtra = isExtra;
        _results = [];
        Metrics = run?.Metrics ?? Nothing;
    }

    static readonly Dictionary<string, double> Nothing = [];

    /// <summary>The fit it is part of; null when it stands alone.</summary>
    public TrainingRun? Run { get; }

    /// <summary>Which kind of evaluation this is.</summary>
    public EvalPhase Phase { get; }

    /// <summary>
    /// Whether it is the validation that the end of a fit adds, off schedule, when steps were done since the last one. A run that is later made longer has never had
    /// it: what counts validations must not count it.
    /// </summary>
    public bool IsExtra { get; }

    /// <summary>At the end: its results, and the latest of everything else. At the start: what there was before.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; private set; }

    /// <summary>What this evaluation itself logged, reduced, in the order of first logging; empty before all batches are done.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> Results => _results;

    internal bool TakesResults { get; set; }

    /// <summary>Logs a number: until the batches are done it is among the results, afterwards with the run's next record.</summary>
    public void Log(string key, double value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(key);
        if (TakesResults) _results.Add(new(key, value));
        else Run?.Log(key, value);
    }

    /// <summary>Asks the fit to stop. Without one there is nothing to stop.</summary>
    public void RequestStop(string reason) => Run?.RequestStop(reason);

    internal void Add(IEnumerable<KeyValuePair<string, double>> results) => _results.AddRange(results);

    internal void Settle() => Metrics = Run?.Metrics ?? _results.DistinctBy(r => r.Key).ToDictionary();
}
