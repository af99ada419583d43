using System.Runtime.CompilerServices;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Models.Tests;

/// <summary>What eng/recordings/gpt.py recorded of a small model: its checkpoint in Hugging Face's layout, and what PyTorch computed with it in float64.</summary>
sealed class RecordedGpt(string name) : IDisposable
{
    readonly SafetensorsFile _expected = SafetensorsFile.Open(PathOf(name + "-expected.safetensors"));

    public static TheoryData<string> Names => ["tied", "untied"];

    public string Weights => PathOf(name + ".safetensors");

    public GptOptions Options => GptOptions.Read(PathOf(name + ".json")) with { Dropout = 0 };

    public Tensor Tokens => this["tokens"];

    public Tensor Targets => this["targets"];

    public Tensor this[string key] => _expected.Tensor(key);

    public IEnumerable<string> Gradients => _expected.Names.Where(key => key.StartsWith("grad.", StringComparison.Ordinal)).Select(key => key["grad.".Length..]);

    public Gpt Load(ScalarType? dtype = null)
    {
        var model = new Gpt(Options, dtype: dtype);
        model.LoadHuggingFace(Weights);
        return model;
    }

    /// <summary>The recording as the folder that Hugging Face's libraries would write.</summary>
    public void CopyTo(TemporaryFolder folder)
    {
        File.Copy(PathOf(name + ".json"), folder["config.json"]);
        File.Copy(Weights, folder["model.safetensors"]);
    }

    public void Dispose() => _expected.Dispose();

    static string PathOf(string file, [CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "Recordings", file);
}
