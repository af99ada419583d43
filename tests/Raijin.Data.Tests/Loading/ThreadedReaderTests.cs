using System.Collections.Concurrent;
using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Data.Tests.Loading;

public sealed class ThreadedReaderTests
{
    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Any_number_of_workers_delivers_what_one_thread_does() =>
        Gen.Select(Gen.Int[1, 80], Gen.Int[1, 12], Gen.Int[1, 5], Gen.Int[0, 4], Gen.ULong).Sample((count, batch, workers, extra, seed) =>
        {
            var options = new LoaderOptions { BatchSize = Math.Min(batch, count), Seed = seed, Workers = workers, Prefetch = workers + extra };
            var set = Dataset.Of(count, request => request.Index);
            var inline = Read.Labels(set.Batches(options with { Workers = 0, Prefetch = null }, Read.Collated), epoch: 2);
            Assert.Equal(inline, Read.Labels(set.Batches(options, Read.Collated), epoch: 2));
            var middle = inline.Count / 2;
            Assert.Equal(inline.Skip(middle), Read.Labels(set.Batches(options, Read.Collated), epoch: 2, firstBatch: middle));
        }, iter: 60);

    [Fact]
    public void Samples_and_in_memory_sets_come_in_the_same_order()
    {
        using var tensors = Read.Numbered(77);
        var options = new LoaderOptions { BatchSize = 10, Seed = 4, Workers = 2 };
        Assert.Equal(Read.Labels(tensors.Batches(options), 3), Read.Labels(Dataset.Of(77, request => request.Index).Batches(options, Read.Collated), 3));
    }

    [Fact]
    public void Random_transforms_belong_to_the_sample_and_not_to_the_worker()
    {
        var set = Dataset.Of(60, request => request.Index).Map((_, request) => request.Random().NextInt64(1_000_000));
        var options = new LoaderOptions { BatchSize = 7, Seed = 5 };
        var inline = Read.Labels(set.Batches(options, Read.Collated), 1);
        Assert.Equal(inline, Read.Labels(set.Batches(options with { Workers = 3 }, Read.Collated), 1));
        Assert.NotEqual(inline, Read.Labels(set.Batches(options, Read.Collated), 2));
        Assert.True(inline.SelectMany(batch => batch).Distinct().Count() > 55);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void A_sample_that_throws_is_named_in_its_turn_with_the_stack_of_the_worker(int workers)
    {
        var set = Dataset.Of(30, ReadButNot17);
        using var reader = set.Batches(new LoaderOptions { BatchSize = 5, Shuffle = false, Workers = workers }, Read.Collated).Open(4, cancellationToken: Token);
        using var scope = TensorScope.Open();
        for (var i = 0; i < 3; i++) Assert.True(reader.MoveNext());

        var error = Assert.Throws<DataLoaderException>(() => reader.MoveNext());
        Assert.Equal((4, 3, 17), (error.Epoch, error.Batch, error.Sample));
        Assert.Equal("Epoch 4, batch 3: sample 17 could not be read: FormatException: not a number", error.Message);
        Assert.Contains(nameof(ReadButNot17), Assert.IsType<FormatException>(error.InnerException).StackTrace, StringComparison.Ordinal);
        Assert.Same(error, Assert.Throws<DataLoaderException>(() => reader.MoveNext()));

        static long ReadButNot17(SampleRequest request) => request.Index == 17 ? throw new FormatException("not a number") : request.Index;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_collate_that_throws_is_named_without_a_sample(int workers)
    {
        var set = Dataset.Of([1L, 2, 3]);
        using var reader = set.Batches<LabeledBatch>(new LoaderOptions { BatchSize = 3, Workers = workers }, _ => throw new FormatException("ragged")).Open(0, cancellationToken: Token);
        var error = Assert.Throws<DataLoaderException>(() => reader.MoveNext());
        Assert.Null(error.Sample);
        Assert.Equal("Epoch 0, batch 0: its samples could not be collated: FormatException: ragged", error.Message);
    }

    [Fact]
    public void Disposing_early_ends_the_workers_and_frees_what_nobody_took()
    {
        var workers = new ConcurrentDictionary<Thread, bool>();
        var live = TensorLedger.Read().LiveTensors;
        using var made = new SemaphoreSlim(0);
        var set = Dataset.Of(400, request => request.Index);
        var loader = set.Batches(new LoaderOptions { BatchSize = 4, Workers = 2, Prefetch = 4 }, samples =>
        {
            workers[Thread.CurrentThread] = true;
            made.Release();
            return Read.Collated(samples);
        });
        using (var reader = loader.Open(0, cancellationToken: Token))
        {
            for (var i = 0; i < 4; i++) made.Wait(Token);
        }
        Assert.NotEmpty(workers);
        Assert.All(workers.Keys, thread => Assert.False(thread.IsAlive));
        Assert.Equal(live, TensorLedger.Read().LiveTensors);
    }

    [Fact]
    public void Workers_run_no_further_ahead_than_the_prefetch()
    {
        const int Prefetch = 3;
        var started = 0;
        using var reader = Dataset.Of(40, request =>
        {
            Interlocked.Increment(ref started);
            return request.Index;
        }).Batches(new LoaderOptions { BatchSize = 1, Shuffle = false, Workers = 2, Prefetch = Prefetch }, Read.Collated).Open(0, cancellationToken: Token);
        using var scope = TensorScope.Open();
        for (var taken = 1; reader.MoveNext(); taken++)
            Assert.InRange(Volatile.Read(ref started), taken, taken + Prefetch);
    }

    [Fact]
    public void Batches_belong_to_the_scope_of_the_caller_or_to_the_caller_where_there_is_none()
    {
        using var reader = Dataset.Of(8, request => request.Index).Batches(new LoaderOptions { BatchSize = 4, Workers = 2 }, Read.Collated).Open(0, cancellationToken: Token);
        LabeledBatch batch;
        using (var scope = TensorScope.Open())
        {
            Assert.True(reader.MoveNext());
            batch = reader.Current;
            Assert.Equal(2, scope.LiveTensors);
        }
        Assert.True(batch.Inputs.IsInvalid && batch.Labels.IsInvalid);

        Assert.True(reader.MoveNext());
        reader.Current.Inputs.Dispose();
        reader.Current.Labels.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Tensors_made_for_samples_are_freed_and_those_of_the_dataset_are_not(int workers)
    {
        using var own = ones(3, 2);
        var live = TensorLedger.Read().LiveTensors;
        var set = Dataset.Of(6, request => full([2], (float)request.Index));
        var loader = set.Batches(new LoaderOptions { BatchSize = 3, Workers = workers }, samples => new LabeledBatch(stack(samples), own));
        using (var reader = loader.Open(0, cancellationToken: Token))
        {
            using var scope = TensorScope.Open();
            while (reader.MoveNext()) Assert.Equal(6, reader.Current.Labels.sum().item<float>());
        }
        Assert.Equal(live, TensorLedger.Read().LiveTensors);
        Assert.False(own.IsInvalid);
    }

    [Fact]
    public void Batches_record_no_gradients()
    {
        using var weight = ones([2], requires_grad: true);
        foreach (var workers in new[] { 0, 1 })
        {
            using var reader = Dataset.Of(2, request => request.Index)
                .Batches(new LoaderOptions { BatchSize = 2, Workers = workers }, samples => new TensorBatch(weight * 2)).Open(0, cancellationToken: Token);
            using var scope = TensorScope.Open();
            Assert.True(reader.MoveNext());
            Assert.False(reader.Current.Inputs.requires_grad);
        }
    }

    [Fact]
    public void Cancelling_wakes_a_waiting_reader_and_the_dataset()
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Token);
        using var entered = new ManualResetEventSlim();
        var set = Dataset.Of(4, request =>
        {
            entered.Set();
            request.CancellationToken.WaitHandle.WaitOne();
            request.CancellationToken.ThrowIfCancellationRequested();
            return request.Index;
        });
        using var reader = set.Batches(new LoaderOptions { BatchSize = 2, Workers = 1 }, Read.Collated).Open(0, cancellationToken: source.Token);
        entered.Wait(Token);
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => reader.MoveNext());
    }

