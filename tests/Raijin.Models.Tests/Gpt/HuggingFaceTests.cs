using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Models.Tests;

public sealed class HuggingFaceTests
{
    public static TheoryData<string> Recordings => RecordedGpt.Names;

    [Theory]
    [MemberData(nameof(Recordings))]
    public void A_folder_is_a_model(string name)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var recorded = new RecordedGpt(name);
        recorded.CopyTo(folder);
        using var model = Gpt.FromHuggingFace(folder.Path);
        Assert.Equal(recorded.Options with { Dropout = 0.1 }, model.Options);
        model.eval();
        Assert.InRange((recorded["logits"] - model.call(recorded.Tokens)).abs().max().item<float>(), 0, 1e-5);
    }

    [Fact]
    public void A_tied_head_may_be_in_the_file_a_second_time_if_it_is_the_same()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var recorded = new RecordedGpt("tied");
        using var model = new Gpt(recorded.Options);

        model.LoadHuggingFace(Changed(recorded, folder, tensors => tensors["lm_head.weight"] = tensors["wte.weight"]));
        Assert.InRange((recorded["logits"] - model.call(recorded.Tokens)).abs().max().item<float>(), 0, 1e-5);

        var other = Changed(recorded, folder, tensors => tensors["lm_head.weight"] = tensors["wte.weight"] + 1);
        Assert.Contains("\"lm_head.weight\" differs from the token embeddings: the head is not tied, set TieEmbeddings to false", Assert.Throws<SafetensorsException>(() => model.LoadHuggingFace(other)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_of_another_floating_type_are_converted()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var recorded = new RecordedGpt("tied");
        using Gpt model = new(recorded.Options), exact = recorded.Load();
        model.LoadHuggingFace(Changed(recorded, folder, tensors =>
        {
            foreach (var name in tensors.Keys.ToList()) tensors[name] = tensors[name].to(ScalarType.BFloat16);
        }));
        foreach (var (rounded, full) in model.parameters().Zip(exact.parameters()))
        {
            Assert.Equal(ScalarType.Float32, rounded.dtype);
            Assert.True(rounded.allclose(full.to(ScalarType.BFloat16).to(ScalarType.Float32), 0, 0));
        }
    }

    [Fact]
    public void A_file_of_another_model_is_refused_with_every_difference_and_changes_nothing()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var recorded = new RecordedGpt("tied");
        using var model = recorded.Load();
        var before = model.parameters().Select(p => p.clone()).ToList();
        var file = Changed(recorded, folder, tensors =>
        {
            tensors.Remove("h.1.ln_2.bias");
            tensors["h.0.attn.c_attn.weight"] = tensors["h.0.attn.c_attn.weight"].t();
            tensors["wpe.weight"] = tensors["wpe.weight"].to(ScalarType.Int32);
            tensors["h.2.ln_1.weight"] = ones(16);
        });

        var error = Assert.Throws<SafetensorsException>(() => model.LoadHuggingFace(file));
        Assert.Equal($"""
            {file}: does not hold this model, which has 28 parameters.
              "wpe.weight" is I32, expected a floating type
              "h.0.attn.c_attn.weight" is [48, 16], expected [16, 48]
              "h.1.ln_2.bias" is missing
              "h.2.ln_1.weight" is no parameter of this model
            """.ReplaceLineEndings("\n"), error.Message);
        Assert.All(model.parameters().Zip(before), pair => Assert.True(pair.First.allclose(pair.Second, 0, 0)));

        using var untied = new Gpt(recorded.Options with { TieEmbeddings = false });
        Assert.Contains("\"lm_head.weight\" is missing: if the head is tied, set TieEmbeddings", Assert.Throws<SafetensorsException>(() => untied.LoadHuggingFace(recorded.Weights)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_can_be_loaded_onto_the_meta_device()
    {
        using var scope = NewDisposeScope();
        using var recorded = new RecordedGpt("tied");
        using var model = new Gpt(recorded.Options, META);
        Assert.Throws<InvalidOperationException>(() => model.LoadHuggingFace(recorded.Weights));
    }

    static string Changed(RecordedGpt recorded, TemporaryFolder folder, Action<Dictionary<string, Tensor>> change)
    {
        using var file = SafetensorsFile.Open(recorded.Weights);
        var tensors = file.Names.ToDictionary(name => name, file.Tensor);
        change(tensors);
        var path = folder["changed.safetensors"];
        SafetensorsWriter.Write(path, tensors);
        return path;
    }
}
