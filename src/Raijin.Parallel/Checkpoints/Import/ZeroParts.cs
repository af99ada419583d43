using System.Text.Json.Nodes;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

// Stages 1 and 2: the parameters of a group, in the order of param_shapes, make one flat vector, padded at its end; rank k holds the k-th part of it (its padding cut off, or not). So the parts one
// after another are the vector, and a parameter is a run of it that may cross parts.
// Stage 3: each parameter is divided by itself, ceil(n / ranks) elements a rank, padded at its end; a rank's flat groups, one after another, hold its pieces of all parameters in order.
// Optimizer state is laid out as the weights are. Nothing is joined here: a tensor becomes a list of views.

/// <summary>Puts the parts of a ZeRO checkpoint together.</summary>
static class ZeroParts
{
    public static void Read(ImportedCheckpoint imported, string folder, IReadOnlyList<string> modelFiles, IReadOnlyList<string> partFiles)
    {
        var models = modelFiles.Select(imported.OpenFile).ToList();
        var parts = partFiles.Select(path => Part.Open(imported, imported.OpenFile(path))).ToList();
        var stage = parts[0].Stage;
        if (parts.Find(p => p.Stage != stage || p.NumRanks != parts.Count) is { } odd)
            throw new CheckpointException(odd.Path, $"it is of stage {odd.Stage} and {odd.NumRanks} ranks, but the first is of stage {stage}, and {parts.Count} files are here: some are missing, or files of different runs are mixed.");

        var groups = ShapesOf(models[0], "param_shapes");
        if (stage == 3) AddDivided(imported, folder, groups.SelectMany(g => g), parts);
        else AddFlat(imported, groups, parts);
        AddFrozen(imported, stage, models);
        AddRest(imported, models[0], hasModule: stage < 3);
        imported.Format = $"DeepSpeed, ZeRO stage {stage}, {parts.Count} ranks";
        imported.State["optimizer0"] = parts[0].Options;
        if (parts[0].Updates is { } updates) imported.State["optimizer0Updates"] = updates;
    }

    /// <summary>What the model's file holds besides trained parameters: buffers, second names of parameters, frozen ones, facts of the run.</summary>
    /// <param name="imported">Gets it.</param>
    /// <param name="model">The model's file.</param>
    /// <param name="hasModule">Whether its module holds values: stage 3 keeps empty stand-ins there.</param>
    public static void AddRest(ImportedCheckpoint imported, TorchFile model, bool hasModule)
    {
        AddBuffers(imported, model);
        AddShared(imported, model);
        if (hasModule) AddUntrained(imported, model);
        DeepSpeedImport.AddFacts(imported, model.Dictionary);
    }

    static void AddFlat(ImportedCheckpoint imported, IReadOnlyList<IReadOnlyList<(string Name, long[] Shape)>> groups, List<Part> parts)
    {
        if (parts.Find(p => p.Groups.Count != groups.Count) is { } odd) throw new CheckpointException(odd.Path, $"it has {odd.Groups.Count} groups of parameters, the model's file has {groups.Count}.");
        for (var g = 0; g < groups.Count; g++)
        {
            foreach (var slot in parts[0].Groups[g].Keys)
            {
                var flat = new PieceRun(imported, [.. parts.Select(p => p.Tensor(g, slot))]);
                foreach (var (name, shape) in groups[g]) Add(imported, name, slot, shape, flat.Take(Count(shape), parts[0].Path, name));
                // Padding makes the vector divisible by twice the number of ranks.
                if (slot == Part.Weights && flat.Left >= 2 * parts.Count)
                    throw new CheckpointException(parts[0].Path, $"{flat.Left} elements of group {g} belong to no parameter of the model's file: the files do not belong together.");
            }
        }
    }

    static void AddDivided(ImportedCheckpoint imported, string folder, IEnumerable<(string Name, long[] Shape)> parameters, List<Part> parts)
    {
        var all = parameters.ToList();
        foreach (var slot in parts[0].Groups[0].Keys)
        {
            var runs = parts.Select(p => new PieceRun(imported, [.. Enumerable.Range(0, p.Groups.Count).Select(g => p.Tensor(g, slot))])).ToList();
            foreach (var (name, shape) in all)
            {
                var count = Count(shape);
                var each = (count + parts.Count - 1) / parts.Count;
                var pieces = new List<Tensor>();
                foreach (var (rank, run) in runs.Index())
                {
                    var mine = Math.Clamp(count - rank * each, 0, each);
                    pieces.AddRange(run.Take(mine, parts[rank].Path, name));
                    run.Skip(each - mine, parts[rank].Path, name);
                }

                Add(imported, name, slot, shape, pieces);
            }

            if (runs.FindIndex(r => r.Left > 0) is var over and >= 0)
                throw new CheckpointException(folder, $"rank {over} holds {runs[over].Left} elements of {slot} that belong to no parameter of the model's file: the files do not belong together.");
        }
    }

