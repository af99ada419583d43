using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Transports.SharedMemory;

public sealed class SharedMemoryJoinTests
{
    [Fact]
    public void A_rank_that_never_comes_is_named_and_the_file_removed()
    {
        using var folder = new TemporaryFolder();
        var options = new SharedMemoryOptions { Folder = folder.Path, Deadline = TimeSpan.FromMilliseconds(50) };
        var error = Assert.Throws<TimeoutException>(() => SharedMemoryTransport.Join("late", 0, 3, options));
        Assert.Contains("ranks 1, 2 did not come", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
        var lonely = Assert.Throws<TimeoutException>(() => SharedMemoryTransport.Join("late", 1, 3, options));
        Assert.Contains("rank 0 did not make", lonely.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_cannot_be_made_is_named_with_what_to_do()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<TransportUnavailableException>(() => SharedMemoryTransport.Join("nowhere", 0, 2, new SharedMemoryOptions { Folder = folder["absent"] }));
        Assert.Contains("The 2 ranks meet in a file of 4,608 bytes, and it can't be made: ", error.Message, StringComparison.Ordinal);
        Assert.Contains($"Make room in {folder["absent"]}", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Waiting_ends_with_the_token()
    {
        using var folder = new TemporaryFolder();
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
        Assert.ThrowsAny<OperationCanceledException>(() => SharedMemoryTransport.Join("cancelled", 0, 2, new SharedMemoryOptions { Folder = folder.Path }, source.Token));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task A_rank_of_another_size_is_refused()
    {
        using var folder = new TemporaryFolder();
        var options = new SharedMemoryOptions { Folder = folder.Path, Deadline = TimeSpan.FromSeconds(10) };
        using var source = new CancellationTokenSource();
        var first = Task.Run(() => Record.Exception(() => SharedMemoryTransport.Join("sizes", 0, 2, options, source.Token)));
        var error = Assert.Throws<InvalidOperationException>(() => SharedMemoryTransport.Join("sizes", 1, 3, options));
        Assert.Contains("Rank 1 of 3 (version 1) met a run of 2 ranks", error.Message, StringComparison.Ordinal);
        await source.CancelAsync();
        Assert.IsAssignableFrom<OperationCanceledException>(await first);
    }

    [Fact]
    public async Task A_rank_that_comes_twice_is_refused()
    {
        using var folder = new TemporaryFolder();
        var options = new SharedMemoryOptions { Folder = folder.Path, Deadline = TimeSpan.FromSeconds(10) };
        using var source = new CancellationTokenSource();
        var first = Task.Run(() => Record.Exception(() => SharedMemoryTransport.Join("twice", 0, 3, options, source.Token)));
        var second = Task.Run(() => Record.Exception(() => SharedMemoryTransport.Join("twice", 1, 3, options, source.Token)));
        var third = Task.Run(() => Record.Exception(() => SharedMemoryTransport.Join("twice", 1, 3, options, source.Token)));
        var refused = await await Task.WhenAny(second, third);
        Assert.Contains("Rank 1 of twice came twice", Assert.IsType<InvalidOperationException>(refused).Message, StringComparison.Ordinal);
        await source.CancelAsync();
        await Task.WhenAll(first, second, third);
    }

    [Fact]
    public async Task A_file_of_a_run_that_died_is_replaced_and_one_of_a_living_run_is_not()
    {
        using var folder = new TemporaryFolder();
        var options = new SharedMemoryOptions { Folder = folder.Path, Deadline = TimeSpan.FromSeconds(20) };
        var path = folder[SharedMemoryTransport.FileName("again")];
        using var source = new CancellationTokenSource();
        var living = Task.Run(() => Record.Exception(() => SharedMemoryTransport.Join("again", 0, 2, options, source.Token)));
        SpinWait.SpinUntil(() => File.Exists(path) && new FileInfo(path).Length > 0, TimeSpan.FromSeconds(10));
        var error = Assert.Throws<InvalidOperationException>(() => SharedMemoryTransport.Join("again", 0, 2, options));
        Assert.Contains("belongs to a process that is alive", error.Message, StringComparison.Ordinal);
        var bytes = ReadShared(path);
        await source.CancelAsync();
        Assert.IsAssignableFrom<OperationCanceledException>(await living);

        // The same file, of a process that began at another time.
        bytes[24] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        var joined = await Task.WhenAll(Enumerable.Range(0, 2).Select(rank => Task.Run(() => SharedMemoryTransport.Join("again", rank, 2, options))));
        Assert.Empty(Directory.GetFiles(folder.Path));
        foreach (var transport in joined) transport.Dispose();
    }

    [Fact]
    public void Named_files_serve_where_descriptors_may_not_be_opened()
    {
        using var folder = new TemporaryFolder();
        RankThreads.OverSharedMemory(3, world =>
        {
            using var buffer = world.Group.Allocate(1000, ScalarType.Float32);
            buffer.fill_(world.Rank + 1);
            world.Group.AllReduce(buffer);
            using var half = world.Group.Split(world.Rank < 2 ? [0, 1] : [2], "half");
            half.AllReduce(buffer);
            Assert.Equal(world.Rank < 2 ? 12 : 6, buffer.max().item<float>());
        }, memory: new SharedMemoryOptions { Folder = folder.Path, NamedFiles = true });
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Worlds_at_the_same_time_do_not_meet() => Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i => RankThreads.OverSharedMemory(2, world =>
    {
        using var value = full(100, i, ScalarType.Int32);
        for (var round = 0; round < 20; round++) world.Group.AllReduce(value, ReduceOp.Max);
        Assert.Equal(i, value.max().item<int>());
    }));

    static byte[] ReadShared(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
