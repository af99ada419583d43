using CsCheck;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Data.Tests.Loading;

public sealed class AheadLoaderTests
{
    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Batches_come_in_order_and_resume_like_those_of_the_loader() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 9], Gen.Int[1, 3], Gen.Int[0, 2], Gen.Int[1, 3]).Sample((count, batch, depth, workers, world) =>
        {
            var set = Dataset.Of(count, request => request.Index);
            var loader = set.Batches(new LoaderOptions { BatchSize = Math.Min(batch, count), Workers = workers }, Read.Collated);
            var ahead = loader.Ahead(moved => moved.Map(tensor => tensor.clone()), depth).Shard(world - 1, world);
            var expected = Read.Labels(loader.Shard(world - 1, world), 3);
            Assert.Equal(expected, Read.Labels(ahead, 3));
            Assert.Equal(expected.Skip(expected.Count / 2), Read.Labels(ahead, 3, expected.Count / 2));
            Assert.Equal((loader.Shard(world - 1, world).Fingerprint, expected.Count), (ahead.Fingerprint, ahead.BatchesPerEpoch));
        }, iter: 60);

    [Fact]
    public void Transfers_run_ahead_up_to_the_depth_and_no_further()
    {
        using var set = Read.Numbered(10);
        using var transferred = new SemaphoreSlim(0);
        var count = 0;
        var loader = set.Batches(1).Ahead(batch =>
        {
            Interlocked.Increment(ref count);
            transferred.Release();
            return batch;
        }, depth: 2);
        using var reader = loader.Open(0, cancellationToken: Token);
        using var scope = TensorScope.Open();
        for (var i = 0; i < 2; i++) transferred.Wait(Token);
        Assert.Equal(2, Volatile.Read(ref count));
        Assert.True(reader.MoveNext());
        transferred.Wait(Token);
        Assert.Equal(3, Volatile.Read(ref count));
    }

    [Fact]
    public void A_failing_transfer_is_told_in_its_turn_and_again()
    {
        using var set = Read.Numbered(5);
        var number = 0;
        var loader = set.Batches(1).Ahead(batch => number++ == 2 ? throw new OutOfMemoryException("device") : batch, depth: 2);
        using var reader = loader.Open(0, cancellationToken: Token);
        using var scope = TensorScope.Open();
        Assert.True(reader.MoveNext());
        Assert.True(reader.MoveNext());
        Assert.Equal("device", Assert.Throws<OutOfMemoryException>(() => reader.MoveNext()).Message);
        Assert.Throws<OutOfMemoryException>(() => reader.MoveNext());
    }

    [Fact]
    public void A_failing_sample_is_told_in_its_turn()
    {
        var set = Dataset.Of(4, request => request.Index == 2 ? throw new FormatException("no") : request.Index);
        var loader = set.Batches(new LoaderOptions { BatchSize = 1, Shuffle = false, Workers = 1 }, Read.Collated).Ahead(batch => batch);
        using var reader = loader.Open(0, cancellationToken: Token);
        using var scope = TensorScope.Open();
        Assert.True(reader.MoveNext());
        Assert.True(reader.MoveNext());
        Assert.Equal(2, Assert.Throws<DataLoaderException>(() => reader.MoveNext()).Batch);
    }

    [Fact]
    public void What_nobody_took_is_freed_with_the_reader()
    {
        using var set = Read.Numbered(20);
        var live = TensorLedger.Read().LiveTensors;
        using var transferred = new SemaphoreSlim(0);
        using (var reader = set.Batches(2).Ahead(Counted, depth: 3).Open(0, cancellationToken: Token))
        {
            using var scope = TensorScope.Open();
            Assert.True(reader.MoveNext());
            for (var i = 0; i < 4; i++) transferred.Wait(Token);
        }
        Assert.Equal(live, TensorLedger.Read().LiveTensors);

        LabeledBatch Counted(LabeledBatch batch)
        {
            transferred.Release();
            return batch.Map(tensor => tensor.clone());
        }
    }

    [Fact]
    public void Closing_ends_a_read_that_waits()
    {
        using var reading = new SemaphoreSlim(0);
        var set = Dataset.Of(4, request =>
        {
            reading.Release();
            request.CancellationToken.WaitHandle.WaitOne();
            request.CancellationToken.ThrowIfCancellationRequested();
            return request.Index;
        });
        var reader = set.Batches(new LoaderOptions { BatchSize = 1 }, Read.Collated).Ahead(batch => batch).Open(0, cancellationToken: Token);
        reading.Wait(Token);
        reader.Dispose();
        Assert.False(reader.MoveNext());
    }

    [Fact]
    public void Cancelling_wakes_whoever_waits()
    {
        using var source = new CancellationTokenSource();
        var set = Dataset.Of(4, request =>
        {
            source.Cancel();
            request.CancellationToken.ThrowIfCancellationRequested();
            return request.Index;
        });
        using var reader = set.Batches(new LoaderOptions { BatchSize = 1 }, Read.Collated).Ahead(batch => batch).Open(0, cancellationToken: source.Token);
        Assert.Throws<OperationCanceledException>(() => reader.MoveNext());
    }

    [Fact]
    public void A_transfer_may_hand_on_tensors_that_are_not_the_batchs_own()
    {
        using var set = Read.Numbered(3);
        using var shared = ones(1);
        using (var reader = set.Batches(1).Ahead(batch => new LabeledBatch(batch.Inputs, shared)).Open(0, cancellationToken: Token))
        {
            using var scope = TensorScope.Open();
            while (reader.MoveNext()) Assert.Equal(1, reader.Current.Labels.item<float>());
        }
        Assert.False(shared.IsInvalid);
    }

    [Fact]
    public void Batches_arrive_on_the_device_and_on_the_host_as_they_are()
    {
        using var set = Read.Numbered(4);
        var loader = set.Batches(2);
        Assert.Same(loader, loader.OnDevice(CPU));
        using var reader = loader.OnDevice(META).Open(0, cancellationToken: Token);
        using var scope = TensorScope.Open();
        Assert.True(reader.MoveNext());
        Assert.Equal((DeviceType.META, 2), (reader.Current.Inputs.device_type, reader.Current.Count));
    }
}
