using System.Diagnostics;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>Runs the batches of evaluations without gradients, in evaluation mode, and gives back what was logged, reduced; over all ranks, each of which takes its share.</summary>
/// <remarks>Ranks run at their own pace and meet once, at a loader's end; where a forward pass gathers parameters from all, they run batch by batch, and a rank that has none left attends.</remarks>
sealed class Evaluator<TBatch>(Fabric fabric, TrainingModule<TBatch> module, HookTable hooks, ModuleOverrides<TBatch> overrides, TrainingRun? run) where TBatch : IBatch<TBatch>
{
    readonly BatchPlacement<TBatch> _placement = new(fabric, overrides);
    readonly Peers _peers = fabric.Peers;

    /// <summary>Whether tensors made here never meet autograd again, which makes them cheaper. Not within a fit, where a metric's state goes on to live.</summary>
    public bool InferenceMode { get; init; }

    /// <summary>Evaluates loaders, one after another.</summary>
    /// <param name="phase">Which kind of evaluation.</param>
    /// <param name="loaders">Those of all ranks together.</param>
    /// <param name="limit">Batches to use of each at most, given how many there are.</param>
    /// <param name="isExtra">See <see cref="EvalEpoch.IsExtra"/>.</param>
    /// <param name="cancellationToken">Ends it at the next batch.</param>
    /// <returns>The results; null when <paramref name="cancellationToken"/> was cancelled on the way, on any rank.</returns>
    /// <exception cref="InvalidOperationException">A loader gave no batch.</exception>
    public EvaluationResult? Run(EvalPhase phase, LoaderSet<TBatch> loaders, Func<long?, long?> limit, CancellationToken cancellationToken, bool isExtra = false)
    {
        var clock = Stopwatch.StartNew();
        var table = hooks.Of(phase);
        var epoch = new EvalEpoch(run, phase, isExtra) { TakesResults = true };
        var parts = new List<LoaderResult>();
        MetricLog? last = null;
        using var mode = new EvaluationMode<TBatch>(module);
        using var weights = new EvaluationWeights(run?.Optimizers ?? []);
        using (InferenceMode ? inference_mode() : null)
        using (no_grad())
        {
            using var scope = TensorScope.Open();
            var step = new EvalStep(phase, run, scope);
            HookTable.Call(table.Start, epoch);
            HookTable.Call(table.EpochStart, epoch);
            foreach (var (name, loader) in loaders)
            {
                // Each loader begins anew. The last one's metrics stay until the hooks below have seen them.
                Reset(last);
                step.Begin(name);
                last = step.Values;
                if (RunLoader(step, table, loader, limit, cancellationToken) is not { } part)
                {
                    Reset(last);
                    return null;
                }
                parts.Add(part);
                epoch.Add(part.Metrics);
            }
            HookTable.Call(table.EpochEnd, epoch);
        }

        epoch.TakesResults = false;
        if (run is not null && phase != EvalPhase.Sanity)
            foreach (var (key, value) in epoch.Results) run.SetMetric(key, value);
        epoch.Settle();
        HookTable.Call(table.End, epoch);
        Reset(last);
        return new EvaluationResult
        {
            Phase = phase,
            Metrics = epoch.Results.DistinctBy(r => r.Key).ToDictionary(),
            Values = epoch.Results,
            Loaders = parts,
            Elapsed = clock.Elapsed,
        };
    }

