using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Tiers;

public sealed class ShardStoreTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    ShardStore Store(int units, int leases = ShardStore.NumLeases, Ledger? ledger = null) =>
        new(_folder.Path, [.. Enumerable.Range(0, units).Select(u => ($"u{u}", (IReadOnlyList<(ScalarType, long)>)[(ScalarType.Float32, 1000 + u), (ScalarType.BFloat16, 77)]))], leases, bytes => zeros(bytes, ScalarType.Byte), ledger ?? new());

    [Fact]
    public void Shards_come_and_go_under_the_same_tensors_and_views()
    {
        using var none = no_grad();
        using var store = Store(7);
        var views = Enumerable.Range(0, 7).Select(u => store[$"u{u}"][0].narrow(0, 100, 3)).ToList();
        for (var u = 0; u < 7; u++) Change(store[$"u{u}"], u, isRead: false);
        // In another order than they were written in, some while others are in use.
        foreach (var u in new[] { 0, 3, 6, 6, 1, 5, 0, 2, 4 })
        {
            var shards = store[$"u{u}"];
            store[$"u{(u + 1) % 7}"].ReadAhead();
            shards.Enter();
            shards.Enter();
            shards.Leave();
            Assert.Equal([u, u, u], views[u].data<float>().ToArray());
            using (var half = shards[1].to(ScalarType.Float32)) Assert.All(half.data<float>().ToArray(), v => Assert.Equal(-u, v));
            shards.Leave();
            Assert.False(shards.IsInUse);
        }
        Change(store["u2"], 20);
        using (var mapped = store["u2"].Map(0, 10, 5)) Assert.Equal([20, 20, 20, 20, 20], mapped.data<float>().ToArray());
        Change(store["u2"], 21);
        using (var mapped = store["u2"].Map(1, 0, 77))
        using (var values = mapped.to(ScalarType.Float32)) Assert.All(values.data<float>().ToArray(), v => Assert.Equal(-21, v));
        foreach (var view in views) view.Dispose();
    }

    [Fact]
    public void A_unit_is_read_when_no_lease_holds_it_and_written_when_it_was_changed()
    {
        var ledger = new Ledger();
        using (var store = Store(5, ledger: ledger))
        {
            var bytes = store["u0"].Bytes;
            Assert.Equal(0, bytes % ScratchFile.Alignment);
            Assert.Equal((3 * bytes, 5 * bytes), (ledger.Held(BufferKind.Staging), ledger.HeldOnDisk(BufferKind.Parameters)));
            for (var u = 0; u < 5; u++) Change(store[$"u{u}"], u, isRead: false);
            Assert.Equal((0, 5 * bytes), (store.BytesRead, store.BytesWritten));
            // Three are still here.
            foreach (var u in new[] { 4, 3, 2 })
            {
                store[$"u{u}"].Enter();
                store[$"u{u}"].Leave();
            }
            Assert.Equal((0, 5 * bytes), (store.BytesRead, store.BytesWritten));
            store["u0"].Enter();
            store["u0"].Leave();
            Change(store["u1"], 8);
            Assert.Equal((2 * bytes, 6 * bytes), (store.BytesRead, store.BytesWritten));
        }
        Assert.Equal((0, 0), (ledger.TotalHeld, ledger.HeldOnDisk(BufferKind.Parameters)));
    }

    [Fact]
    public void Reading_ahead_leaves_a_lease_for_who_needs_one()
    {
        using var store = Store(5);
        for (var u = 0; u < 5; u++) Change(store[$"u{u}"], u, isRead: false);
        store["u0"].Enter();
        store["u1"].Enter();
        Assert.False(store.HasRoom);
        var read = store.BytesRead;
        store["u2"].ReadAhead();
        Assert.Equal(read, store.BytesRead);
        store["u3"].Enter();
        Assert.Contains("'u0', 'u1', 'u3'", Assert.Throws<InvalidOperationException>(() => store["u4"].Enter()).Message, StringComparison.Ordinal);
        foreach (var u in new[] { 0, 1, 3 }) store[$"u{u}"].Leave();
        store["u4"].Enter();
        store["u4"].Leave();
    }

    [Fact]
    public void A_file_cut_short_is_an_error_that_names_the_unit_and_nothing_is_used_after_it()
    {
        using var store = Store(5);
        for (var u = 0; u < 5; u++) Change(store[$"u{u}"], u, isRead: false);
        store["u2"].Enter();
        store["u2"].Leave();
        OpenFiles.CutShort(_folder.Path, 4096);
        var error = Assert.Throws<IOException>(() => store["u1"].Enter());
        Assert.Contains("'u1'", error.Message, StringComparison.Ordinal);
        Assert.Contains("was cut short", error.Message, StringComparison.Ordinal);
        Assert.False(store["u1"].IsInUse);
        Assert.Throws<IOException>(() => store["u1"].Enter());
    }

    public void Dispose() => _folder.Dispose();

    static void Change(StoredShards shards, float value, bool isRead = true)
    {
        using var none = no_grad();
        shards.Enter(isRead);
        shards[0].fill_(value);
        shards[1].fill_(-value);
        shards.Leave(changed: true);
    }
}
