using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin;

// Validation, tests and predictions that stand alone.
public sealed partial class Trainer
{
    /// <summary>Evaluates on validation data.</summary>
    /// <param name="module">The model and its validation step.</param>
    /// <param name="loaders">One loader, or several with names.</param>
    /// <param name="weights">Which weights; null: those the module has. They stay in the module.</param>
    /// <param name="cancellationToken">Ends it at the next batch.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public EvaluationResult Validate<TBatch>(TrainingModule<TBatch> module, LoaderSet<TBatch> loaders, Weights? weights = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch> => Validate(module, Given(loaders), weights, cancellationToken);

    /// <inheritdoc cref="Validate{TBatch}(TrainingModule{TBatch}, LoaderSet{TBatch}, Weights?, CancellationToken)"/>
    /// <param name="data">Gives the loaders; set up for it and taken down after.</param>
    public EvaluationResult Validate<TBatch>(TrainingModule<TBatch> module, DataModule<TBatch> data, Weights? weights = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch> => Evaluate(RunStage.Validate, module, data, weights, cancellationToken);

    /// <summary>Evaluates on test data.</summary>
    /// <param name="module">The model and its test step; where it has none, its validation step serves, with keys <c>test/…</c> for <c>val/…</c>.</param>
    /// <param name="loaders">One loader, or several with names.</param>
    /// <param name="weights">Which weights; null: those the module has. They stay in the module.</param>
    /// <param name="cancellationToken">Ends it at the next batch.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public EvaluationResult Test<TBatch>(TrainingModule<TBatch> module, LoaderSet<TBatch> loaders, Weights? weights = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch> => Test(module, Given(loaders), weights, cancellationToken);

    /// <inheritdoc cref="Test{TBatch}(TrainingModule{TBatch}, LoaderSet{TBatch}, Weights?, CancellationToken)"/>
    /// <param name="data">Gives the loaders; set up for it and taken down after.</param>
    public EvaluationResult Test<TBatch>(TrainingModule<TBatch> module, DataModule<TBatch> data, Weights? weights = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch> => Evaluate(RunStage.Test, module, data, weights, cancellationToken);

    /// <summary>The model's answers, one batch at a time as they are asked for. The caller owns each tensor. Where several ranks predict, each has the answers to its share.</summary>
    /// <param name="module">The model and its <c>PredictStep</c>.</param>
    /// <param name="loaders">One loader, or several with names, one after another.</param>
    /// <param name="weights">Which weights; null: those the module has. They stay in the module.</param>
    /// <param name="cancellationToken">Ends it at the next batch.</param>
    public IEnumerable<Tensor> Predict<TBatch>(TrainingModule<TBatch> module, LoaderSet<TBatch> loaders, Weights? weights = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch> => Predict(module, Given(loaders), weights, cancellationToken);

    /// <inheritdoc cref="Predict{TBatch}(TrainingModule{TBatch}, LoaderSet{TBatch}, Weights?, CancellationToken)"/>
    /// <param name="data">Gives the loaders; set up for it and taken down after.</param>
    public IEnumerable<Tensor> Predict<TBatch>(TrainingModule<TBatch> module, DataModule<TBatch> data, Weights? weights = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(data);
        return Predict(module, data, weights, null, cancellationToken);
    }

    IEnumerable<Tensor> Predict<TBatch>(TrainingModule<TBatch> module, DataModule<TBatch> data, Weights? weights, Action? absent, CancellationToken cancellationToken)
        where TBatch : IBatch<TBatch>
    {
        return Run();

        IEnumerable<Tensor> Run()
        {
            using var stage = StageSetup<TBatch>.Begin(RunStage.Predict, Options, module, data, _world, cancellationToken);
            using var fabric = LaunchForEvaluation(module);
            Use(weights, module, fabric);
            var evaluator = new Evaluator<TBatch>(fabric, module, stage.Hooks, stage.Overrides, null) { InferenceMode = Options.InferenceMode };
            using var answers = evaluator.Predict(data.PredictLoaders() ?? throw NoLoader(data, "PredictLoaders"), Options.LimitPredict.Apply, absent, cancellationToken).GetEnumerator();
            while (Next(stage, answers)) yield return answers.Current;
            fabric.MakeWhole();
        }

        static bool Next(StageSetup<TBatch> stage, IEnumerator<Tensor> answers)
        {
            try
            {
                return answers.MoveNext();
            }
            catch (Exception error)
            {
                stage.Fail(null, error);
                throw;
            }
        }
    }

    /// <summary>The same while the caller does something else: the model works on a thread of its own, at most <paramref name="ahead"/> batches ahead.</summary>
    /// <inheritdoc cref="Predict{TBatch}(TrainingModule{TBatch}, LoaderSet{TBatch}, Weights?, CancellationToken)"/>
    /// <param name="ahead">Answers that may wait to be taken, 1 and more.</param>
    public async IAsyncEnumerable<Tensor> PredictAsync<TBatch>(
        TrainingModule<TBatch> module, DataModule<TBatch> data, Weights? weights = null, int ahead = 2, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch>
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ahead);
        var queue = Channel.CreateBounded<Tensor>(new BoundedChannelOptions(ahead) { SingleReader = true, SingleWriter = true });
        using var left = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // Grad mode and scopes belong to a thread, so the model stays on one.
        var work = Task.Factory.StartNew(Work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await foreach (var answer in queue.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false)) yield return answer;
        }
        finally
        {
            await left.CancelAsync().ConfigureAwait(false);
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            while (queue.Reader.TryRead(out var unread)) unread.Dispose();
        }

        void Work()
        {
            Exception? failure = null;
            try
            {
                foreach (var answer in Predict(module, data, weights, left.Token))
                {
                    if (queue.Writer.TryWrite(answer)) continue;
                    try
                    {
                        queue.Writer.WriteAsync(answer, left.Token).AsTask().GetAwaiter().GetResult();
                    }
                    catch (OperationCanceledException)
                    {
                        answer.Dispose();
                        throw;
                    }
                }
            }
            catch (Exception error) when (error is not OperationCanceledException || !left.IsCancellationRequested)
            {
                failure = error;
            }
            catch (OperationCanceledException)
            {
                // The reader has left.
            }
            queue.Writer.Complete(failure);
        }
    }

    /// <inheritdoc cref="PredictAsync{TBatch}(TrainingModule{TBatch}, DataModule{TBatch}, Weights?, int, CancellationToken)"/>
    /// <param name="loaders">One loader, or several with names, one after another.</param>
    public IAsyncEnumerable<Tensor> PredictAsync<TBatch>(
        TrainingModule<TBatch> module, LoaderSet<TBatch> loaders, Weights? weights = null, int ahead = 2, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch> => PredictAsync(module, Given(loaders), weights, ahead, cancellationToken);

    /// <summary>Predicts everything and hands each answer to a writer, in the order of the data; nothing is collected. Where several ranks predict, the first one writes for all.</summary>
    /// <inheritdoc cref="Predict{TBatch}(TrainingModule{TBatch}, LoaderSet{TBatch}, Weights?, CancellationToken)"/>
    /// <param name="writer">Where the answers go.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; the writer was told that it is not complete.</exception>
    public void Predict<TBatch>(TrainingModule<TBatch> module, DataModule<TBatch> data, PredictionWriter writer, Weights? weights = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(writer);
        var complete = false;
        using var peers = new Peers(_world);
        var shared = peers.IsAlone ? null : new SharedPredictions(peers, writer);
        var written = new Trainer(Options with { Callbacks = [.. Options.Callbacks, new LambdaCallback { PredictBatchEnd = shared is null ? writer.Write : shared.Write }] }, _lastFit, _world);
        if (peers.IsFirst) writer.Open();
        try
        {
            foreach (var answer in written.Predict(module, data, weights, shared is null ? null : shared.Pass, cancellationToken)) answer.Dispose();
            if (peers.Any(cancellationToken.IsCancellationRequested)) throw new OperationCanceledException(cancellationToken);
            complete = true;
        }
        finally
        {
            if (peers.IsFirst) writer.Close(complete);
        }
    }

    /// <inheritdoc cref="Predict{TBatch}(TrainingModule{TBatch}, DataModule{TBatch}, PredictionWriter, Weights?, CancellationToken)"/>
    /// <param name="loaders">One loader, or several with names, one after another.</param>
    public void Predict<TBatch>(TrainingModule<TBatch> module, LoaderSet<TBatch> loaders, PredictionWriter writer, Weights? weights = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch> => Predict(module, Given(loaders), writer, weights, cancellationToken);

    EvaluationResult Evaluate<TBatch>(RunStage purpose, TrainingModule<TBatch> module, DataModule<TBatch> data, Weights? weights, CancellationToken cancellationToken)
        where TBatch : IBatch<TBatch>
    {
        using var stage = StageSetup<TBatch>.Begin(purpose, Options, module, data, _world, cancellationToken);
        try
        {
            var isTest = purpose == RunStage.Test;
            var loaders = (isTest ? data.TestLoaders() : data.ValidationLoaders()) ?? throw NoLoader(data, isTest ? "TestLoaders" : "ValidationLoaders");
            if (!(isTest ? module.Tests : module.Validates))
                InvalidOptionsException.ThrowIfAny([new("module", $"{module.GetName()} overrides {(isTest ? "neither TestStep nor ValidationStep" : "no ValidationStep")}: there is nothing to evaluate by")]);
            using var fabric = LaunchForEvaluation(module);
            var checkpoint = Use(weights, module, fabric);
            var evaluator = new Evaluator<TBatch>(fabric, module, stage.Hooks, stage.Overrides, null) { InferenceMode = Options.InferenceMode };
            var limit = isTest ? Options.LimitTest : Options.LimitValidation;
            var result = evaluator.Run(isTest ? EvalPhase.Test : EvalPhase.Validation, loaders, limit.Apply, cancellationToken);
            fabric.MakeWhole();
            return (result ?? throw new OperationCanceledException(cancellationToken)) with { Checkpoint = checkpoint };
        }
        catch (Exception error)
        {
            stage.Fail(null, error);
            if (NondeterministicOpException.TryExplain(error, out var explained)) throw explained;
            throw;
        }
    }

    static GivenLoaders<TBatch> Given<TBatch>(LoaderSet<TBatch> loaders) where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(loaders);
        return new GivenLoaders<TBatch>(null, loaders);
    }

    Fabric LaunchForEvaluation<TBatch>(TrainingModule<TBatch> module) where TBatch : IBatch<TBatch>
    {
        var fabric = Fabric.Launch(new FabricOptions { Device = Options.Device, Precision = Options.Precision, Strategy = Options.Strategy, World = _world, Seed = null, Logger = _logger });
        fabric.Setup<nn.Module>(module);
        return fabric;
    }

    /// <summary>Loads the weights that are asked for.</summary>
    /// <returns>The checkpoint's folder; null where the module's own stay.</returns>
    string? Use(Weights? weights, nn.Module module, Fabric fabric)
    {
        var path = weights switch
        {
            null or Weights.OfModule => null,
            Weights.OfPath(var given) => Path.GetFullPath(given),
            Weights.OfBest => BestCheckpoint(),
            _ => LastCheckpoint(),
        };
        if (path is null) return null;
        using var store = new CheckpointStore(Path.GetDirectoryName(path)!);
        using var checkpoint = store.Open(path);
        RunState.RestoreModel(checkpoint, module, strict: true, fabric.Sharded(module));
        foreach (var averaging in Options.Callbacks.OfType<WeightAveraging>()) averaging.UseSaved(checkpoint, module, fabric.Sharded(module));
        return path;
    }

    string BestCheckpoint()
    {
        var monitor = Options.Callbacks.OfType<ModelCheckpoint>().FirstOrDefault(c => c.Monitor is not null)?.Monitor;
        if (_lastFit?.BestCheckpoint is { } known && monitor is not null) return known;
        if (monitor is null)
            InvalidOptionsException.ThrowIfAny([new("weights", "= best, but no ModelCheckpoint of this trainer monitors a metric: give it one (Monitor = Best.Max(\"val/accuracy\")), or ask for Weights.Last")]);
        var ranked = Saved().Where(c => c.Metrics.TryGetValue(monitor!.Metric, out var value) && !double.IsNaN(value)).ToList();
        var best = monitor!.HigherIsBetter ? ranked.MaxBy(c => c.Metrics[monitor.Metric]) : ranked.MinBy(c => c.Metrics[monitor.Metric]);
        if (best is null) InvalidOptionsException.ThrowIfAny([new("weights", $"= best, but no checkpoint of this run has {monitor.Metric}: log it in ValidationStep, or ask for Weights.Last")]);
        return best!.Path;
    }

    string LastCheckpoint() => _lastFit?.LastCheckpoint ?? Saved()[^1].Path;

    IReadOnlyList<CheckpointInfo> Saved()
    {
        var directory = _lastFit?.Directory ?? Options.Output;
        if (directory is null) InvalidOptionsException.ThrowIfAny([new("weights", "of a checkpoint are asked for, but this trainer has fitted nothing and trainer.output is not set: fit first, or give Weights.From(path)")]);
        using var store = new CheckpointStore(RunFolder.Checkpoints(Path.GetFullPath(directory!)), Options.Time, _logger);
        var saved = store.List();
        if (saved.Count == 0) InvalidOptionsException.ThrowIfAny([new("weights", $"of a checkpoint are asked for, but {directory} holds none")]);
        return saved;
    }
}
