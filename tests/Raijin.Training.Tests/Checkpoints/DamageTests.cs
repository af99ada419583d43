using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Training.Tests.Checkpoints;

/// <summary>Checkpoints that were damaged after they were saved.</summary>
public sealed class DamageTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("model.safetensors", "truncated")]
    [InlineData("model.safetensors", "flipped")]
    [InlineData("model.safetensors", "missing")]
    [InlineData("model.safetensors", "longer")]
    [InlineData("state.json", "truncated")]
    [InlineData("state.json", "flipped")]
    [InlineData("state.json", "missing")]
    [InlineData("manifest.json", "truncated")]
    [InlineData("manifest.json", "flipped")]
    [InlineData("manifest.json", "missing")]
    [InlineData("manifest.json", "empty")]
    public void Any_damage_is_found_and_the_one_before_is_offered(string file, string damage)
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        for (var step = 1; step <= 3; step++) store.Save($"step-{step}", CheckpointStoreTests.Content(step), new(step));
        var damaged = _folder[$"step-3/{file}"];
        Damage(damaged, damage);

        var error = Assert.Throws<CheckpointException>(() => store.Open("step-3"));
        Assert.Equal(damaged, error.Path);
        Assert.Equal("step-2", error.PreviousGood);
        Assert.Contains("\"step-2\"", error.Message, StringComparison.Ordinal);

        using var good = store.OpenLastGood(out var skipped);
        Assert.Equal("step-2", good?.Info.Name);
        Assert.Equal(damaged, Assert.Single(skipped).Path);
    }

    [Fact]
    public void Every_flipped_byte_of_a_manifest_is_found()
    {
        using var scope = NewDisposeScope();
        CheckpointFolder.Write(_folder["a"], CheckpointStoreTests.Content(1), new(1, 0.5));
        var path = _folder["a/manifest.json"];
        var whole = File.ReadAllBytes(path);
        var unseen = new List<int>();
        for (var at = 0; at < whole.Length; at++)
        {
            var bytes = (byte[])whole.Clone();
            bytes[at] ^= 1;
            File.WriteAllBytes(path, bytes);
            try
            {
                LoadedCheckpoint.Open(_folder["a"]).Dispose();
                unseen.Add(at);
            }
            catch (CheckpointException)
            {
                // Found.
            }
        }

        // White space between tokens may change without a meaning: '\n' becomes a vertical tab, which is refused, and ' ' an exclamation mark, which is too.
        Assert.Empty(unseen);
    }

    [Fact]
    public void A_damaged_one_between_good_ones_does_not_matter()
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        for (var step = 1; step <= 3; step++) store.Save($"step-{step}", CheckpointStoreTests.Content(step), new(step));
        Damage(_folder["step-2/model.safetensors"], "flipped");
        using var good = store.OpenLastGood(out var skipped);
        Assert.Equal("step-3", good?.Info.Name);
        Assert.Empty(skipped);
    }

    [Fact]
    public void With_nothing_whole_left_there_is_nothing_to_offer()
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        store.Save("only", CheckpointStoreTests.Content(1), new(1));
        Damage(_folder["only/model.safetensors"], "truncated");
        Assert.Null(Assert.Throws<CheckpointException>(() => store.Open("only")).PreviousGood);
        Assert.Null(store.OpenLastGood(out var skipped));
        Assert.Contains("truncated", Assert.Single(skipped).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_verification_only_lengths_are_compared()
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        store.Save("a", CheckpointStoreTests.Content(1), new(1));
        Damage(_folder["a/model.safetensors"], "flipped");
        store.Open("a", verify: false).Dispose();
        Damage(_folder["a/model.safetensors"], "truncated");
        Assert.Throws<CheckpointException>(() => store.Open("a", verify: false));
    }

    [Fact]
    public void A_name_that_is_not_there_is_answered_with_those_that_are()
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        store.Save("step-1", CheckpointStoreTests.Content(1), new(1));
        Assert.Contains("holds step-1", Assert.Throws<CheckpointException>(() => store.Open("step-2")).Message, StringComparison.Ordinal);
    }

    static void Damage(string path, string how)
    {
        var bytes = File.ReadAllBytes(path);
        switch (how)
        {
            case "truncated": File.WriteAllBytes(path, bytes[..^5]); break;
            case "flipped": bytes[^6] ^= 1; File.WriteAllBytes(path, bytes); break;
            case "longer": File.WriteAllBytes(path, [.. bytes, 0]); break;
            case "empty": File.WriteAllBytes(path, []); break;
            case "missing": File.Delete(path); break;
            default: throw new ArgumentOutOfRangeException(nameof(how));
        }
    }
}