    LoaderResult? RunLoader(EvalStep step, EvaluationHooks table, DataLoader<TBatch> loader, Func<long?, long?> limit, CancellationToken cancellationToken)
    {
        var mine = ShareOf(loader);
        var batches = Batches(mine, limit(mine.BatchesPerEpoch), cancellationToken).GetEnumerator();
        var log = step.Values;
        var scope = step.Scope;
        var together = fabric.Models.Stage == 3;
        long done = 0, samples = 0;
        try
        {
            if (run is not null) run.ValidationBatch = 0;
            while (true)
            {
                var has = batches.MoveNext();
                if (together ? !_peers.Any(has) : !has) break;
                if (!has)
                {
                    new Attendance<TBatch>(fabric, module, _placement, run, scope).Attend(loader, step.Phase);
                    continue;
                }
                var batch = _placement.Place(batches.Current);
                step.Index = done;
                step.Samples = batch.Count;
                log.BeginStep();
                HookTable.Call(table.BatchStart, step);
                using (fabric.Forward()) module.Evaluate(batch, step);
                HookTable.Call(table.BatchEnd, step);
                step.Published.Clear();
                scope.Free();
                samples += step.Samples;
                done++;
                if (run is not null) run.ValidationBatch = done;
            }
        }
        finally
        {
            batches.Dispose();
            if (run is not null) run.ValidationBatch = null;
        }

        var reduction = new EpochReduction(log, _peers, module.Metrics);
        Span<double> all = [done, samples, cancellationToken.IsCancellationRequested ? 1 : 0];
        reduction.Meet(all);
        if (all[2] == 0)
        {
            if (all[0] == 0) throw new InvalidOperationException($"The {PhaseName(step.Phase)} loader{(step.Loader.Length == 0 ? "" : $" \"{step.Loader}\"")} gave no batch: it is empty, or smaller than one batch with the last incomplete one dropped.");
            return new LoaderResult(step.Loader, (long)all[0], (long)all[1], reduction.Read().ConvertAll(v => KeyValuePair.Create(KeyOf(v.Key, step), v.Value)));
        }
        return null;
    }

    DataLoader<TBatch> ShareOf(DataLoader<TBatch> loader) => _peers.IsAlone ? loader : loader.Shard(_peers.Rank, _peers.Size);

    // Outside inference mode, where the states go on to live.
    void Reset(MetricLog? log)
    {
        using (InferenceMode ? inference_mode(false) : null) log?.Reset();
    }

    /// <summary>The model's answers to this rank's batches, one at a time as they are asked for; the caller owns each.</summary>
    /// <param name="loaders">Those of all ranks together.</param>
    /// <param name="limit">Batches to use of each at most, given how many there are.</param>
    /// <param name="absent">Called in place of an answer where other ranks have a batch and this one has none left; null where nobody asks.</param>
    /// <param name="cancellationToken">Ends it at the next batch.</param>
    public IEnumerable<Tensor> Predict(LoaderSet<TBatch> loaders, Func<long?, long?> limit, Action? absent, CancellationToken cancellationToken)
    {
        var together = fabric.Models.Stage == 3 || absent is not null;
        using var mode = new EvaluationMode<TBatch>(module);
        using var scope = TensorScope.Open();
        var epoch = new EvalEpoch(run, EvalPhase.Predict, isExtra: false);
        var step = new EvalStep(EvalPhase.Predict, run, scope);
        HookTable.Call(hooks.Predict.Start, epoch);
        HookTable.Call(hooks.Predict.EpochStart, epoch);
        foreach (var (name, loader) in loaders)
        {
            step.Begin(name);
            var mine = ShareOf(loader);
            using var batches = Batches(mine, limit(mine.BatchesPerEpoch), cancellationToken).GetEnumerator();
            while (true)
            {
                var has = batches.MoveNext();
                if (together ? !_peers.Any(has) : !has) break;
                if (!has)
                {
                    if (fabric.Models.Stage == 3)
                        using (no_grad()) new Attendance<TBatch>(fabric, module, _placement, run, scope).Attend(loader, EvalPhase.Predict);
                    absent?.Invoke();
                    continue;
                }
                // Gradients are off for the model only: the caller's code between two answers is its own.
                var answer = PredictBatch(step, batches.Current, scope);
                scope.Free();
                step.Index++;
                yield return answer;
            }
        }
        HookTable.Call(hooks.Predict.EpochEnd, epoch);
        HookTable.Call(hooks.Predict.End, epoch);
    }

    Tensor PredictBatch(EvalStep step, TBatch fetched, TensorScope scope)
    {
        using (InferenceMode ? inference_mode() : null)
        using (no_grad())
        {
            var batch = _placement.Place(fetched);
            step.Samples = batch.Count;
            HookTable.Call(hooks.Predict.BatchStart, step);
            Tensor answer;
            using (fabric.Forward()) answer = module.Predict(batch, step);
            HookTable.Call(hooks.PredictBatchEnd, step, answer);
            step.Published.Clear();
            return scope.Release(answer);
        }
    }

    /// <summary>What a value is called among the results: with the loader's name where there are several, and as a test's where the validation step serves for it.</summary>
    string KeyOf(string key, EvalStep step)
    {
        const string validation = "val/";
        if (step.Phase == EvalPhase.Test && !module.HasTestStep && key.StartsWith(validation, StringComparison.Ordinal)) key = "test/" + key[validation.Length..];
        if (step.Loader.Length == 0) return key;
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? $"{step.Loader}/{key}" : $"{key[..slash]}/{step.Loader}{key[slash..]}";
    }

    static string PhaseName(EvalPhase phase) => phase == EvalPhase.Sanity ? "validation" : phase.ToString().ToLowerInvariant();

    static IEnumerable<TBatch> Batches(DataLoader<TBatch> loader, long? limit, CancellationToken cancellationToken)
    {
        using var reader = loader.Open(0, 0, cancellationToken);
        for (long i = 0; i < (limit ?? long.MaxValue); i++)
        {
            if (cancellationToken.IsCancellationRequested) yield break;
            try
            {
                if (!reader.MoveNext()) yield break;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                yield break;
            }
            yield return reader.Current;
        }
    }

    /// <summary>The weights to evaluate, for optimizers that train others; those in training come back.</summary>
    readonly struct EvaluationWeights : IDisposable
    {
        readonly IReadOnlyList<RunOptimizer> _optimizers;

        public EvaluationWeights(IReadOnlyList<RunOptimizer> optimizers)
        {
            _optimizers = optimizers;
            foreach (var optimizer in optimizers) optimizer.UseEvaluationWeights();
        }

        public void Dispose()
        {
            foreach (var optimizer in _optimizers) optimizer.UseTrainingWeights();
        }
    }
}
