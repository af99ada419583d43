using System.Text.Json.Nodes;
using Raijin.Tensors;

namespace Raijin.Parallel;

// A state_dict is a dictionary of tensors by name. Around it: nothing (a file of weights), a Lightning checkpoint (state_dict, optimizer_states, epoch, global_step), or a dictionary of one's own,
// where weights go by one of a few names.
// A PyTorch optimizer numbers its parameters and does not name them. Its state is taken over only where its parameters and the file's weights agree one by one, in order, by shape; else it is left out and
// that is said.

/// <summary>Reads one file of <c>torch.save</c>.</summary>
static class StateDictImport
{
    static readonly string[] WeightKeys = ["state_dict", "model_state_dict", "model", "module", "net", "weights"];
    static readonly string[] OptimizerKeys = ["optimizer_states", "optimizer_state_dict", "optimizer"];

    /// <summary>Ends of the names of what is in a state_dict and never a parameter.</summary>
    static readonly string[] BufferEnds = ["running_mean", "running_var", "num_batches_tracked"];

    public static void Read(ImportedCheckpoint imported)
    {
        var file = imported.OpenFile(imported.Path);
        var root = file.Dictionary;
        var weights = WeightKeys.Select(key => root[key] as PickleDict).FirstOrDefault(dict => dict?.Entries.Any(e => e.Value is PickleTensor) == true);
        var isBare = weights is null;
        weights ??= root;
        AddWeights(imported, file, weights);
        if (imported.Model.Count == 0)
            throw new CheckpointException(imported.Path, $"it holds no state_dict: a dictionary of tensors was expected, at its top or under {string.Join(", ", WeightKeys)}; it holds {string.Join(", ", root.Entries.Take(10).Select(e => $"\"{e.Key}\""))}.");

        var isLightning = root.Contains("pytorch-lightning_version");
        imported.Format = isLightning ? $"Lightning {root["pytorch-lightning_version"]}" : isBare ? "PyTorch state_dict" : "PyTorch checkpoint";
        if (isBare) return;
        imported.Step = root["global_step"] as long? ?? root["step"] as long? ?? 0;
        foreach (var (key, value) in root.Entries)
        {
            // What holds tensors is not plain data.
            if (key is string name && !ReferenceEquals(value, weights) && !OptimizerKeys.Contains(name) && value is not PickleTensor) imported.State[name] = PickleJson.Of(value);
        }

        if (OptimizerKeys.FirstOrDefault(root.Contains) is not { } optimizers) return;
        foreach (var (i, optimizer) in (root[optimizers] is PickleList list ? list.Items : [root[optimizers]]).Index()) AddOptimizer(imported, file, weights, optimizer, i);
    }

    public static void AddWeights(ImportedCheckpoint imported, TorchFile file, PickleDict weights)
    {
        foreach (var (key, value) in weights.Entries)
        {
            if (key is string name && value is PickleTensor tensor) imported.AddModel(name, tensor.Shape, [imported.Load(file, tensor)]);
            else if (value is not null) imported.Note($"\"{key}\" of the state_dict is no tensor, and was left out.");
        }
    }

    static void AddOptimizer(ImportedCheckpoint imported, TorchFile file, PickleDict weights, object? optimizer, int index)
    {
        if (optimizer is not PickleDict { } dict || dict["state"] is not PickleDict states || dict["param_groups"] is not PickleList groups)
        {
            imported.Note($"Optimizer {index} has no state and param_groups, and was left out.");
            return;
        }

        imported.State[$"optimizer{index}"] = PickleJson.Of(groups);
        var parameters = groups.Items.OfType<PickleDict>().SelectMany(g => (g["params"] as PickleList)?.Items ?? []).OfType<long>().ToList();
        var named = weights.Entries.Where(e => e is { Key: string name, Value: PickleTensor } && !BufferEnds.Any(end => name.EndsWith(end, StringComparison.Ordinal)))
            .Select(e => (Name: (string)e.Key!, Tensor: (PickleTensor)e.Value!)).ToList();
        if (parameters.Count != named.Count || parameters.Zip(named).Any(pair => !Fits(states[pair.First] as PickleDict, pair.Second.Tensor)))
        {
            imported.Note($"The state of optimizer {index} was left out: its {parameters.Count} parameters have numbers instead of names, and do not agree in order and shape with the {named.Count} weights.");
            return;
        }

        var updates = new JsonObject();
        foreach (var (number, (name, tensor)) in parameters.Zip(named))
        {
            foreach (var (slot, value) in (states[number] as PickleDict)?.Entries ?? [])
            {
                if (slot is not string text) continue;
                if (text == "step") updates[name] = StepOf(file, value);
                else if (value is PickleTensor state && state.Shape.SequenceEqual(tensor.Shape)) imported.AddOptimizer(name, text, tensor.Shape, [imported.Load(file, state)], index);
                else if (value is not null) imported.Note($"\"{text}\" of the optimizer's state of \"{name}\" is {(value is PickleTensor other ? other : "no tensor")}, and was left out.");
            }
        }

        imported.State[$"optimizer{index}Updates"] = updates;
    }

    /// <summary>How many updates a parameter has had, which is a number or a tensor of one.</summary>
    public static long StepOf(TorchFile file, object? value)
    {
        switch (value)
        {
            case long number: return number;
            case double number: return (long)number;
            case PickleTensor { NumElements: 1 } tensor:
                using (var loaded = file.Load(tensor))
                using (var wide = loaded.to(TorchSharp.torch.ScalarType.Float64))
                    return (long)TorchSharp.TensorExtensionMethods.ToDouble(wide);
            default: return 0;
        }
    }

    // No state yet fits everything; else one tensor at least is of the parameter's shape, and none of several elements is of another.
    static bool Fits(PickleDict? state, PickleTensor parameter)
    {
        if (state is null) return true;
        var tensors = state.Entries.Select(e => e.Value).OfType<PickleTensor>().ToList();
        return tensors.Where(t => t.NumElements > 1).All(t => t.Shape.SequenceEqual(parameter.Shape)) && (tensors.Count == 0 || tensors.Any(t => t.Shape.SequenceEqual(parameter.Shape)));
    }
}
