using CsCheck;

namespace Raijin.Data.Tests.Datasets;

public sealed class StreamOrderTests
{
    [Fact]
    public void A_shuffled_stream_has_every_sample_once_and_near_its_place() =>
        Gen.Select(Gen.Int[0, 200], Gen.Int[2, 30], Gen.ULong, Gen.Long[0, 9], Gen.Bool).Sample((count, buffer, seed, epoch, seekable) =>
        {
            var stream = Numbers(0, count, seekable).Shuffled(buffer, seed);
            var samples = All(stream, epoch);
            Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), samples.Order());
            for (var place = 0; place < count; place++) Assert.InRange(Math.Abs(samples[place] - place), 0, buffer - 1);
            for (var first = 0; first <= count; first += 1 + count / 9) Assert.Equal(samples.Skip(first), All(stream, epoch, first));
        }, iter: 200);

    [Fact]
    public void Epochs_and_seeds_shuffle_differently_and_cut_elsewhere()
    {
        var stream = Numbers(0, 1000, true);
        var orders = new[] { All(stream.Shuffled(100), 0), All(stream.Shuffled(100), 1), All(stream.Shuffled(100, 1), 0) };
        Assert.Equal(3, orders.Select(order => string.Join(' ', order)).Distinct().Count());
        // Whether samples before 100 ever come after others: at a fixed border they would not.
        Assert.Contains(Enumerable.Range(0, 5).Select(epoch => All(stream.Shuffled(100), epoch)), order => order.Take(100).Any(sample => sample >= 100));
    }

    [Fact]
    public void A_shuffle_that_resumes_reads_no_more_than_its_buffer_again()
    {
        var stream = new Range(0, 1_000_000);
        Assert.Equal(50, stream.Shuffled(64, 3).Read(0, 500_000, CancellationToken.None).Take(50).Count());
        Assert.InRange(stream.Asked, 500_000 - 64, 500_000);
    }

    [Fact]
    public void Interleaved_streams_take_turns_until_all_have_ended()
    {
        var stream = Dataset.Interleave(Numbers(0, 2, true), Numbers(10, 4, true), Numbers(20, 0, true), Numbers(30, 3, true));
        Assert.Equal([0, 10, 30, 1, 11, 31, 12, 32, 13], All(stream, 0));
        Assert.Equal(9, stream.Count);
    }

    [Fact]
    public void Interleaved_streams_resume_anywhere_whether_they_seek_or_not() =>
        Gen.Select(Gen.Int[0, 12].Array[1, 5], Gen.Bool).Sample((counts, seekable) =>
        {
            var stream = Dataset.Interleave(counts.Select((count, i) => Numbers(100 * i, count, seekable)));
            var all = All(stream, 0);
            Assert.Equal(counts.Sum(), all.Count);
            Assert.Equal(seekable ? counts.Sum() : null, stream.Count);
            for (var first = 0; first <= all.Count; first++) Assert.Equal(all.Skip(first), All(stream, 0, first));
        }, iter: 200);

    [Fact]
    public void Interleaved_streams_seek_where_they_can()
    {
        var (a, b) = (new Range(0, 1000), new Range(0, 10));
        Assert.Equal(510, Dataset.Interleave(a, b).Read(0, 520, CancellationToken.None).First());
        Assert.Equal(510, a.Asked);
        Assert.Equal(-1, b.Asked);
    }

    static List<long> All(StreamDataset<long> stream, long epoch, long first = 0) => [.. stream.Read(epoch, first, CancellationToken.None)];

    static StreamDataset<long> Numbers(long from, int count, bool seekable) =>
        seekable ? new Range(from, count) : Dataset.Stream(_ => Enumerable.Range(0, count).Select(i => from + i));

    sealed class Range(long from, long count) : StreamDataset<long>
    {
        public long Asked { get; private set; } = -1;

        public override long? Count => count;

        public override IEnumerable<long> Read(long epoch, long first, CancellationToken cancellationToken)
        {
            Asked = first;
            for (var i = first; i < count; i++) yield return from + i;
        }
    }
}
