// Hugging Face's GPT-2 is made of Conv1D: y = x W + b with W [in, out], so that matrices of blocks are ours transposed. Published files name tensors
// from "wte.weight" on, files saved from GPT2LMHeadModel from "transformer.wte.weight" on. "attn.bias" and "attn.masked_bias" are causal masks.

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

public sealed partial class Gpt
{
    const string TiedHead = "lm_head.weight";

    /// <summary>Makes a model from a folder that Hugging Face's libraries wrote: <c>config.json</c> and <c>model.safetensors</c>.</summary>
    /// <param name="folder">Holds both files.</param>
    /// <param name="device">Where its parameters lie; null for the default device.</param>
    /// <param name="dtype">Of its parameters; null for the default dtype. The file's values are converted.</param>
    /// <exception cref="InvalidOptionsException">The configuration is of another model, or can't be; lists every fault.</exception>
    /// <exception cref="SafetensorsException">The weights are damaged or of another model; lists every fault.</exception>
    /// <exception cref="IOException">A file is missing or can't be read.</exception>
    public static Gpt FromHuggingFace(string folder, Device? device = null, ScalarType? dtype = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var model = new Gpt(GptOptions.Read(Path.Combine(folder, "config.json")), device, dtype);
        try
        {
            model.LoadHuggingFace(Path.Combine(folder, "model.safetensors"));
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Takes the weights of Hugging Face's GPT-2 from a safetensors file; values of another floating type are converted.</summary>
    /// <param name="path">Holds every parameter of this model and nothing else but causal masks; a tied head may be there a second time.</param>
    /// <exception cref="SafetensorsException">The file is damaged, or does not hold just this model; lists every fault, and nothing was changed.</exception>
    /// <exception cref="InvalidOperationException">This model is on the meta device, where nothing can be loaded.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public void LoadHuggingFace(string path)
    {
        using var file = SafetensorsFile.Open(path);
        using var untracked = no_grad();
        using var scope = NewDisposeScope();
        var prefix = file.Contains("transformer.wte.weight") ? "" : "transformer.";
        var parameters = named_parameters().ToDictionary(p => HubName(p.name, prefix), p => p.parameter);
        if (parameters.Values.Any(p => p.device_type == TorchSharp.DeviceType.META)) throw new InvalidOperationException("Weights can't be loaded into a model on the meta device, which holds none: make it on another.");

        var faults = new List<string>();
        foreach (var (name, parameter) in parameters)
        {
            if (!file.Contains(name)) faults.Add($"\"{name}\" is missing{(name == TiedHead ? ": if the head is tied, set TieEmbeddings" : "")}");
            else if (Mismatch(file.Entry(name), parameter) is { } problem) faults.Add($"\"{name}\" {problem}");
        }
        foreach (var name in file.Names.Where(name => !parameters.ContainsKey(name) && !IsMask(name)))
        {
            if (name != TiedHead || !Options.TieEmbeddings) faults.Add($"\"{name}\" is no parameter of this model");
            else if (!SameAsEmbeddings(file, HubName("transformer.wte.weight", prefix))) faults.Add($"\"{name}\" differs from the token embeddings: the head is not tied, set TieEmbeddings to false");
        }
        if (faults.Count > 0) throw new SafetensorsException(path, $"does not hold this model, which has {parameters.Count} parameters.\n  {string.Join("\n  ", faults)}");

        foreach (var (name, parameter) in parameters)
        {
            var value = file.Tensor(name);
            parameter.copy_(IsConv1D(name) ? value.t() : value);
        }
    }

    static string HubName(string name, string prefix) => prefix.Length > 0 && name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;

    static bool IsConv1D(string name) => name.Contains(".c_", StringComparison.Ordinal) && name.EndsWith(".weight", StringComparison.Ordinal);

    static bool IsMask(string name) => name.EndsWith(".attn.bias", StringComparison.Ordinal) || name.EndsWith(".attn.masked_bias", StringComparison.Ordinal);

    static string? Mismatch(SafetensorsEntry entry, Tensor parameter)
    {
        var expected = IsConv1D(entry.Name) ? parameter.shape.Reverse() : parameter.shape;
        if (!entry.Shape.SequenceEqual(expected)) return $"is [{string.Join(", ", entry.Shape)}], expected [{string.Join(", ", expected)}]";
        return entry.ScalarType is ScalarType.Float64 or ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16 ? null : $"is {entry.Dtype}, expected a floating type";
    }

    static bool SameAsEmbeddings(SafetensorsFile file, string embeddings) =>
        file.Contains(embeddings) && file.Entry(embeddings).Dtype == file.Entry(TiedHead).Dtype && file.Sha256(embeddings).AsSpan().SequenceEqual(file.Sha256(TiedHead));
}
