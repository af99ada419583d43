using System.Text.Json;
using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Cli.Tests;

/// <summary>Checkpoints that several ranks wrote, and those of other frameworks, on the command line.</summary>
public sealed class CheckpointShardsCommandTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    string Save()
    {
        World.Run(2, world =>
        {
            using var scope = NewDisposeScope();
            var half = arange(50, ScalarType.Float32) + 50 * world.Rank;
            ShardedCheckpointWriter.Write(_folder["a"], world.Group, new()
            {
                Slices = [new("model/weight", [10, 10], 50 * world.Rank, half), new("model/bias", [4], 0, full(4, 3f)), new("optimizer/0/weight/exp_avg", [10, 10], 50 * world.Rank, half)],
            }, new(7));
        });
        return _folder["a"];
    }

    static JsonElement Parse(Call call) => JsonDocument.Parse(call.Out).RootElement;

    [Fact]
    public void Inspect_lists_logical_tensors_and_where_they_are()
    {
        var path = Save();
        var json = Parse(Call.Run("checkpoint", "inspect", path, "--json"));
        Assert.Equal((7, 2), (json.GetProperty("step").GetInt32(), json.GetProperty("worldSize").GetInt32()));
        Assert.Equal(["model/bias", "model/weight", "optimizer/0/weight/exp_avg"], json.GetProperty("tensors").EnumerateArray().Select(t => t.GetProperty("name").GetString()));
        Assert.Equal([0L, 50L], json.GetProperty("tensors")[1].GetProperty("slices").EnumerateArray().Select(s => s.GetProperty("start").GetInt64()));
        var text = Call.Run("checkpoint", "inspect", path).Out;
        Assert.Contains("816 bytes", text, StringComparison.Ordinal);
        Assert.Contains("2 slices", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_tells_whole_from_damaged()
    {
        var path = Save();
        var call = Call.Run("checkpoint", "verify", path);
        Assert.Equal(0, call.ExitCode);
        Assert.Contains("whole: step 7, 3 tensors", call.Out, StringComparison.Ordinal);

        var shard = Path.Combine(path, "shard-00001.safetensors");
        var bytes = File.ReadAllBytes(shard);
        bytes[^1] ^= 1;
        File.WriteAllBytes(shard, bytes);
        call = Call.Run("checkpoint", "verify", path, "--json");
        Assert.Equal(1, call.ExitCode);
        Assert.False(Parse(call).GetProperty("whole").GetBoolean());
        var problems = Parse(call).GetProperty("problems").EnumerateArray().Select(p => p.GetString()).ToList();
        Assert.Contains(problems, p => p!.Contains("elements 50 to 100 of \"optimizer/0/weight/exp_avg\"", StringComparison.Ordinal) || p.Contains("elements 50 to 100 of \"model/weight\"", StringComparison.Ordinal));
    }

    [Fact]
    public void Merge_writes_plain_files()
    {
        var path = Save();
        var call = Call.Run("checkpoint", "merge", path, "--to", _folder["out/model.safetensors"], "--optimizer", _folder["out/optimizer.safetensors"], "--json");
        Assert.True(call.ExitCode == 0, call.Error);
        using var scope = TensorScope.Open();
        using var model = SafetensorsFile.Open(_folder["out/model.safetensors"]);
        Assert.Equal(["bias", "weight"], model.Names.Order(StringComparer.Ordinal));
        Assert.True(model.Tensor("weight").eq(arange(100, ScalarType.Float32).view(10, 10)).all().item<bool>());
        using var optimizer = SafetensorsFile.Open(_folder["out/optimizer.safetensors"]);
        Assert.Equal(["0/weight/exp_avg"], optimizer.Names);
        Assert.Contains("is inside the checkpoint", Call.Run("checkpoint", "merge", path, "--to", Path.Combine(path, "model.safetensors")).Error, StringComparison.Ordinal);
        Assert.Contains("merge it first", Call.Run("checkpoint", "convert", path).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_makes_a_checkpoint_of_anothers()
    {
        var recorded = Path.Combine(SharedData.Repository, "tests", "Raijin.Parallel.Tests", "Checkpoints", "Import", "Recordings", "stage2");
        var call = Call.Run("checkpoint", "import", recorded, _folder["in"], "--json");
        Assert.True(call.ExitCode == 0, call.Error);
        Assert.Equal("DeepSpeed, ZeRO stage 2, 2 ranks", Parse(call).GetProperty("format").GetString());
        Assert.Contains("embed.weight", Call.Run("checkpoint", "inspect", _folder["in"]).Out, StringComparison.Ordinal);
        Assert.Equal(0, Call.Run("checkpoint", "verify", _folder["in"]).ExitCode);
        Assert.Equal(0, Call.Run("checkpoint", "import", recorded, _folder["in"], "--weights-only").ExitCode);
        Assert.False(File.Exists(_folder["in/optimizer.safetensors"]));

        File.WriteAllText(_folder["notes.txt"], "mine");
        Assert.Contains("is there and is no checkpoint", Call.Run("checkpoint", "import", recorded, _folder.Path).Error, StringComparison.Ordinal);
        call = Call.Run("checkpoint", "import", _folder["notes.txt"], _folder["other"]);
        Assert.Equal(1, call.ExitCode);
        Assert.Contains("neither a zip archive nor a pickle", call.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("help-checkpoint.txt", "checkpoint", "--help")]
    [InlineData("help-checkpoint-import.txt", "checkpoint", "import", "--help")]
    [InlineData("help-checkpoint-merge.txt", "checkpoint", "merge", "--help")]
    public void Help_is_as_in_the_golden_file(string golden, params string[] arguments) => Golden.Match(Call.Run(arguments).Out, golden);
}
