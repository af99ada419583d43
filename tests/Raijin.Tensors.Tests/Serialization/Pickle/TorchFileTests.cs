using System.Numerics;
using System.Text.Json;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests.Serialization.Pickles;

/// <summary>Files that PyTorch 1.13 wrote (eng/recordings/pickles.py), read value by value.</summary>
public sealed class TorchFileTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    internal static string Recorded(string name) => Path.Combine(AppContext.BaseDirectory, "Serialization", "Pickle", "Recordings", name);

    static JsonElement Expected(string part) => JsonDocument.Parse(File.ReadAllText(Recorded("expected.json"))).RootElement.GetProperty(part);

    [Theory]
    [InlineData("values.pt")]
    [InlineData("values-legacy.pt")]
    public void Tensors_have_their_type_shape_strides_and_elements(string name)
    {
        using var scope = NewDisposeScope();
        using var file = TorchFile.Open(Recorded(name));
        var tensors = Assert.IsType<PickleDict>(file.Dictionary["tensors"]);
        var expected = Expected("tensors").EnumerateObject().ToList();
        Assert.Equal(expected.Select(e => e.Name), tensors.Entries.Select(e => e.Key));
        foreach (var item in expected) Same(item.Value, file, tensors[item.Name]);
        Assert.True(((PickleTensor)tensors["parameter"]!).RequiresGrad);
        Assert.False(((PickleTensor)tensors["buffer"]!).RequiresGrad);
        Assert.False(file.Load((PickleTensor)tensors["parameter"]!).requires_grad);
    }

    [Fact]
    public void Tied_tensors_share_their_storage()
    {
        using var file = TorchFile.Open(Recorded("values.pt"));
        var tensors = Assert.IsType<PickleDict>(file.Dictionary["tensors"]);
        var storage = ((PickleTensor)tensors["base"]!).Storage;
        foreach (var name in new[] { "tied", "row", "transposed", "columns" }) Assert.Equal(storage, ((PickleTensor)tensors[name]!).Storage);
        Assert.NotEqual(storage, ((PickleTensor)tensors["scalar"]!).Storage);
        using var one = file.Load((PickleTensor)tensors["base"]!);
        using var other = file.Load((PickleTensor)tensors["tied"]!);
        one.fill_(8).Dispose();
        Assert.Equal(8, other.data<float>()[5]);
    }

    [Fact]
    public void Tensors_outlive_the_file_and_never_change_it()
    {
        var path = _folder["a.pt"];
        File.Copy(Recorded("values.pt"), path);
        var before = File.ReadAllBytes(path);
        var file = TorchFile.Open(path);
        using var tensor = file.Load((PickleTensor)((PickleDict)file.Dictionary["tensors"]!)["base"]!);
        file.Dispose();
        tensor.fill_(1).Dispose();
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Throws<ObjectDisposedException>(() => file.Load((PickleTensor)((PickleDict)file.Dictionary["tensors"]!)["base"]!));
    }

    [Theory]
    [InlineData("values.pt")]
    [InlineData("values-legacy.pt")]
    [InlineData("protocol-0.pt")]
    [InlineData("protocol-1.pt")]
    [InlineData("protocol-2.pt")]
    [InlineData("protocol-3.pt")]
    [InlineData("protocol-4.pt")]
    [InlineData("protocol-5.pt")]
    public void Plain_values_are_what_they_were_in_every_protocol(string name)
    {
        using var file = TorchFile.Open(Recorded(name));
        var plain = Assert.IsType<PickleDict>(file.Dictionary["plain"]);
        Assert.True(plain.Contains("none"));
        Assert.Null(plain["none"]);
        Assert.Equal([true, false, 7L, -70000L, 1L << 40], new[] { plain["true"], plain["false"], plain["int"], plain["negative"], plain["long"] });
        Assert.Equal(BigInteger.Pow(2, 100), plain["huge"]);
        Assert.Equal([0.1, double.NegativeInfinity], new[] { plain["float"], plain["infinite"] });
        Assert.Equal(["Grüße, 世界 𝄞\n'\"\\", ""], new[] { plain["text"], plain["empty text"] });
        Assert.Equal([0, 255, (byte)'a', (byte)'b'], (byte[])plain["bytes"]!);
        var list = Assert.IsType<PickleList>(plain["list"]);
        Assert.Equal([1L, 2L], new[] { list.Items[0], ((PickleList)list.Items[1]!).Items[0] });
        Assert.Equal([1L, "a"], ((PickleTuple)plain["tuple"]!).Items);
        Assert.Equal([1L], ((PickleTuple)plain["one"]!).Items);
        Assert.Equal([1L, 2L, 3L], ((PickleTuple)plain["three"]!).Items);
        Assert.Equal([4L], ((PickleSet)plain["set"]!).Items);
        Assert.Equal([5L], ((PickleSet)plain["frozen"]!).Items);
        Assert.Equal(["b", "a"], ((PickleDict)plain["ordered"]!).Entries.Select(e => e.Key));
        Assert.Equal("number key", plain[3L]);
        Assert.Equal("tuple key", plain.Entries.Single(e => e.Key is PickleTuple).Value);
        Assert.Equal([2L, 3L], ((PickleTuple)plain["size"]!).Items);
        Assert.Equal(new PickleGlobal("torch", "bfloat16"), plain["dtype"]);
        Assert.Equal(Enumerable.Range(0, 1200).Select(i => (object?)(long)i), ((PickleList)plain["many"]!).Items);
        var device = Assert.IsType<PickleObject>(plain["device"]);
        Assert.Equal("torch.device", device.TypeName);
        Assert.Equal(["cpu"], device.Arguments);
        var defaults = Assert.IsType<PickleObject>(plain["default"]);
        Assert.Equal("collections.defaultdict", defaults.TypeName);
        Assert.Equal([1L], ((PickleList)defaults.Entries!["x"]!).Items);
        var stage = Assert.IsType<PickleObject>(plain["stage"]);
        // This Python looks an enumeration's value up by its name.
        Assert.Equal([new PickleGlobal("__main__", "Stage"), "two"], stage.Arguments);
        var cycle = Assert.IsType<PickleList>(plain["cycle"]);
        Assert.Same(cycle, cycle.Items[0]);
    }

    [Fact]
    public void A_training_checkpoint_keeps_unknown_objects_as_data()
    {
        using var scope = NewDisposeScope();
        using var file = TorchFile.Open(Recorded("training.ckpt"));
        var state = Assert.IsType<PickleDict>(file.Dictionary["state_dict"]);
        var expected = Expected("model").EnumerateObject().ToList();
        Assert.Equal(expected.Select(e => e.Name), state.Entries.Select(e => e.Key));
        foreach (var item in expected) Same(item.Value, file, state[item.Name]);
        Assert.IsType<PickleDict>(Assert.IsType<PickleDict>(state.Attributes)["_metadata"]);
        var hyper = Assert.IsType<PickleDict>(file.Dictionary["hyper_parameters"]);
        var arguments = Assert.IsType<PickleObject>(hyper["arguments"]);
        Assert.Equal("argparse.Namespace", arguments.TypeName);
        Assert.Equal(32L, arguments["batch"]);
        var scale = Assert.IsType<PickleObject>(hyper["scale"]);
        Assert.Equal("__main__.Scale", scale.TypeName);
        Assert.Equal(65536.0, scale["cur_scale"]);
        Assert.Equal("""{"lr":0.01,"arguments":{"class":"argparse.Namespace","state":{"batch":32,"names":["a","b"]}},"scale":{"class":"__main__.Scale","state":{"cur_scale":65536,"history":[1,2]}}}""", PickleJson.Of(hyper)!.ToJsonString());
    }

    [Fact]
    public void Json_of_values_that_hold_themselves_ends()
    {
        using var file = TorchFile.Open(Recorded("values.pt"));
        Assert.Contains("(deeper)", PickleJson.Of(((PickleDict)file.Dictionary["plain"]!)["cycle"])!.ToJsonString(), StringComparison.Ordinal);
    }

    static void Same(JsonElement expected, TorchFile file, object? value)
    {
        var described = Assert.IsType<PickleTensor>(value);
        var tensor = file.Load(described);
        Assert.Equal(expected.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()), tensor.shape);
        if (tensor.NumberOfElements > 0) Assert.Equal(expected.GetProperty("strides").EnumerateArray().Select(s => s.GetInt64()), described.Strides);
        var type = expected.GetProperty("dtype").GetString() switch { "uint8" => ScalarType.Byte, "bool" => ScalarType.Bool, var name => Enum.Parse<ScalarType>(name!, ignoreCase: true) };
        Assert.Equal(type, tensor.dtype);
        if (tensor.NumberOfElements > 0) Assert.Equal(expected.GetProperty("values").EnumerateArray().Select(v => v.GetDouble()), tensor.to(ScalarType.Float64).contiguous().data<double>().ToArray());
    }
}
