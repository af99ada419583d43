using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Training.Tests.Checkpoints;

public sealed class CheckpointStoreTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_saved_comes_back()
    {
        using var scope = NewDisposeScope();
        var clock = new FakeTimeProvider(new DateTimeOffset(2031, 2, 3, 4, 5, 6, TimeSpan.Zero));
        using var store = new CheckpointStore(_folder["run"], clock);
        var facts = new CheckpointFacts(7, 0.5, new Dictionary<string, double> { ["val/loss"] = 0.1 + 0.2, ["worst"] = double.NaN, ["bound"] = double.PositiveInfinity });
        var info = store.Save("seven", Content(7), facts);

        using var open = store.Open("seven");
        Assert.Equal(7f, open.File("model").Tensor("weight").ReadCpuSingle(99));
        Assert.Equal(7, (long)open.State["step"]!);
        Assert.Equal(["model", "random"], open.Stems);
        Assert.False(open.Has("optimizer"));
        Assert.Equal(clock.GetUtcNow(), open.Info.Created);
        Assert.Equal(7, open.Info.Step);
        Assert.Equal(0.5, open.Info.Score);
        Assert.Equal(facts.Metrics, open.Info.Metrics);
        Assert.Equal(info.Bytes, open.Info.Bytes);
        Assert.Equal(_folder["run/seven"], open.Path);
    }

    [Fact]
    public void A_name_that_is_taken_is_replaced_and_nothing_else_is_left()
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        store.Save("last", Content(1), new(1));
        using var before = store.Open("last");
        var mapped = before.File("model").Tensor("weight");
        store.Save("last", Content(2), new(2));

        using var after = store.Open("last");
        Assert.Equal(2f, after.File("model").Tensor("weight").ReadCpuSingle(0));
        Assert.Equal(1f, mapped.ReadCpuSingle(0));
        Assert.Equal([".lock", "index.json", "last"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_list_is_in_the_order_of_saving_and_the_index_says_the_same()
    {
        using var scope = NewDisposeScope();
        Assert.Empty(new CheckpointStore(_folder["nowhere"]).List());
        // A run taken back to an earlier step, with a clock that went back too: what was saved last is still where to go on from.
        var clock = new FakeTimeProvider();
        foreach (var step in new[] { 3, 1, 2 })
        {
            using var store = new CheckpointStore(_folder.Path, clock);
            clock.AdjustTime(DateTimeOffset.UnixEpoch.AddDays(step));
            store.Save($"step-{step}", Content(step), new(step, step / 10d));
        }

        using var reader = new CheckpointStore(_folder.Path);
        Assert.Equal([3, 1, 2], reader.List().Select(c => c.Step));
        Assert.Equal("step-2", reader.Last()?.Name);
        var index = JsonNode.Parse(File.ReadAllText(_folder["index.json"]))!;
        Assert.Equal("step-2", (string?)index["last"]);
        Assert.Equal(["step-3", "step-1", "step-2"], index["checkpoints"]!.AsArray().Select(c => (string?)c!["name"]));
    }

    [Fact]
    public void What_is_not_to_be_kept_goes_after_a_save_and_what_was_saved_stays()
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        store.Save("a", Content(1), new(1));
        store.Save("b", Content(2), new(2));
        store.Retain = all => all.Where(c => c.Name == "b");
        store.SaveInBackground("c", Content(3), new(3)).Wait();
        Assert.Equal(["b", "c"], store.List().Select(c => c.Name));
        store.Retain = _ => [];
        store.Save("d", Content(4), new(4));
        Assert.Equal(["d"], store.List().Select(c => c.Name));
        Assert.Equal([".lock", "d", "index.json"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("not json")]
    [InlineData(null)]
    public void A_missing_or_damaged_index_changes_nothing_and_is_written_anew(string? content)
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        store.Save("a", Content(1), new(1));
        if (content is null) File.Delete(_folder["index.json"]);
        else File.WriteAllText(_folder["index.json"], content);

        Assert.Equal("a", store.Last()?.Name);
        store.Save("b", Content(2), new(2));
        Assert.Equal("b", (string?)JsonNode.Parse(File.ReadAllText(_folder["index.json"]))!["last"]);
    }

    [Fact]
    public void A_deleted_checkpoint_is_gone_everywhere()
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        store.Save("a", Content(1), new(1));
        store.Save("b", Content(2), new(2));
        store.Delete("b");
        Assert.Equal(["a"], store.List().Select(c => c.Name));
        Assert.Equal("a", (string?)JsonNode.Parse(File.ReadAllText(_folder["index.json"]))!["last"]);
        Assert.False(Directory.Exists(_folder["b"]));
        Assert.Contains("holds a", Assert.Throws<CheckpointException>(() => store.Delete("b")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Leftovers_of_dead_writers_go_with_the_next_save()
    {
        using var scope = NewDisposeScope();
        Directory.CreateDirectory(_folder["step-9.tmp-0123"]);
        File.WriteAllText(_folder["step-9.tmp-0123/model.safetensors"], "half");
        File.WriteAllText(_folder["index.json.tmp-0123"], "half");
        File.WriteAllText(_folder["notes.txt"], "mine");
        using var store = new CheckpointStore(_folder.Path);
        Assert.Empty(store.List());
        store.Save("a", Content(1), new(1));
        Assert.Equal([".lock", "a", "index.json", "notes.txt"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_checkpoint_caught_between_two_names_is_found_and_gets_its_name_back()
    {
        using var scope = NewDisposeScope();
        using (var store = new CheckpointStore(_folder.Path)) store.Save("last", Content(1), new(1));
        Directory.Move(_folder["last"], _folder["last.previous"]);

        using var next = new CheckpointStore(_folder.Path);
        using (var good = next.OpenLastGood(out var skipped))
        {
            Assert.Equal(1, good?.Info.Step);
            Assert.Empty(skipped);
        }

        next.Save("other", Content(2), new(2));
        Assert.Equal(["last", "other"], next.List().Select(c => c.Name));
    }

    [Fact]
    public void Two_writers_of_one_folder_are_refused()
    {
        using var scope = NewDisposeScope();
        using var first = new CheckpointStore(_folder.Path);
        first.Save("a", Content(1), new(1));
        using (var second = new CheckpointStore(_folder.Path))
        {
            Assert.Equal("a", second.Last()?.Name);
            var error = Assert.Throws<CheckpointException>(() => second.Save("b", Content(2), new(2)));
            Assert.Contains("another run is saving", error.Message, StringComparison.Ordinal);
        }

        first.Dispose();
        using var third = new CheckpointStore(_folder.Path);
        third.Save("b", Content(2), new(2));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("a/b")]
    [InlineData("../a")]
    [InlineData(".hidden")]
    [InlineData("a.tmp-1")]
    [InlineData("a.previous")]
    public void A_name_that_is_no_folder_name_is_refused(string name)
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        Assert.Throws<ArgumentException>(() => store.Save(name, Content(1), new(1)));
    }

    [Fact]
    public void A_cancelled_save_leaves_nothing()
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        Assert.Throws<OperationCanceledException>(() => store.Save("a", Content(1), new(1), new CancellationToken(canceled: true)));
        Assert.Empty(Directory.EnumerateDirectories(_folder.Path));
    }

    [Fact]
    public void A_tensor_that_cannot_be_saved_leaves_nothing()
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        var content = Content(1);
        content.Tensors["z"] = [new("complex", zeros(1, dtype: ScalarType.ComplexFloat64))];
        Assert.Throws<ArgumentException>(() => store.Save("a", content, new(1)));
        Assert.Empty(Directory.EnumerateDirectories(_folder.Path));
    }

    [Fact]
    public void A_checkpoint_at_a_path_of_its_own_needs_no_store()
    {
        using var scope = NewDisposeScope();
        var info = CheckpointFolder.Write(_folder["mine"], Content(3), new(3));
        Assert.Equal(_folder["mine"], info.Path);
        Assert.Equal(["mine"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
        using var open = LoadedCheckpoint.Open(_folder["mine/"]);
        Assert.Equal("mine", open.Info.Name);
        using var store = new CheckpointStore(_folder["elsewhere"]);
        using var again = store.Open(_folder["mine"]);
        Assert.Equal(3, again.Info.Step);
    }

    [Fact]
    public void Inspecting_lists_every_tensor_with_its_hash()
    {
        using var scope = NewDisposeScope();
        CheckpointFolder.Write(_folder["a"], Content(1), new(1));
        using var open = LoadedCheckpoint.Open(_folder["a"]);
        var summary = open.Inspect().ToArray();
        Assert.Equal([("model.safetensors", "weight", "F32", 400L), ("random.safetensors", "state", "U8", 3L)], summary.Select(t => (t.File, t.Name, t.Dtype, t.Bytes)));
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(new byte[] { 1, 1, 1 })), summary[1].Sha256);
    }

    internal static CheckpointContent Content(int step, long elements = 100)
    {
        var content = new CheckpointContent { State = new() { ["step"] = step } };
        content.Tensors["model"] = [new("weight", full(elements, (float)step))];
        content.Tensors["random"] = [new("state", full(3, step, dtype: ScalarType.Byte))];
        return content;
    }
}
