using System.Globalization;
using System.Text.RegularExpressions;
using Raijin.Tensors;

namespace Raijin.Parallel;

// <folder>/latest                                            the name of the newest checkpoint's folder
// <tag>/mp_rank_00_model_states.pt                           stages 0 to 2: module, buffer_names, param_shapes, frozen and shared parameters
// <tag>/zero_pp_rank_R_mp_rank_00_model_states.pt            stage 3: the same, one a rank
// <tag>/[bf16_]zero_pp_rank_R_mp_rank_00_optim_states.pt     stages 1 to 3: this rank's part of the flat float32 weights and optimizer state
// <tag>/zero/PARAMETER/{fp32,exp_avg,exp_avg_sq,step}.pt     the universal form
// Names and layouts are those of DeepSpeed 0.19; the arithmetic of the parts is in ZeroParts.

/// <summary>Reads a folder that DeepSpeed saved.</summary>
static partial class DeepSpeedImport
{
    const string Latest = "latest";
    const string Universal = "zero";
    const int LongestTag = 255;

    public static void Read(ImportedCheckpoint imported)
    {
        var folder = FolderOf(imported.Path);
        var files = Directory.EnumerateFiles(folder).Select(f => Path.GetFileName(f)!).ToList();
        if (files.FirstOrDefault(f => OtherParallelism().IsMatch(f)) is { } other)
            throw new CheckpointException(Path.Combine(folder, other), "the checkpoint is divided by tensor, pipeline or expert parallelism too; only data-parallel ones are read. Convert it to the universal form with DeepSpeed's ds_to_universal first.");

        if (Directory.Exists(Path.Combine(folder, Universal)))
        {
            UniversalImport.Read(imported, folder, ModelFile(files, folder));
            return;
        }

        var model = ModelFile(files, folder) ?? throw new CheckpointException(folder, "it holds no mp_rank_00_model_states.pt, zero_pp_rank_0_mp_rank_00_model_states.pt or folder \"zero\": it is no checkpoint of DeepSpeed.");
        var parts = Ranked(files, OptimizerFile(), folder);
        var models = Ranked(files, ZeroModelFile(), folder);
        if (parts.Count == 0) ReadWhole(imported, model);
        else ZeroParts.Read(imported, folder, models.Count > 0 ? models : [model], parts);
    }

    /// <summary>The numbers that the model's file keeps of the run.</summary>
    public static void AddFacts(ImportedCheckpoint imported, PickleDict model)
    {
        imported.Step = model["global_steps"] as long? ?? 0;
        foreach (var key in new[] { "global_steps", "global_samples", "skipped_steps", "dp_world_size", "mp_world_size", "ds_version", "lr_scheduler" })
            if (model.Contains(key)) imported.State[key] = PickleJson.Of(model[key]);
    }

    static void ReadWhole(ImportedCheckpoint imported, string path)
    {
        var file = imported.OpenFile(path);
        if (file.Dictionary["module"] is not PickleDict module) throw new CheckpointException(path, "it holds no \"module\".");
        StateDictImport.AddWeights(imported, file, module);
        AddFacts(imported, file.Dictionary);
        imported.Format = "DeepSpeed, stage 0";
        if (file.Dictionary["optimizer"] is not null) imported.Note("The optimizer's state was left out: stage 0 keeps it under numbers instead of names.");
    }

    static string FolderOf(string path)
    {
        var latest = Path.Combine(path, Latest);
        if (!File.Exists(latest)) return path;
        if (new FileInfo(latest).Length > LongestTag) throw new CheckpointException(latest, "it is no name of a folder.");
        var tag = File.ReadAllText(latest).Trim();
        if (tag is "" or "." or ".." || tag != Path.GetFileName(tag)) throw new CheckpointException(latest, $"\"{tag}\" is no name of a folder.");
        var folder = Path.Combine(path, tag);
        return Directory.Exists(folder) ? folder : throw new CheckpointException(folder, $"{latest} names it, but there is no such folder.");
    }

    static string? ModelFile(List<string> files, string folder) =>
        files.FirstOrDefault(f => f == "mp_rank_00_model_states.pt") is { } one ? Path.Combine(folder, one)
        : files.FirstOrDefault(f => ZeroModelFile().Match(f) is { Success: true } match && match.Groups[1].Value == "0") is { } first ? Path.Combine(folder, first) : null;

    /// <summary>Files with a rank in their names, in order of the ranks, all of them.</summary>
    static List<string> Ranked(List<string> files, Regex pattern, string folder)
    {
        var ranked = new SortedDictionary<int, string>();
        foreach (var file in files)
        {
            if (pattern.Match(file) is not { Success: true } match || !int.TryParse(match.Groups[1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var rank)) continue;
            if (!ranked.TryAdd(rank, Path.Combine(folder, file))) throw new CheckpointException(folder, $"{Path.GetFileName(ranked[rank])} and {file} are both of rank {rank}: files of different runs are mixed.");
        }

        var missing = Enumerable.Range(0, ranked.Count).FirstOrDefault(rank => !ranked.ContainsKey(rank), -1);
        return missing < 0 ? [.. ranked.Values] : throw new CheckpointException(folder, $"the file of rank {missing} is missing: there are those of {string.Join(", ", ranked.Keys)}.");
    }

    [GeneratedRegex(@"^(?:bf16_|fp16_)?zero_pp_rank_(\d{1,9})_mp_rank_00_optim_states\.pt$")]
    private static partial Regex OptimizerFile();

    [GeneratedRegex(@"^zero_pp_rank_(\d{1,9})_mp_rank_00_model_states\.pt$")]
    private static partial Regex ZeroModelFile();

    [GeneratedRegex(@"mp_rank_(?!00)\d\d+_|^layer_\d+-model|_expert_|^expp_rank_")]
    private static partial Regex OtherParallelism();
}
