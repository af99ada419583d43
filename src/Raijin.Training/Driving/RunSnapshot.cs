using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>A Trainer's checkpoint: what every loop has, and the cursor, the logs' accumulations, metrics, callbacks, and what the loader must be.</summary>
static class RunSnapshot
{
    const string MetricFile = "metrics";

    public static CheckpointContent Capture<TBatch>(RunPlan plan, TrainingRun run, FitCursor cursor, TrainingModule<TBatch> module, IReadOnlyList<Callback> callbacks) where TBatch : IBatch<TBatch>
    {
        var content = RunState.Capture(module, run.Optimizers);
        var state = content.State;
        state["cursor"] = cursor.Save();
        state["elapsedTicks"] = run.Elapsed.Ticks;
        state["loader"] = plan.LoaderFingerprint;
        state["accumulation"] = plan.Accumulation;
        state["batchesPerEpoch"] = plan.BatchesPerEpoch;
        var metrics = module.Metrics().ToList();
        state["trainLog"] = run.TrainLog.Save(metric => metrics.Find(m => ReferenceEquals(m.Metric, metric)).Name);
        state["metrics"] = new JsonObject(run.Metrics.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)JsonValue.Create(BitConverter.DoubleToInt64Bits(m.Value)))));

        var saved = new JsonObject();
        foreach (var callback in callbacks)
            if (callback.SaveState() is { } own) saved[callback.StateKey] = own;
        state["callbacks"] = saved;

        var tensors = new List<KeyValuePair<string, Tensor>>();
        var updates = new JsonObject();
        foreach (var (name, metric) in metrics)
        {
            updates[name] = metric.Updates;
            foreach (var part in metric.States) tensors.Add(new($"{name}/{part.Name}", part.Value));
        }
        content.Tensors[MetricFile] = tensors;
        state["metricUpdates"] = updates;
        return content;
    }

    /// <summary>Puts a run back to where the checkpoint left it, all but the random state.</summary>
    /// <returns>Where it goes on.</returns>
    /// <exception cref="CheckpointException">The run is not the same: other data, another accumulation, other weights.</exception>
    public static FitCursor Restore<TBatch>(LoadedCheckpoint checkpoint, RunPlan plan, TrainingRun run, TrainingModule<TBatch> module, IReadOnlyList<Callback> callbacks) where TBatch : IBatch<TBatch>
    {
        var state = checkpoint.State;
        if (state["cursor"] is not JsonObject cursor)
            throw new CheckpointException(checkpoint.Path, "it holds no place in a Trainer's run: it was written by a loop of your own. Load its weights with Trainer.LoadWeights.");
        Same("the training loader", (string?)state["loader"], plan.LoaderFingerprint);
        Same("trainer.accumulateGradients", (string?)state["accumulation"]?.ToString(), plan.Accumulation.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Same("the number of batches in an epoch", state["batchesPerEpoch"]?.ToString(), plan.BatchesPerEpoch?.ToString(System.Globalization.CultureInfo.InvariantCulture));

        RunState.Restore(checkpoint, module, run.Optimizers);
        run.TrainLog.Load(state["trainLog"]!.AsArray(), module.Metrics().ToDictionary(m => m.Name, m => m.Metric));
        foreach (var (key, bits) in state["metrics"]!.AsObject()) run.SetMetric(key, BitConverter.Int64BitsToDouble((long)bits!));

        var saved = state["callbacks"]!.AsObject();
        foreach (var callback in callbacks)
            if (saved[callback.StateKey] is JsonObject own) callback.LoadState(own.DeepClone().AsObject());

        using var scope = TensorScope.Open();
        var tensors = checkpoint.File(MetricFile);
        var updates = state["metricUpdates"]!.AsObject();
        foreach (var (name, metric) in module.Metrics())
        {
            if (updates[name] is not { } count) continue;
            metric.Load(metric.States.ToDictionary(s => s.Name, s => tensors.Tensor($"{name}/{s.Name}")), (long)count);
        }
        return FitCursor.Load(cursor);

        void Same(string what, string? then, string? now)
        {
            if (then != now)
                throw new CheckpointException(checkpoint.Path, $"{what} was \"{then}\" and is now \"{now}\". A resumed run continues with the same data in the same order: give it the same, or start afresh from its weights with Trainer.LoadWeights.");
        }
    }

    public static void RestoreRandomState(LoadedCheckpoint checkpoint) => RunState.RestoreRandom(checkpoint);

    public static TimeSpan ElapsedOf(LoadedCheckpoint checkpoint) => new((long?)checkpoint.State["elapsedTicks"] ?? 0);
}
