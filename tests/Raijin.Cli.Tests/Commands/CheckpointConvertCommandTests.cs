using System.Text.Json;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Cli.Tests;

public sealed class CheckpointConvertCommandTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("bf16", ScalarType.BFloat16)]
    [InlineData("f16", ScalarType.Float16)]
    public void Weights_come_out_as_one_file_in_the_type_asked_for(string type, ScalarType expected)
    {
        using var scope = TensorScope.Open();
        var weight = arange(12, ScalarType.Float32).reshape(3, 4) / 7;
        var count = tensor(5L);
        SafetensorsWriter.Write(_folder["a.safetensors"], [new("w", weight), new("count", count)]);

        var call = Call.Run("checkpoint", "convert", _folder["a.safetensors"], "--to", _folder["out/b.safetensors"], "--dtype", type, "--json");

        Assert.True(call.ExitCode == 0, call.Error);
        Assert.Equal(2, JsonDocument.Parse(call.Out).RootElement.GetProperty("tensors").GetInt32());
        using var file = SafetensorsFile.Open(_folder["out/b.safetensors"]);
        Assert.True(file.Tensor("w").eq(weight.to(expected)).all().item<bool>());
        Assert.Equal(ScalarType.Int64, file.Tensor("count").dtype); // no floating-point number: as it was
    }

    [Fact]
    public void What_cannot_be_converted_is_said()
    {
        var call = Call.Run("checkpoint", "convert", _folder["absent"], "--dtype", "int8");
        Assert.Equal((2, "1 problem in the options:\n  --dtype = int8   allowed: f32, f16, bf16\n"), (call.ExitCode, call.Error));
        Assert.Contains("does not exist", Call.Run("checkpoint", "convert", _folder["absent"]).Error, StringComparison.Ordinal);
        SafetensorsWriter.Write(_folder["a.safetensors"], []);
        Assert.Contains("is the file that is read", Call.Run("checkpoint", "convert", _folder["a.safetensors"], "--to", _folder["a.safetensors"]).Error, StringComparison.Ordinal);
    }
}
