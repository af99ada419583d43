using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>Runs evaluation batches without gradients, in evaluation mode, and gives back what was logged, reduced.</summary>
sealed class Evaluator<TBatch>(Fabric fabric, TrainingModule<TBatch> module, HookTable hooks, TrainingRun? run) where TBatch : IBatch<TBatch>
{
    static readonly Dictionary<string, double> Nothing = [];

    /// <summary>Evaluates a loader.</summary>
    /// <param name="limit">Batches to use at most; null for all.</param>
    /// <returns>The results, by logged key; null when <paramref name="cancellationToken"/> was cancelled on the way.</returns>
    /// <exception cref="InvalidOperationException">The loader gave no batch.</exception>
    public List<KeyValuePair<string, double>>? Run(EvalPhase phase, DataLoader<TBatch> loader, long? limit, CancellationToken cancellationToken)
    {
        var log = new MetricLog();
        var metrics = run?.Metrics ?? Nothing;
        using var mode = new EvaluationMode(module);
        using var gradients = no_grad();
        using var scope = TensorScope.Open();
        var step = new EvalStep(phase, log, scope) { Run = run };

        HookTable.Call(hooks.ValidationStart, new EvalEpoch(run, phase, metrics, []));
        var batches = Batches(loader, limit, cancellationToken).GetEnumerator();
        try
        {
            long done = 0;
            if (run is not null) run.ValidationBatch = 0;
            while (batches.MoveNext())
            {
                var batch = fabric.Place(batches.Current);
                step.Index = done;
                step.Samples = batch.Count;
                log.BeginStep();
                using (fabric.Forward()) module.Evaluate(batch, step);
                HookTable.Call(hooks.ValidationBatchEnd, step);
                scope.Free();
                done++;
                if (run is not null) run.ValidationBatch = done;
            }
            if (cancellationToken.IsCancellationRequested)
            {
                log.Reset();
                return null;
            }
            if (done == 0) throw new InvalidOperationException($"The {phase} loader gave no batch: it is empty, or smaller than one batch with the last incomplete one dropped.");
        }
        finally
        {
            batches.Dispose();
            if (run is not null) run.ValidationBatch = null;
        }

        var results = log.ReadEpoch();
        log.Reset();
        if (phase == EvalPhase.Sanity)
        {
            HookTable.Call(hooks.ValidationEnd, new EvalEpoch(run, phase, metrics, results));
            return results;
        }
        if (run is not null)
            foreach (var (key, value) in results) run.SetMetric(key, value);
        HookTable.Call(hooks.ValidationEnd, new EvalEpoch(run, phase, run?.Metrics ?? results.ToDictionary(), results));
        return results;
    }

    /// <summary>The model's answer to each batch; the caller owns each.</summary>
    public IEnumerable<Tensor> Predict(DataLoader<TBatch> loader, long? limit, CancellationToken cancellationToken)
    {
        var log = new MetricLog();
        using var mode = new EvaluationMode(module);
        using var scope = TensorScope.Open();
        var step = new EvalStep(EvalPhase.Predict, log, scope);
        foreach (var fetched in Batches(loader, limit, cancellationToken))
        {
            // Gradients are off for the model only: the caller's code between two answers is its own.
            Tensor answer;
            using (no_grad())
            using (fabric.Forward())
            {
                var batch = fabric.Place(fetched);
                step.Samples = batch.Count;
                answer = scope.Release(module.Predict(batch, step));
            }
            scope.Free();
            step.Index++;
            yield return answer;
        }
    }

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

    /// <summary>Evaluation mode for all submodules, each put back to what it was: a frozen part that was in evaluation mode stays there.</summary>
    sealed class EvaluationMode : IDisposable
    {
        readonly List<(Module Module, bool Training)> _before = [];

        public EvaluationMode(Module root)
        {
            _before.Add((root, root.training));
            foreach (var (_, child) in root.named_modules()) _before.Add((child, child.training));
            root.eval();
        }

        public void Dispose()
        {
            // train() reaches all children, so parents go first and each child is then put back by its own turn.
            foreach (var (module, training) in _before) module.train(training);
        }
    }
}
