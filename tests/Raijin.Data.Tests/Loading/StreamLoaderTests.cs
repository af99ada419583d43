using CsCheck;

namespace Raijin.Data.Tests.Loading;

public sealed class StreamLoaderTests
{
    static readonly LoaderOptions InOrder = new() { BatchSize = 4, Shuffle = false };

    [Fact]
    public void Ranks_share_a_stream_as_they_share_a_dataset() =>
        Gen.Select(Gen.Int[1, 60], Gen.Int[1, 8], Gen.Int[1, 4], Gen.Int[0, 2], Gen.Enum<Remainder>()).Sample((count, batch, world, workers, remainder) =>
        {
            batch = Math.Min(batch, count);
            if (remainder == Remainder.Drop && batch * world > count) return;
            var options = new LoaderOptions { BatchSize = batch, Shuffle = false, Remainder = remainder, Workers = workers };
            var stream = Dataset.Stream(_ => Enumerable.Range(0, count).Select(i => (long)i)).Batches(options, Read.Collated);
            using var set = Read.Numbered(count);
            for (var rank = 0; rank < world; rank++)
            {
                var expected = Read.Labels(set.Batches(options).Shard(rank, world));
                Assert.Equal(expected, Read.Labels(stream.Shard(rank, world)));
                Assert.Equal(expected.Skip(1), Read.Labels(stream.Shard(rank, world), firstBatch: Math.Min(1, expected.Count)));
            }
        }, iter: 60);

    [Fact]
    public void A_stream_that_can_seek_is_asked_for_the_position()
    {
        var stream = new Seekable();
        Assert.Equal([[20, 21, 22, 23], [24, 25, 26, 27], [28, 29]], Read.Labels(stream.Batches(InOrder, Read.Collated), epoch: 1, firstBatch: 5));
        Assert.Equal((1, 20), stream.Asked);
        Assert.Equal(8, stream.Batches(InOrder, Read.Collated).BatchesPerEpoch);
        Assert.Equal("stream of 30 samples, batch 4, remainder Wrap, world 1", stream.Batches(InOrder, Read.Collated).Fingerprint);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_stream_that_fails_is_named_by_position_after_the_batches_before(int workers)
    {
        using var reader = Dataset.Stream(_ => Failing()).Batches(InOrder with { Workers = workers }, Read.Collated).Open(0, cancellationToken: TestContext.Current.CancellationToken);
        using var scope = TensorScope.Open();
        Assert.True(reader.MoveNext());
        var error = Assert.Throws<DataLoaderException>(() => reader.MoveNext());
        Assert.Equal((1, 6), (error.Batch, error.Sample));
        Assert.IsType<EndOfStreamException>(error.InnerException);
        Assert.Same(error, Assert.Throws<DataLoaderException>(() => reader.MoveNext()));

        static IEnumerable<long> Failing()
        {
            for (var i = 0L; i < 6; i++) yield return i;
            throw new EndOfStreamException();
        }
    }

    [Fact]
    public void A_stream_without_end_is_closed_when_its_reader_is()
    {
        var closed = false;
        using (var reader = Dataset.Stream(_ => Endless()).Batches(InOrder with { Workers = 2 }, Read.Collated).Open(0, cancellationToken: TestContext.Current.CancellationToken))
        {
            using var scope = TensorScope.Open();
            for (var i = 0; i < 10; i++) Assert.True(reader.MoveNext());
        }
        Assert.True(closed);

        IEnumerable<long> Endless()
        {
            try
            {
                for (var i = 0L; ; i++) yield return i;
            }
            finally
            {
                closed = true;
            }
        }
    }

    [Fact]
    public void The_length_of_a_stream_may_be_unknown()
    {
        var loader = Dataset.Stream(_ => new[] { 1L }).Batches(InOrder, Read.Collated);
        Assert.Null(loader.BatchesPerEpoch);
        Assert.StartsWith("stream of unknown length", loader.Fingerprint, StringComparison.Ordinal);
    }

    [Fact]
    public void Shuffling_a_stream_is_refused()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => Dataset.Stream(_ => new[] { 1L }).Batches(new LoaderOptions(), Read.Collated));
        Assert.Equal("loader.shuffle", Assert.Single(error.Faults).Key);
    }

    sealed class Seekable : StreamDataset<long>
    {
        public (long Epoch, long First) Asked { get; private set; }

        public override long? Count => 30;

        public override IEnumerable<long> Read(long epoch, long first, CancellationToken cancellationToken)
        {
            Asked = (epoch, first);
            for (var i = first; i < 30; i++) yield return i;
        }
    }
}
