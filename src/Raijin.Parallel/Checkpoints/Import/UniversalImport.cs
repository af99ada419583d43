using System.Text.Json.Nodes;
using Raijin.Tensors;

namespace Raijin.Parallel;

/// <summary>Reads DeepSpeed's universal form: a folder a parameter, a file a slot, each a whole tensor.</summary>
static class UniversalImport
{
    const string Weights = "fp32.pt";
    const string Step = "step.pt";
    const string Suffix = ".pt";

    public static void Read(ImportedCheckpoint imported, string folder, string? modelFile)
    {
        var zero = Path.Combine(folder, "zero");
        var model = modelFile is null ? null : imported.OpenFile(modelFile);
        var shapes = model?.Dictionary.Contains("param_shapes") == true ? ZeroParts.ShapesOf(model, "param_shapes").SelectMany(g => g).ToDictionary(p => p.Name, p => p.Shape, StringComparer.Ordinal) : [];
        var updates = new JsonObject();
        foreach (var weights in Directory.EnumerateFiles(zero, Weights, new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 16 }).Order(StringComparer.Ordinal))
        {
            var parameter = Path.GetDirectoryName(weights)!;
            var name = Path.GetRelativePath(zero, parameter).Replace(Path.DirectorySeparatorChar, '/');
            foreach (var path in Directory.EnumerateFiles(parameter, "*" + Suffix).Order(StringComparer.Ordinal))
            {
                // Tensors outlive their file; a large model has more files than a process may hold open.
                using var file = TorchFile.Open(path);
                if (Path.GetFileName(path) == Step)
                {
                    updates[name] = StateDictImport.StepOf(file, file.Root);
                    continue;
                }

                // A tensor, or a dictionary that says how it was put together beside it.
                if ((file.Root as PickleTensor ?? (file.Root as PickleDict)?["param"] as PickleTensor) is not { } tensor) throw new CheckpointException(path, "it is neither a tensor nor a dictionary with one under \"param\".");
                IReadOnlyList<long> shape = tensor.Shape;
                if (shapes.TryGetValue(name, out var said) && !said.SequenceEqual(shape))
                {
                    // The converter of stage 3 leaves tensors flat.
                    if (said.Aggregate(1L, static (a, b) => a * b) != tensor.NumElements) throw new CheckpointException(path, $"it is {tensor}, but the model's file says [{string.Join(", ", said)}].");
                    shape = said;
                }

                var loaded = imported.Load(file, tensor);
                if (path == weights) imported.AddModel(name, shape, [loaded]);
                else imported.AddOptimizer(name, Path.GetFileNameWithoutExtension(path), shape, [loaded]);
            }
        }

        if (imported.Model.Count == 0) throw new CheckpointException(zero, $"it holds no folder with {Weights}: it is no universal checkpoint.");
        if (model is not null) ZeroParts.AddRest(imported, model, hasModule: !Path.GetFileName(modelFile)!.StartsWith("zero_", StringComparison.Ordinal));
        imported.Format = "DeepSpeed, universal";
        if (updates.Count > 0) imported.State["optimizer0Updates"] = updates;
        var options = Path.Combine(zero, "optimizer_state.pt");
        if (File.Exists(options)) imported.State["optimizer0"] = PickleJson.Of((imported.OpenFile(options).Root as PickleDict)?["param_groups"]);
    }
}
