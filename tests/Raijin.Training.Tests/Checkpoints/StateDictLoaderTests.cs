using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Checkpoints;

public sealed class StateDictLoaderTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_module_gets_every_bit_of_its_weights_and_buffers_back()
    {
        using var scope = NewDisposeScope();
        using var saved = Sequential(Linear(4, 3), BatchNorm1d(3));
        saved.call(rand(8, 4));
        using var loaded = Sequential(Linear(4, 3), BatchNorm1d(3));
        using var file = Save([.. saved.state_dict()]);
        Assert.True(StateDictLoader.Load(file, loaded).IsEmpty);
        var expected = saved.state_dict();
        foreach (var (name, tensor) in loaded.state_dict()) Assert.True(tensor.Equals(expected[name]), name);
    }

    [Fact]
    public void A_difference_is_listed_whole_and_nothing_is_changed()
    {
        using var scope = NewDisposeScope();
        using var module = Sequential(Linear(4, 3), Linear(3, 2));
        var before = module.state_dict().ToDictionary(s => s.Key, s => s.Value.clone());
        using var file = Save([new("0.weight", zeros(3, 5)), new("0.bias", zeros(3, dtype: ScalarType.Float64)), new("1.weight", zeros(2, 3)), new("head.weight", zeros(1))]);

        var error = Assert.Throws<CheckpointException>(() => StateDictLoader.Load(file, module));
        Assert.EndsWith(
            """
            missing in the file (1):
              1.bias
            unknown to the module (1):
              head.weight
            different (2):
              0.weight: the module has [3, 4] Float32, the file has [3, 5] Float32
              0.bias: the module has [3] Float32, the file has [3] Float64
            """.ReplaceLineEndings("\n"),
            error.Message,
            StringComparison.Ordinal);
        foreach (var (name, tensor) in module.state_dict()) Assert.True(tensor.Equals(before[name]), name);
    }

    [Fact]
    public void Loaded_non_strictly_what_fits_is_taken_and_the_rest_reported()
    {
        using var scope = NewDisposeScope();
        using var module = Sequential(Linear(4, 3), Linear(3, 2));
        using var file = Save([new("0.weight", zeros(3, 5)), new("1.weight", full([2, 3], 7f)), new("head.weight", zeros(1))]);
        var difference = StateDictLoader.Load(file, module, strict: false);
        Assert.Equal(["0.bias", "1.bias"], difference.Missing);
        Assert.Equal(["head.weight"], difference.Unexpected);
        Assert.Equal("0.weight", Assert.Single(difference.Mismatched).Name);
        Assert.Equal(7f, module.state_dict()["1.weight"].min().item<float>());
    }

    SafetensorsFile Save(IReadOnlyCollection<KeyValuePair<string, Tensor>> tensors)
    {
        SafetensorsWriter.Write(_folder["model.safetensors"], tensors);
        return SafetensorsFile.Open(_folder["model.safetensors"]);
    }
}