    static void AddFrozen(ImportedCheckpoint imported, int stage, List<TorchFile> models)
    {
        if (models[0].Dictionary["frozen_param_fragments"] is not PickleDict { Entries.Count: > 0 }) return;
        foreach (var (name, shape) in Shapes(models[0], models[0].Dictionary["frozen_param_shapes"], "frozen_param_shapes"))
        {
            var count = Count(shape);
            var pieces = new List<Tensor>();
            foreach (var model in stage == 3 ? models : models[..1])
            {
                if ((model.Dictionary["frozen_param_fragments"] as PickleDict)?[name] is not PickleTensor fragment) throw new CheckpointException(model.Path, $"it holds no part of the frozen parameter \"{name}\".");
                var left = count - pieces.Sum(p => p.NumberOfElements);
                var flat = imported.Own(imported.Load(model, fragment).reshape(-1));
                pieces.Add(flat.NumberOfElements <= left ? flat : imported.Own(flat.narrow(0, 0, left)));
            }

            if (pieces.Sum(p => p.NumberOfElements) != count) throw new CheckpointException(models[0].Path, $"the frozen parameter \"{name}\" has {count} elements, its parts {pieces.Sum(p => p.NumberOfElements)}.");
            imported.AddModel(name, shape, pieces);
        }
    }

    static void AddBuffers(ImportedCheckpoint imported, TorchFile model)
    {
        var module = model.Dictionary["module"] as PickleDict;
        foreach (var item in (model.Dictionary["buffer_names"] as PickleList)?.Items ?? [])
        {
            if (item is string name && module?[name] is PickleTensor buffer) imported.AddModel(name, buffer.Shape, [imported.Load(model, buffer)]);
            else throw new CheckpointException(model.Path, $"the buffer \"{item}\" is listed, but not in its module.");
        }
    }

    // Stage 1 keeps frozen parameters in the module only, in its own precision.
    static void AddUntrained(ImportedCheckpoint imported, TorchFile model)
    {
        var known = imported.Model.Select(t => t.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var (key, value) in (model.Dictionary["module"] as PickleDict)?.Entries ?? [])
            if (key is string name && value is PickleTensor tensor && !known.Contains(name)) imported.AddModel(name, tensor.Shape, [imported.Load(model, tensor)]);
    }

    static void AddShared(ImportedCheckpoint imported, TorchFile model)
    {
        var known = imported.Model.ToDictionary(t => t.Name, StringComparer.Ordinal);
        foreach (var (other, source) in (model.Dictionary["shared_params"] as PickleDict)?.Entries ?? [])
        {
            if (other is not string name || source is not string of || !known.TryGetValue(of, out var tensor)) throw new CheckpointException(model.Path, $"\"{other}\" is said to be the same as \"{source}\", which is not there.");
            if (!known.ContainsKey(name)) imported.AddModel(name, tensor.Shape, tensor.Pieces);
        }
    }

    static void Add(ImportedCheckpoint imported, string name, string slot, long[] shape, IReadOnlyList<Tensor> pieces)
    {
        if (pieces.Count == 0) pieces = [imported.Own(empty(shape, ScalarType.Float32))];
        if (slot == Part.Weights) imported.AddModel(name, shape, pieces);
        else imported.AddOptimizer(name, slot, shape, pieces);
    }

    static long Count(long[] shape) => shape.Aggregate(1L, static (a, b) => a * b);

    public static IReadOnlyList<IReadOnlyList<(string Name, long[] Shape)>> ShapesOf(TorchFile model, string key) => model.Dictionary[key] switch
    {
        PickleList list => [.. list.Items.Select(group => Shapes(model, group, key))],
        PickleDict one => [Shapes(model, one, key)],
        _ => throw new CheckpointException(model.Path, $"it holds no \"{key}\": it was not saved with ZeRO."),
    };

    static List<(string Name, long[] Shape)> Shapes(TorchFile model, object? group, string key)
    {
        if (group is not PickleDict shapes) throw new CheckpointException(model.Path, $"its \"{key}\" is no dictionary of shapes.");
        var found = new List<(string, long[])>();
        foreach (var (name, value) in shapes.Entries)
        {
            long[]? shape = value is PickleTuple { Items: var sizes } && sizes.All(s => s is long) ? [.. sizes.Select(s => (long)s!)] : null;
            if (name is not string text || shape is null || ShardIndex.NumElements(shape, sizeof(double)) < 0) throw new CheckpointException(model.Path, $"in its \"{key}\", \"{name}\" has no shape that a tensor can have.");
            found.Add((text, shape));
        }

        return found;
    }

    /// <summary>Runs of elements taken one after another from tensors that follow each other.</summary>
    sealed class PieceRun(ImportedCheckpoint imported, IReadOnlyList<Tensor> tensors)
    {
        int _tensor;
        long _offset;

