using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Raijin.Parallel;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>A Trainer's checkpoint: what every loop has, and the cursor, the logs' accumulations, metrics, callbacks, and what the loader must be.</summary>
static class RunSnapshot
{
    const string MetricFile = "metrics";

    public static CheckpointContent Capture<TBatch>(RunPlan plan, TrainingRun run, FitCursor cursor, TrainingModule<TBatch> module, DataModule<TBatch> data, IReadOnlyList<Callback> callbacks, Peers peers, ShardedModel? divided) where TBatch : IBatch<TBatch>
    {
        var content = RunState.Capture(module, run.Optimizers, divided);
        var state = content.State;
        state["cursor"] = cursor.Save();
        state["elapsedTicks"] = run.Elapsed.Ticks;
        state["loader"] = plan.LoaderFingerprint;
        if (plan.Layout is { } layout) state["layout"] = new JsonObject { ["samples"] = layout.Samples, ["perBatch"] = layout.SamplesPerBatch };
        state["accumulation"] = AccumulationText(plan);
        state["batchesPerEpoch"] = plan.BatchesPerEpoch;
        var metrics = module.Metrics().ToList();
        state["trainLog"] = run.TrainLog.Save(metric => metrics.Find(m => ReferenceEquals(m.Metric, metric)).Name);
        state["metrics"] = new JsonObject(run.Metrics.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)JsonValue.Create(BitConverter.DoubleToInt64Bits(m.Value)))));

        var saved = new JsonObject();
        var kept = new List<KeyValuePair<string, Tensor>>();
        foreach (var callback in callbacks)
        {
            if (callback.SaveState() is { } own) saved[callback.StateKey] = own;
            foreach (var (name, tensor) in callback.SaveTensors()) kept.Add(new($"{callback.StateKey}/{name}", tensor));
            if (content.Slices is { } slices) content.Slices = [.. slices, .. callback.SaveSlices($"{RunState.CallbackFile}/{callback.StateKey}/")];
        }
        state["callbacks"] = saved;
        if (kept.Count > 0) content.Tensors[RunState.CallbackFile] = kept;
        if (module.Save() is { } ofModule) state["module"] = ofModule;
        if (data.SaveState() is { } ofData) state["data"] = ofData;

        var tensors = new List<KeyValuePair<string, Tensor>>();
        var updates = new JsonObject();
        foreach (var (name, metric) in metrics)
        {
            foreach (var part in metric.Parts())
            {
                var path = PathOf(name, part);
                updates[path] = part.States.Updates;
                foreach (var of in part.States) tensors.Add(new($"{path}/{of.Name}", of.Value));
            }
        }
        content.Tensors[MetricFile] = tensors;
        state["metricUpdates"] = updates;
        RankStates.Gather(peers, content, new JsonObject
        {
            [RunState.Random] = state[RunState.Random]!.DeepClone(),
            ["trainLog"] = state["trainLog"]!.DeepClone(),
            ["metricUpdates"] = updates.DeepClone(),
        }, MetricFile, tensors);
        return content;
    }

    /// <summary>Puts a run back to where the checkpoint left it, all but the random state.</summary>
    /// <returns>Where it goes on.</returns>
    /// <exception cref="CheckpointException">The run is not the same: other data, another accumulation, other weights.</exception>
    public static FitCursor Restore<TBatch>(LoadedCheckpoint checkpoint, RunPlan plan, TrainingRun run, TrainingModule<TBatch> module, DataModule<TBatch> data, IReadOnlyList<Callback> callbacks, ShardedModel? sharded) where TBatch : IBatch<TBatch>
    {
        var state = checkpoint.State;
        if (state["cursor"] is not JsonObject cursor)
            throw new CheckpointException(checkpoint.Path, "it holds no place in a Trainer's run: it was written by a loop of your own. Load its weights with Trainer.LoadWeights.");
        var peers = run.Peers;
        var moved = RankStates.CountOf(checkpoint) == peers.Size ? null : Moved(state, plan);
        if (moved is null)
        {
            // A loader that is asked for anew as training goes on is another one in each epoch.
            if (plan.Options.ReloadLoaders.IsNever) Same("the training loader", (string?)state["loader"], plan.LoaderFingerprint);
            Same("trainer.accumulateGradients", (string?)state["accumulation"]?.ToString(), AccumulationText(plan));
            Same("the number of batches in an epoch", state["batchesPerEpoch"]?.ToString(), plan.BatchesPerEpoch?.ToString(CultureInfo.InvariantCulture));
        }

        RunState.Restore(checkpoint, module, run.Optimizers, sharded);
        foreach (var rank in RankStates.TakenBy(peers, checkpoint))
            run.TrainLog.Load((rank == 0 ? state : RankStates.Of(checkpoint, rank))["trainLog"]!.AsArray(), module.Metrics().ToDictionary(m => m.Name, m => m.Metric));
        foreach (var (key, bits) in state["metrics"]!.AsObject()) run.SetMetric(key, BitConverter.Int64BitsToDouble((long)bits!));

        if (state["module"] is JsonObject ofModule) module.Load(ofModule.DeepClone().AsObject());
        if (state["data"] is JsonObject ofData) data.LoadState(ofData.DeepClone().AsObject());

        using var scope = TensorScope.Open();
        var saved = state["callbacks"]!.AsObject();
        foreach (var callback in callbacks)
        {
            if (saved[callback.StateKey] is JsonObject own) callback.LoadState(own.DeepClone().AsObject());
            callback.TakeBack(run, new SavedTensors(checkpoint, callback.StateKey));
        }

        foreach (var (name, metric) in module.Metrics())
        {
            foreach (var part in metric.Parts())
            {
                var path = PathOf(name, part);
                foreach (var rank in RankStates.TakenBy(peers, checkpoint))
                {
                    if ((rank == 0 ? state : RankStates.Of(checkpoint, rank))["metricUpdates"]![path] is not { } count) continue;
                    var values = part.States.ToDictionary(s => s.Name, s => checkpoint.Read(MetricFile, RankStates.PathOf(rank, $"{path}/{s.Name}")));
                    if (rank == peers.Rank) part.States.Load(values, (long)count);
                    else part.States.Fold(values, (long)count);
                }
            }
        }
        var place = FitCursor.Load(cursor);
        if (moved is not var (then, now)) return place;
        // The same sample of the epoch comes next, as far as the new batches begin there.
        var (batch, again) = Math.DivRem(place.Batch * then, now);
        if (again > 0 && run.IsRankZero) run.Logger.LogWarning("The checkpoint lies {Samples} samples into a batch of {Size} on {Ranks} ranks: they are seen twice.", again, now, peers.Size);
        return place with { Batch = batch };

        void Same(string what, string? then, string? now)
        {
            if (then != now)
                throw new CheckpointException(checkpoint.Path, $"{what} was \"{then}\" and is now \"{now}\". A resumed run continues with the same data in the same order: give it the same, or start afresh from its weights with Trainer.LoadWeights.");
        }
    }

    /// <summary>Samples of a batch over all ranks, then and now, where other ranks share the same row of samples; null where it is another row, or where that can't be known.</summary>
    static (long Then, long Now)? Moved(JsonObject state, RunPlan plan)
    {
        if (state["layout"] is not JsonObject layout || plan.Layout is not { } now || (string?)layout["samples"] != now.Samples) return null;
        return ((long)layout["perBatch"]!, now.SamplesPerBatch);
    }

    static string AccumulationText(RunPlan plan)
    {
        var first = plan.Accumulation.ToString(CultureInfo.InvariantCulture);
        return plan.AccumulationChanges.Count == 0 ? first : string.Join(", ", plan.AccumulationChanges.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Value} from epoch {c.Key}")));
    }

    public static void RestoreRandomState(LoadedCheckpoint checkpoint, long seed, Peers peers) => RunState.RestoreRandom(checkpoint, seed, peers);

    public static TimeSpan ElapsedOf(LoadedCheckpoint checkpoint) => new((long?)checkpoint.State["elapsedTicks"] ?? 0);

    static string PathOf(string name, MetricPart part) => part.Path.Length == 0 ? name : $"{name}/{part.Path}";
}