    [Fact]
    public void A_dataset_that_cancels_itself_is_a_failure_and_not_a_cancellation()
    {
        var set = Dataset.Of<long>(4, _ => throw new OperationCanceledException("gave up"));
        using var reader = set.Batches(new LoaderOptions { BatchSize = 2, Shuffle = false, Workers = 1 }, Read.Collated).Open(0, cancellationToken: Token);
        Assert.Equal(0, Assert.Throws<DataLoaderException>(() => reader.MoveNext()).Sample);
    }

    [Fact]
    public void A_batch_that_does_not_come_in_time_names_the_worker_and_its_sample()
    {
        using var release = new ManualResetEventSlim();
        var set = Dataset.Of(4, request =>
        {
            if (request.Index == 3) release.Wait(CancellationToken.None);
            return request.Index;
        });
        var options = new LoaderOptions { BatchSize = 2, Shuffle = false, Workers = 1, Timeout = TimeSpan.FromMilliseconds(200) };
        using var reader = set.Batches(options, Read.Collated).Open(0, cancellationToken: Token);
        using var scope = TensorScope.Open();
        Assert.True(reader.MoveNext());
        var error = Assert.Throws<TimeoutException>(() => reader.MoveNext());
        Assert.Equal(
            "After 0.2 s of the loader's timeout, batch 1 did not arrive. Worker 0: batch 1, reading sample 3. Look at what the dataset does there, or raise LoaderOptions.Timeout.",
            error.Message);
        release.Set();
    }

    [Fact]
    public void Disposing_ends_workers_that_wait_for_room_when_the_run_was_cancelled_before()
    {
        using var source = new CancellationTokenSource();
        using var made = new SemaphoreSlim(0);
        var loader = Dataset.Of(8, request => request.Index).Batches(new LoaderOptions { BatchSize = 1, Workers = 1, Prefetch = 1, Timeout = TimeSpan.FromSeconds(20) }, samples =>
        {
            made.Release();
            return Read.Collated(samples);
        });
        var reader = loader.Open(0, cancellationToken: source.Token);
        made.Wait(Token);
        // The worker has made what there is room for: it waits, or is about to.
        SpinWait.SpinUntil(() => false, TimeSpan.FromMilliseconds(20));
        source.Cancel();
        reader.Dispose();
    }

    [Fact]
    public void Splits_of_samples_are_disjoint_and_evaluation_parts_come_in_order()
    {
        var data = Dataset.Of(50, request => request.Index).Split(validation: 0.2, test: 0.1, seed: 9).Batches(new LoaderOptions { BatchSize = 8, Workers = 2 }, Read.Collated);
        var (train, validation, test) = (Read.Labels(data.Train), Read.Labels(data.Validation!.Only), Read.Labels(data.Test!.Only));
        Assert.Equal((35, 10, 5), (train.Sum(b => b.Length), validation.Sum(b => b.Length), test.Sum(b => b.Length)));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (long)i), train.Concat(validation).Concat(test).SelectMany(b => b).Order());
        Assert.Equal(validation.SelectMany(b => b).Order(), validation.SelectMany(b => b));
    }
}