        public long Left => tensors.Skip(_tensor).Sum(t => t.NumberOfElements) - _offset;

        public List<Tensor> Take(long count, string path, string name)
        {
            var pieces = new List<Tensor>();
            Advance(count, path, name, (tensor, start, length) => pieces.Add(imported.Own(tensor.narrow(0, start, length))));
            return pieces;
        }

        public void Skip(long count, string path, string name) => Advance(count, path, name, static (_, _, _) => { });

        void Advance(long count, string path, string name, Action<Tensor, long, long> use)
        {
            while (count > 0)
            {
                if (_tensor == tensors.Count) throw new CheckpointException(path, $"{count} elements of \"{name}\" are in no part: the files do not belong together, or some are missing.");
                var length = Math.Min(count, tensors[_tensor].NumberOfElements - _offset);
                if (length > 0) use(tensors[_tensor], _offset, length);
                count -= length;
                _offset += length;
                if (_offset < tensors[_tensor].NumberOfElements) continue;
                _tensor++;
                _offset = 0;
            }
        }
    }

    /// <summary>A rank's part: for each group, flat tensors by slot, the weights among them.</summary>
    sealed class Part
    {
        public const string Weights = "fp32";

        readonly ImportedCheckpoint _imported;
        readonly TorchFile _file;

        Part(ImportedCheckpoint imported, TorchFile file, int stage, int numRanks, List<Dictionary<string, PickleTensor>> groups, JsonNode? options, long? updates)
        {
            _imported = imported;
            _file = file;
            (Stage, NumRanks, Groups, Options, Updates) = (stage, numRanks, groups, options, updates);
        }

        public string Path => _file.Path;

        public int Stage { get; }

        public int NumRanks { get; }

        public List<Dictionary<string, PickleTensor>> Groups { get; }

        public JsonNode? Options { get; }

        public long? Updates { get; }

        public static Part Open(ImportedCheckpoint imported, TorchFile file)
        {
            if (file.Dictionary["optimizer_state_dict"] is not PickleDict state) throw new CheckpointException(file.Path, "it holds no \"optimizer_state_dict\": it is no part of a ZeRO checkpoint.");
            var stage = Number(state["zero_stage"]) ?? (state.Contains("single_partition_of_fp32_groups") ? 1 : -1);
            var ranks = state["partition_count"] is PickleList { Items: var counts } ? counts.Max(Number) : Number(state["partition_count"]);
            if (stage is not (1 or 2 or 3) || ranks is null) throw new CheckpointException(file.Path, "it says neither the stage of ZeRO nor the number of ranks.");
            var weights = state[stage == 3 ? "fp32_flat_groups" : "single_partition_of_fp32_groups"] as PickleList;
            if (weights is null || weights.Items.Count == 0 || weights.Items.Any(w => w is not PickleTensor { Shape.Count: 1 })) throw new CheckpointException(file.Path, "its float32 weights are not a list of flat tensors.");

            // Elastic checkpoints keep a list of states, others the optimizer's own state_dict.
            var optimizer = state[stage == 3 ? "optimizer_state_dict" : "base_optimizer_state"];
            var states = optimizer is PickleList list ? list.Items : ((optimizer as PickleDict)?["state"] as PickleDict)?.Entries.OrderBy(e => e.Key as long?).Select(e => e.Value).ToList() ?? [];
            var groups = new List<Dictionary<string, PickleTensor>>();
            long? updates = null;
            foreach (var (g, item) in weights.Items.Index())
            {
                var flat = (PickleTensor)item!;
                var slots = new Dictionary<string, PickleTensor>(StringComparer.Ordinal) { [Weights] = flat };
                groups.Add(slots);
                foreach (var (slot, value) in (g < states.Count ? states[g] as PickleDict : null)?.Entries ?? [])
                {
                    if (slot is "step") updates = StateDictImport.StepOf(file, value);
                    else if (slot is string name && value is PickleTensor { Shape.Count: 1 } tensor && tensor.NumElements >= flat.NumElements) slots[name] = tensor;
                }
            }

            return new Part(imported, file, (int)stage, (int)ranks, groups, PickleJson.Of((optimizer as PickleDict)?["param_groups"]), updates);
        }

        public Tensor Tensor(int group, string slot) => Groups[group].TryGetValue(slot, out var tensor)
            ? _imported.Load(_file, tensor)
            : throw new CheckpointException(Path, $"group {group} has no \"{slot}\", which the first rank's has.");

        // An enumeration is an object made from its number or, by some versions of Python, looked up by its name.
        static long? Number(object? value) => value switch
        {
            long number => number,
            PickleObject { Arguments: [long number] } => number,
            PickleObject { Arguments: [PickleGlobal { Name: "ZeroStageEnum" }, string name] } => name switch
            {
                "optimizer_states" => 1,
                "gradients" => 2,
                "weights" or "max_stage" => 3,
                _ => null,
            },
            _ => null,
        };
    }
}
