using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Raijin.Parallel;
using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>The part of a checkpoint that every loop has, the Trainer's or your own: weights, optimizers, loss scale, random state.</summary>
static class RunState
{
    public const string ModelFile = "model";
    public const string OptimizerFile = "optimizer";
    public const string CallbackFile = "callbacks";
    public const string Random = "random";
    const int Version = 1;

    /// <summary>Everything, as live tensors: borrowed from the model and the optimizers, or owned by the scope that is open.</summary>
    /// <param name="model">The model.</param>
    /// <param name="optimizers">Its optimizers.</param>
    /// <param name="divided">What holds the model where each rank holds a part; null where this rank holds all. Every rank captures then.</param>
    public static CheckpointContent Capture(Module model, IReadOnlyList<RunOptimizer> optimizers, ShardedModel? divided = null)
    {
        var content = new CheckpointContent();
        content.State["version"] = Version;
        List<LogicalSlice>? slices = null;
        if (divided is null) content.Tensors[ModelFile] = [.. model.state_dict()];
        else slices = [.. divided.ModelSlices()];

        var states = new List<KeyValuePair<string, Tensor>>();
        var scalars = new JsonArray();
        for (var i = 0; i < optimizers.Count; i++)
        {
            var state = optimizers[i].CaptureState();
            var prefix = Prefix(i);
            if (slices is not null) slices.AddRange(divided!.OptimizerSlices(optimizers[i].Updater, i, state));
            else foreach (var (key, tensor) in state.Tensors) states.Add(new(prefix + key, tensor));
            scalars.Add(JsonSerializer.SerializeToNode(state.Scalars, StateJson.Default.OptimizerScalars));
        }
        if (slices is null) content.Tensors[OptimizerFile] = states;
        content.Slices = slices;
        content.State["optimizers"] = scalars;
        content.State["schedules"] = new JsonArray([.. optimizers.Select(o => (JsonNode)o.SaveSchedules())]);
        if (optimizers.Count > 0 && optimizers[0].Scaler is { } scaler) content.State["lossScaler"] = JsonSerializer.SerializeToNode(scaler.State, StateJson.Default.LossScalerState);
        content.State[Random] = SaveRandom(RandomState.Capture());
        return content;
    }

    /// <summary>Puts everything back but the random state.</summary>
    /// <param name="checkpoint">Written by any number of ranks, divided in any way.</param>
    /// <param name="model">The model.</param>
    /// <param name="optimizers">Its optimizers.</param>
    /// <param name="sharded">What holds the model where several ranks train it; null for a rank alone.</param>
    public static void Restore(LoadedCheckpoint checkpoint, Module model, IReadOnlyList<RunOptimizer> optimizers, ShardedModel? sharded = null)
    {
        RestoreModel(checkpoint, model, strict: true, sharded);
        var scalars = checkpoint.State["optimizers"]?.AsArray() ?? [];
        if (scalars.Count != optimizers.Count)
            throw new CheckpointException(checkpoint.Path, $"it holds {scalars.Count} optimizers, the run has {optimizers.Count}: configure the same ones.");
        for (var i = 0; i < optimizers.Count; i++)
            if (Remembered(i).Count != optimizers[i].NumAdaptive)
                throw new CheckpointException(checkpoint.Path, $"it holds {Remembered(i).Count} schedules that follow a metric for the optimizer of {optimizers[i].Module.GetName()}, the run has {optimizers[i].NumAdaptive}: configure the same ones.");
        using var scope = TensorScope.Open();
        for (var i = 0; i < optimizers.Count; i++)
        {
            var numbers = scalars[i].Deserialize(StateJson.Default.OptimizerScalars)!;
            if (sharded is not null && !optimizers[i].EvaluatesLoss)
            {
                sharded.LoadOptimizer(checkpoint.Logical, optimizers[i].Updater, i, numbers);
            }
            else
            {
                var prefix = Prefix(i);
                optimizers[i].LoadState(new OptimizerState(numbers, checkpoint.NamesOf(OptimizerFile).Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => (n[prefix.Length..], checkpoint.Read(OptimizerFile, n)))));
            }
            optimizers[i].LoadSchedules(Remembered(i));
        }
        if (checkpoint.State["lossScaler"] is { } scale && optimizers is [{ Scaler: { } scaler }, ..]) scaler.State = scale.Deserialize(StateJson.Default.LossScalerState);

        JsonArray Remembered(int optimizer) => checkpoint.State["schedules"]?[optimizer]?.AsArray() ?? [];
    }

    public static void RestoreModel(LoadedCheckpoint checkpoint, Module model, bool strict, ShardedModel? sharded = null)
    {
        using var scope = TensorScope.Open();
        if (sharded is not null) sharded.LoadModel(checkpoint.Logical);
        else if (checkpoint.Has(ModelFile)) StateDictLoader.Load(checkpoint.File(ModelFile), model, strict);
        else StateDictLoader.Load(checkpoint.Logical, ModelFile, model, strict);
    }

    /// <summary>Puts this rank's random numbers back; a rank that the checkpoint has none of begins its own anew. Ranks as threads share one set of generators, the first one's.</summary>
    public static void RestoreRandom(LoadedCheckpoint checkpoint, long seed, Peers peers)
    {
        if (peers.SharesGenerators && !peers.IsFirst) return;
        if (peers.Rank >= RankStates.CountOf(checkpoint))
        {
            peers.SeedRank(seed);
            return;
        }
        var saved = (peers.IsFirst ? checkpoint.State : RankStates.Of(checkpoint, peers.Rank))[Random]!.AsObject();
        var own = saved["own"]!.AsObject();
        new RandomState(
            Convert.FromBase64String((string)saved["cpu"]!),
            [.. saved["cuda"]!.AsArray().Select(state => Convert.FromBase64String((string)state!))],
            new RandomPosition((ulong)own["seed"]!, (ulong)own["stream"]!, (ulong)own["position"]!)).Restore();
    }

    static JsonObject SaveRandom(RandomState random) => new()
    {
        ["cpu"] = Convert.ToBase64String(random.Cpu),
        ["cuda"] = new JsonArray([.. random.Cuda.Select(state => (JsonNode)Convert.ToBase64String(state))]),
        ["own"] = new JsonObject { ["seed"] = random.Own.Seed, ["stream"] = random.Own.Stream, ["position"] = random.Own.Position },
    };

    static string Prefix(int optimizer) => string.Create(CultureInfo.InvariantCulture, $"{optimizer}/");
}

/// <summary>How the numbers of an optimizer become JSON, generated at compile time: a save needs no reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(OptimizerScalars))]
[JsonSerializable(typeof(LossScalerState))]
sealed partial class StateJson : JsonSerializerContext;
