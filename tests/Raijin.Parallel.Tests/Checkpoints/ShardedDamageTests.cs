using System.Text.Json.Nodes;
using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Checkpoints;

/// <summary>Checkpoints of several ranks, damaged in every way: each is refused with what was found, before anything of it is used.</summary>
public sealed class ShardedDamageTests : IDisposable
{
    const string Shard = "shard-00001.safetensors";

    readonly TemporaryFolder _folder = new();
    readonly string _path;

    public ShardedDamageTests()
    {
        _path = _folder["a"];
        World.Run(2, world =>
        {
            using var scope = NewDisposeScope();
            var half = arange(50, ScalarType.Float32) + 50 * world.Rank;
            ShardedCheckpointWriter.Write(_path, world.Group, new() { Slices = [new("model/w", [10, 10], 50 * world.Rank, half), new("model/v", [20], 10 * world.Rank, half.narrow(0, 0, 10))] }, new(1));
        });
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_missing_shard_is_named()
    {
        File.Delete(Path.Combine(_path, Shard));
        Assert.Contains($"{Shard}: it is missing", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_truncated_and_a_longer_shard_are_told_by_their_length()
    {
        using (var file = File.OpenWrite(Path.Combine(_path, Shard))) file.SetLength(file.Length - 1);
        Assert.Contains("it is truncated", Refusal(), StringComparison.Ordinal);
        using (var file = File.OpenWrite(Path.Combine(_path, Shard))) file.SetLength(file.Length + 9);
        Assert.Contains("is not the one that was saved", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_flipped_bit_is_found_and_the_tensor_named()
    {
        var path = Path.Combine(_path, Shard);
        var bytes = File.ReadAllBytes(path);
        bytes[^3] ^= 4;
        File.WriteAllBytes(path, bytes);
        Assert.Contains($"{Shard}: its content has the hash", Refusal(), StringComparison.Ordinal);
        using var checkpoint = ShardedCheckpoint.Open(_path, verify: false);
        Assert.Contains("elements 50 to 100 of \"model/w\" do not have the hash", Assert.Single(checkpoint.Verify()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void When_one_rank_finds_damage_none_loads()
    {
        var path = Path.Combine(_path, Shard);
        var bytes = File.ReadAllBytes(path);
        bytes[^3] ^= 4;
        File.WriteAllBytes(path, bytes);
        var errors = World.Run(3, world => Record.Exception(() => ShardedCheckpoint.Open(_path, world.Group).Dispose()));
        Assert.All(errors, e => Assert.Contains("has the hash", Assert.IsType<CheckpointException>(e).Message, StringComparison.Ordinal));
        Assert.Equal(2, errors.Count(e => e!.Message.EndsWith("No rank loads it.", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_byte_of_the_index_counts()
    {
        var path = Path.Combine(_path, ShardIndex.FileName);
        var whole = File.ReadAllBytes(path);
        for (var i = 0; i < whole.Length; i++)
        {
            var bytes = whole.ToArray();
            bytes[i] ^= 1;
            File.WriteAllBytes(path, bytes);
            Assert.Contains(ShardIndex.FileName, Refusal(), StringComparison.Ordinal);
        }
    }

    // What a damaged or hostile writer could say with all hashes right.
    [Theory]
    [InlineData("""t["model/w"].slices[0].count = 49""", "elements 49 to 50 are in no slice")]
    [InlineData("""t["model/w"].slices[0].count = 51""", "they overlap")]
    [InlineData("""t["model/w"].slices[0].count = 0""", "which are not inside its 100")]
    [InlineData("""t["model/w"].slices[0].count = -5""", "which are not inside its 100")]
    [InlineData("""t["model/w"].slices[0].count = 9223372036854775807""", "which are not inside its 100")]
    [InlineData("""t["model/w"].slices[0].start = -1""", "which are not inside its 100")]
    [InlineData("""t["model/w"].slices[0].start = 9223372036854775807""", "which are not inside its 100")]
    [InlineData("""t["model/w"].slices[0].start = 1e3""", "cannot be read")]
    [InlineData("""t["model/w"].slices[1].start = 60""", "which are not inside its 100")]
    [InlineData("""t["model/w"].shape[0] = 11""", "elements 100 to 110 are in no slice")]
    [InlineData("""t["model/w"].shape[0] = -10""", "no tensor has the shape")]
    [InlineData("""t["model/w"].shape[0] = 9223372036854775807""", "no tensor has the shape")]
    [InlineData("""t["model/w"].dtype = "F31" """, "its dtype \"F31\" is unknown")]
    [InlineData("""t["model/w"].dtype = null""", "it needs dtype, shape and slices")]
    [InlineData("""t["model/w"].slices[0].file = "../manifest.json" """, "which the checkpoint's manifest does not list")]
    [InlineData("""t["model/w"].slices[0].file = "/etc/passwd" """, "which the checkpoint's manifest does not list")]
    [InlineData("""t["model/w"].slices[0].xxh3 = "" """, "a hash of 16 digits")]
    [InlineData("""t["model/w"].slices[0].more = 1""", "cannot be read")]
    [InlineData("""t["model/w"].slices = []""", "elements 0 to 100 are in no slice")]
    [InlineData("""t["w"] = t["model/w"]""", "is not the name of a logical tensor")]
    [InlineData("""t["model/w"] = null""", "it needs dtype, shape and slices")]
    [InlineData("""d["version"] = 2""", "version 2")]
    [InlineData("""d["format"] = "other" """, "it is not the index of shards")]
    [InlineData("""d["worldSize"] = 0""", "its worldSize is 0")]
    [InlineData("""d["tensors"] = null""", "its tensors are missing")]
    public void A_wrong_index_is_refused(string change, string expected)
    {
        Rewrite(ShardIndex.FileName, document => Change(document, change));
        Assert.Contains(expected, Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""t["model/w"].slices[0].file = "shard-00001.safetensors" """, "shards of different saves are mixed")]
    [InlineData("""t["model/w"].slices[0].file = "state.json" """, "cannot be read")]
    [InlineData("""t["model/w"].dtype = "I32" """, "shards of different saves are mixed")]
    public void An_index_that_its_shards_do_not_bear_out_is_refused_when_they_are_read(string change, string expected)
    {
        Rewrite(ShardIndex.FileName, document => Change(document, change));
        using var checkpoint = ShardedCheckpoint.Open(_path);
        Assert.Contains(expected, Assert.Throws<CheckpointException>(() => checkpoint.Read("model/w")).Message, StringComparison.Ordinal);
        Assert.Contains(checkpoint.Verify(), e => e.Message.Contains(expected, StringComparison.Ordinal));
    }

    string Refusal() => Assert.Throws<CheckpointException>(() => ShardedCheckpoint.Open(_path).Dispose()).Message;

    /// <summary>Changes a document and the manifest's hash of it.</summary>
    void Rewrite(string name, Action<JsonObject> change)
    {
        var path = Path.Combine(_path, name);
        var document = JsonNode.Parse(File.ReadAllBytes(path))!.AsObject();
        change(document);
        File.WriteAllText(path, document.ToJsonString());
        var manifest = CheckpointManifest.Read(_path);
        var files = manifest.Files.ToDictionary();
        files[name] = new(new FileInfo(path).Length, CheckpointManifest.Hex(DurableFile.HashOf(path)));
        File.WriteAllBytes(Path.Combine(_path, CheckpointManifest.FileName), (manifest with { Files = files }).Write());
    }

    /// <summary>An assignment to a place under <c>d</c>, the document, or <c>t</c>, its tensors.</summary>
    static void Change(JsonObject document, string change)
    {
        var (place, value) = (change.Split(" = ")[0], change.Split(" = ")[1]);
        var node = place[0] == 't' ? document["tensors"]! : document;
        var steps = System.Text.RegularExpressions.Regex.Matches(place[1..], """\["(?<name>[^"]+)"\]|\[(?<index>\d+)\]|\.(?<name>\w+)""").ToList();
        foreach (var step in steps.SkipLast(1)) node = step.Groups["index"].Success ? node[int.Parse(step.Groups["index"].Value, null)]! : node[step.Groups["name"].Value]!;
        var parsed = value.StartsWith('t') ? document["tensors"]![value[3..^2]]!.DeepClone() : JsonNode.Parse(value);
        if (steps[^1].Groups["index"].Success) node[int.Parse(steps[^1].Groups["index"].Value, null)] = parsed;
        else node[steps[^1].Groups["name"].Value] = parsed;
    }
}
