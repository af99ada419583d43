using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Data.Tests.Loading;

public sealed class GatherLoaderTests
{
    [Fact]
    public void Opening_at_any_batch_gives_the_tail_of_the_epoch() =>
        Gen.Select(Gen.Long[1, 120], Gen.Int[1, 20], Gen.Int[1, 4], Gen.ULong, Gen.Long[0, 9]).Sample((count, batch, world, seed, epoch) =>
        {
            using var set = Read.Numbered(count);
            var loader = set.Batches(new LoaderOptions { BatchSize = (int)Math.Min(batch, count), Seed = seed }).Shard(world - 1, world);
            var whole = Read.Labels(loader, epoch);
            Assert.Equal(loader.BatchesPerEpoch, whole.Count);
            for (var first = 0; first <= whole.Count; first++) Assert.Equal(whole.Skip(first), Read.Labels(loader, epoch, first));
        }, iter: 30);

    [Fact]
    public void Batches_belong_to_the_scope_of_the_caller()
    {
        using var set = Read.Numbered(10);
        using var reader = set.Batches(5).Open(0, cancellationToken: TestContext.Current.CancellationToken);
        LabeledBatch batch;
        using (var scope = TensorScope.Open())
        {
            Assert.True(reader.MoveNext());
            batch = reader.Current;
            Assert.Equal(2, scope.LiveTensors);
        }
        Assert.True(batch.Inputs.IsInvalid && batch.Labels.IsInvalid);
    }

    [Fact]
    public void Epochs_leave_no_tensor_and_little_garbage()
    {
        using var set = Read.Numbered(6400);
        var loader = set.Batches(64);
        using var scope = TensorScope.Open();
        using var warm = loader.Open(0, cancellationToken: TestContext.Current.CancellationToken);
        while (warm.MoveNext()) scope.Free();

        var live = TensorLedger.Read().LiveTensors;
        using var reader = loader.Open(1, cancellationToken: TestContext.Current.CancellationToken);
        var bytes = GC.GetAllocatedBytesForCurrentThread();
        while (reader.MoveNext())
        {
            Assert.Equal(live + 2, TensorLedger.Read().LiveTensors);
            scope.Free();
        }
        bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
        Assert.InRange(bytes / 100, 0, 1500);
    }

    [Fact]
    public void Positions_outside_the_epoch_are_refused()
    {
        using var set = Read.Numbered(10);
        var loader = set.Batches(4);
        Assert.Throws<ArgumentOutOfRangeException>(() => loader.Open(-1, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentOutOfRangeException>(() => loader.Open(0, -1, TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentOutOfRangeException>(() => loader.Open(0, 4, TestContext.Current.CancellationToken));
        Assert.Empty(Read.Labels(loader, firstBatch: 3));
    }

    [Fact]
    public void Cancelling_ends_the_reading()
    {
        using var set = Read.Numbered(10);
        using var source = new CancellationTokenSource();
        using var reader = set.Batches(4).Open(0, cancellationToken: source.Token);
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => reader.MoveNext());
    }

    [Fact]
    public void There_is_no_current_batch_before_the_first_and_after_the_last()
    {
        using var set = Read.Numbered(4);
        using var reader = set.Batches(4).Open(0, cancellationToken: TestContext.Current.CancellationToken);
        using var scope = TensorScope.Open();
        Assert.Throws<InvalidOperationException>(() => reader.Current);
        Assert.True(reader.MoveNext());
        Assert.False(reader.MoveNext());
        Assert.Throws<InvalidOperationException>(() => reader.Current);
    }

    [Fact]
    public void The_fingerprint_tells_what_decides_the_samples()
    {
        using var set = Read.Numbered(100);
        Assert.Equal("100 samples, batch 8, shuffled by seed 7, remainder Wrap, world 1", set.Batches(new LoaderOptions { BatchSize = 8, Seed = 7 }).Fingerprint);
        Assert.Equal("100 samples, batch 8, in order, remainder Exact, world 2", set.Batches(new LoaderOptions { BatchSize = 8 }.ForEvaluation()).Shard(1, 2).Fingerprint);
        Assert.Equal("20 samples, batch 20, in order, remainder Exact, world 1, validation part of 100 split 0.2/0 by seed 3", set.Split(0.2, seed: 3).Batches(64).Validation!.Only.Fingerprint);
        Assert.EndsWith(", train part of 50 split 0.1/0 by seed 0 of the train part of 100 split 0.5/0 by seed 0", set.Split(0.5).Train.Split(0.1).Batches(8).Train.Fingerprint, StringComparison.Ordinal);
        var samples = Dataset.Of(100, request => request.Index).Split(0.2).Train.Map(x => x).Batches(new LoaderOptions { BatchSize = 8 }, Read.Collated);
        Assert.Equal("80 samples, batch 8, shuffled by seed 0, remainder Wrap, world 1, train part of 100 split 0.2/0 by seed 0", samples.Fingerprint);
    }

    [Fact]
    public void A_user_batch_type_gathers_like_the_built_in_ones()
    {
        using var scope = TensorScope.Open();
        using var set = new Pairs(arange(6, dtype: ScalarType.Int64), arange(6, dtype: ScalarType.Int64).neg(), arange(12).reshape(6, 2));
        var batch = set.Split(validation: 0.5).Train.Gather(0, 2);
        Assert.Equal(batch.Left.data<long>().ToArray(), batch.Right.neg().data<long>().ToArray());
        Assert.Equal([2, 2], batch.Both.shape);
    }

    sealed record PairBatch(Tensor Left, Tensor Right, Tensor Both) : IBatch<PairBatch>
    {
        public int Count => (int)Left.size(0);

        public PairBatch Map(Func<Tensor, Tensor> map) => new(map(Left), map(Right), map(Both));
    }

    sealed class Pairs : TensorDataset<PairBatch>
    {
        public Pairs(Tensor left, Tensor right, Tensor both) : base((nameof(left), left), (nameof(right), right), (nameof(both), both)) { }

        Pairs(Pairs whole, DatasetPart part) : base(whole, part) { }

        protected override PairBatch Make(ReadOnlySpan<Tensor> columns) => new(columns[0], columns[1], columns[2]);

        protected override TensorDataset<PairBatch> Take(DatasetPart part) => new Pairs(this, part);
    }
}
