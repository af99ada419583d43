using System.Globalization;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.App;

/// <summary>The models that <c>raijin plan --model</c> knows: presets, files of options, checkpoints, a number of parameters.</summary>
static class PlannedModel
{
    /// <summary>Units of a model of which only the size is known.</summary>
    public const int EvenUnits = 32;

    /// <summary>The size of what was named; nothing is read but headers, and no weights are made.</summary>
    /// <exception cref="InvalidOptionsException">There is no such model.</exception>
    /// <exception cref="SafetensorsException">Its weights are damaged.</exception>
    public static ModelShape Find(string model)
    {
        if (GptOptions.Presets.TryGetValue(model, out var preset)) return Of(preset);
        if (Count(model) is { } count) return ModelShape.Even(count, EvenUnits);
        if (File.Exists(model)) return Path.GetExtension(model) == ".json" ? Of(GptOptions.Read(model)) : OfFiles([model]);
        if (Directory.Exists(model)) return OfFolder(model);
        throw Refused(model, $"allowed: {string.Join(", ", GptOptions.Presets.Keys)}, a GPT's .json, a checkpoint's folder or .safetensors, or a number of parameters such as 7.5B");
    }

    /// <summary>The options of a GPT that was named; null for another model.</summary>
    public static GptOptions? Gpt(string model) =>
        GptOptions.Presets.TryGetValue(model, out var preset) ? preset : File.Exists(model) && Path.GetExtension(model) == ".json" ? GptOptions.Read(model) : null;

    static ModelShape OfFolder(string folder)
    {
        // A run's newest checkpoint, or the folder itself; the weights are model.safetensors, or its parts in several files.
        var checkpoint = NewestIn(folder);
        string[] files = [.. Directory.EnumerateFiles(checkpoint, "model*.safetensors").Order(StringComparer.Ordinal)];
        if (files.Length > 0) return OfFiles(files);
        var config = Path.Combine(checkpoint, "config.json");
        return File.Exists(config) ? Of(GptOptions.Read(config)) : throw Refused(folder, "holds neither model*.safetensors nor config.json");
    }

    static string NewestIn(string folder)
    {
        try
        {
            return CheckpointInspectCommand.FolderOf(folder);
        }
        catch (InvalidOptionsException error)
        {
            throw Refused(folder, error.Faults[0].Message);
        }
    }

    static ModelShape OfFiles(IReadOnlyList<string> paths)
    {
        var parameters = new List<KeyValuePair<string, long>>();
        foreach (var path in paths)
        {
            using var file = SafetensorsFile.Open(path);
            // Whole numbers are masks and counters, which nobody trains.
            parameters.AddRange(file.Entries.Where(entry => !IsWhole(entry.ScalarType)).Select(entry => KeyValuePair.Create(entry.Name, entry.Shape.Aggregate(1L, (product, size) => product * size))));
        }
        return ModelShape.Of(parameters);
    }

    static ModelShape Of(GptOptions options)
    {
        using var model = new Raijin.Gpt(options, META);
        return ModelShape.Of(model);
    }

    static bool IsWhole(ScalarType? type) => type is ScalarType.Bool or ScalarType.Byte or ScalarType.Int8 or ScalarType.Int16 or ScalarType.Int32 or ScalarType.Int64;

    // 7.5B, 350M, 12k or 124439808
    static long? Count(string text)
    {
        var factor = text.Length > 0 ? text[^1] switch { 'k' or 'K' => 1e3, 'm' or 'M' => 1e6, 'b' or 'B' => 1e9, 't' or 'T' => 1e12, _ => 1 } : 1;
        return double.TryParse(factor > 1 ? text[..^1] : text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number * factor is >= 1 and < 1e18 ? (long)Math.Round(number * factor) : null;
    }

    static InvalidOptionsException Refused(string model, string problem) => new([new OptionFault($"--model = {model}", problem)]);
}

/// <summary>How many bytes an optimizer keeps for each parameter.</summary>
static class PlannedOptimizer
{
    /// <summary>The optimizers that configuration can choose, by name.</summary>
    public static IReadOnlyDictionary<string, OptimizerOptions> Choices { get; } = new OrderedDictionary<string, OptimizerOptions>(StringComparer.OrdinalIgnoreCase)
    {
        ["adamW"] = new AdamWOptions(),
        ["adam"] = new AdamOptions(),
        ["sgd"] = new SgdOptions(),
        ["lion"] = new LionOptions(),
        ["adagrad"] = new AdagradOptions(),
        ["rmsProp"] = new RmsPropOptions(),
    };

    /// <summary>Bytes a parameter; null for an optimizer of the program's own.</summary>
    public static long? StateBytes(OptimizerOptions optimizer) => Algorithm(optimizer) is { } algorithm ? new PlanOptions().For(algorithm).StateBytes : null;

    static OptimizerAlgorithm? Algorithm(OptimizerOptions optimizer) => optimizer switch
    {
        AdamWOptions => new AdamW(),
        AdamOptions => new Adam(),
        SgdOptions sgd => new Sgd(sgd.Momentum),
        LionOptions => new Lion(),
        AdagradOptions => new Adagrad(),
        RmsPropOptions rmsProp => new RmsProp(Momentum: rmsProp.Momentum),
        _ => null,
    };
}
