using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Training.Tests.Checkpoints;

public sealed class BackgroundSaveTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_changes_after_the_call_is_not_in_the_checkpoint()
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        var content = CheckpointStoreTests.Content(1, 5_000_000);
        store.Prepare(content);
        var pending = store.SaveInBackground("a", content, new(1));
        content.Tensors["model"][0].Value.fill_(99);
        content.State["step"] = 99;
        var info = pending.Wait(TestContext.Current.CancellationToken);

        Assert.True(pending.IsCompleted);
        Assert.Equal("a", info.Name);
        using var open = store.Open("a");
        using var weight = open.File("model").Tensor("weight");
        Assert.Equal((1f, 1f), (weight.min().item<float>(), weight.max().item<float>()));
        Assert.Equal(1, (int)open.State["step"]!);
    }

    [Fact]
    public void Saves_follow_each_other_through_the_same_buffers()
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        for (var step = 1; step <= 20; step++) store.SaveInBackground($"step-{step:D2}", CheckpointStoreTests.Content(step, 1000 * step), new(step));
        store.Flush(TestContext.Current.CancellationToken);
        foreach (var info in store.List())
        {
            using var open = store.Open(info.Name);
            using var weight = open.File("model").Tensor("weight");
            Assert.Equal(1000 * info.Step, weight.numel());
            Assert.Equal((float)info.Step, weight.mean().item<float>());
        }
    }

    [Fact]
    public void An_error_surfaces_once_at_the_next_save_or_flush()
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        FailInBackground(store);
        Assert.Throws<CheckpointException>(() => store.SaveInBackground("b", CheckpointStoreTests.Content(2), new(2)));

        FailInBackground(store);
        Assert.Throws<CheckpointException>(() => store.Flush(TestContext.Current.CancellationToken));
    }

    [Fact]
    public void An_error_that_was_waited_for_does_not_come_again()
    {
        using var scope = NewDisposeScope();
        using var store = new CheckpointStore(_folder.Path);
        var pending = FailInBackground(store);
        Assert.Throws<CheckpointException>(() => pending.Wait(TestContext.Current.CancellationToken));
        store.Flush(TestContext.Current.CancellationToken);
        store.Save("b", CheckpointStoreTests.Content(2), new(2));
    }

    [Fact]
    public void Disposing_waits_for_the_save_under_way()
    {
        using var scope = NewDisposeScope();
        using (var store = new CheckpointStore(_folder.Path)) store.SaveInBackground("a", CheckpointStoreTests.Content(1, 2_000_000), new(1));
        using var open = LoadedCheckpoint.Open(_folder["a"]);
        Assert.Equal(1, open.Info.Step);
    }

    static PendingCheckpoint FailInBackground(CheckpointStore store)
    {
        var content = CheckpointStoreTests.Content(1);
        // A stem that names a folder that is not there: the file cannot be made.
        content.Tensors["none/model"] = content.Tensors["model"];
        return store.SaveInBackground("a", content, new(1));
    }
}
