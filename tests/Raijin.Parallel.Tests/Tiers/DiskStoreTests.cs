using CsCheck;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Tiers;

public sealed class DiskStoreTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    // What was written is read back, whatever its length, its place in memory and its neighbours; larger than a block too.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_written_is_read_back(bool buffered) =>
        Gen.Select(Gen.Int[0, 70_000].Array[1, 6], Gen.Int[0, 5], Gen.Int[0, 1000]).Sample((sizes, shift, seed) => Roundtrip([.. sizes.Select(s => (long)s)], shift, seed, buffered), iter: 30, threads: 1);

    [Fact]
    public void Transfers_larger_than_a_block_are_whole() => Roundtrip([(3 * DiskQueue.BlockBytes) + 5, 11, DiskQueue.BlockBytes], 0, 1, buffered: false);

    void Roundtrip(long[] sizes, int shift, int seed, bool buffered)
    {
        using var scope = NewDisposeScope();
        using var store = new DiskStore(_folder.Path, sizes.Select((s, i) => ($"r{i}", s)), threads: 3, buffered);
        var written = sizes.Select((s, i) => Bytes(s + shift, seed + i).narrow(0, shift, s)).ToList();
        Task.WaitAll([.. written.Select((t, i) => store.WriteAsync(store[$"r{i}"], t))], TestContext.Current.CancellationToken);
        var read = sizes.Select(s => zeros(s + shift, ScalarType.Byte).narrow(0, shift, s)).ToList();
        Task.WaitAll([.. read.Select((t, i) => store.ReadAsync(store[$"r{i}"], t))], TestContext.Current.CancellationToken);
        foreach (var (one, two) in written.Zip(read)) Assert.True(Pieces.Bits(one).AsSpan().SequenceEqual(Pieces.Bits(two)));
        Assert.Equal(sizes.Sum(), store.BytesRead);
        Assert.Equal(sizes.Sum(), store.BytesWritten);
    }

    [Fact]
    public async Task A_part_of_a_range_is_read_into_a_part_of_memory()
    {
        using var store = new DiskStore(_folder.Path, [("a", 40_000), ("b", 4096)]);
        using var all = Bytes(40_000, 1);
        await store.WriteAsync(store["a"], all);
        using var into = zeros(10_000, ScalarType.Byte);
        await store.ReadAsync(store["a"], into, offset: 8192, memoryOffset: 100, bytes: 5000);
        Assert.Equal(Pieces.Bits(all)[8192..13192], Pieces.Bits(into)[100..5100]);
        using var mapped = store.Map(store["a"], 400, [100], ScalarType.Float32);
        Assert.Equal(Pieces.Bits(all)[400..800], Pieces.Bits(mapped));
        store.Unmap();
        Assert.Equal(Pieces.Bits(all)[400..800], Pieces.Bits(mapped));
    }

    [Fact]
    public async Task A_transfer_outside_of_its_range_is_refused()
    {
        using var store = new DiskStore(_folder.Path, [("a", 8192), ("b", 8192)]);
        using var memory = zeros(10_000, ScalarType.Byte);
        Assert.Contains("'a' of 8,192 bytes", (await Assert.ThrowsAsync<ArgumentException>(() => store.ReadAsync(store["a"], memory))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => store.WriteAsync(store["a"], memory, offset: 4096, bytes: 5000));
        await Assert.ThrowsAsync<ArgumentException>(() => store.WriteAsync(store["a"], memory, offset: 1, bytes: 5));
        await Assert.ThrowsAsync<ArgumentException>(() => store.ReadAsync(store["a"], memory, memoryOffset: 9000, bytes: 2000));
        using var square = zeros([4, 4], ScalarType.Byte);
        using var strided = square.t();
        await Assert.ThrowsAsync<ArgumentException>(() => store.ReadAsync(store["a"], strided));
        Assert.Throws<KeyNotFoundException>(() => store["c"]);
        Assert.Throws<ArgumentException>(() => new DiskStore(_folder.Path, [("a", 1), ("a", 1)]));
        Assert.Equal(0, store.BytesRead + store.BytesWritten);
    }

    [Fact]
    public void A_disk_without_the_space_is_known_at_once()
    {
        var error = Assert.Throws<IOException>(() => new DiskStore(_folder.Path, [("state", 1L << 52)]));
        Assert.Contains("4,503,599,627,370,496 bytes", error.Message, StringComparison.Ordinal);
        Assert.Contains(_folder.Path, error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Folders_that_were_made_for_the_file_go_with_it_when_they_are_empty()
    {
        Directory.CreateDirectory(_folder["there"]);
        using (new DiskStore(_folder["there"], [("a", 10)])) Assert.Empty(Directory.GetFiles(_folder["there"]));
        Assert.True(Directory.Exists(_folder["there"]));
        using (new DiskStore(_folder["there/made/"], [("a", 10)]))
        using (new DiskStore(_folder["there/made/deeper"], [("a", 10)]))
            File.WriteAllText(_folder["there/made/note"], "mine");
        Assert.Equal(["note"], Directory.GetFileSystemEntries(_folder["there/made"]).Select(Path.GetFileName));
        Assert.Throws<IOException>(() => new DiskStore(_folder["there/other"], [("state", 1L << 52)]));
        Assert.False(Directory.Exists(_folder["there/other"]));
    }

    [Fact]
    public async Task A_file_cut_short_is_an_error_that_names_the_range()
    {
        using var store = new DiskStore(_folder.Path, [("a", 8192), ("shard 3", 8192)]);
        using var memory = zeros(8192, ScalarType.Byte);
        OpenFiles.CutShort(_folder.Path, 10_000);
        await store.ReadAsync(store["a"], memory);
        var error = await Assert.ThrowsAsync<IOException>(() => store.ReadAsync(store["shard 3"], memory));
        Assert.Contains("'shard 3'", error.Message, StringComparison.Ordinal);
        Assert.Throws<IOException>(() => store.Map(store["a"], 0, [1], ScalarType.Float32));
    }

    [Fact]
    public async Task What_is_queued_is_finished_before_the_store_goes()
    {
        using var memory = Bytes(20_000_000, 1);
        var store = new DiskStore(_folder.Path, [("a", 20_000_000)], threads: 1);
        var writing = store.WriteAsync(store["a"], memory);
        store.Dispose();
        await writing;
        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.ReadAsync(new("a", 0, 4096), memory));
    }

    public void Dispose() => _folder.Dispose();

    static Tensor Bytes(long count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return tensor(bytes);
    }
}
