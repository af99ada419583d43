using CsCheck;

namespace Raijin.DeepSpeed.Tests;

public sealed class BatchTripleTests
{
    [Fact]
    public void Any_two_give_the_third() => Gen.Select(Gen.Long[1, 64], Gen.Long[1, 64], Gen.Int[1, 64]).Sample((micro, accumulation, ranks) =>
    {
        var train = micro * accumulation * ranks;
        var expected = new BatchTriple(train, micro, accumulation);
        foreach (var (t, m, a) in ((long?, long?, long?)[])[(train, micro, accumulation), (train, micro, null), (train, null, accumulation), (null, micro, accumulation)])
        {
            Assert.Equal(expected, BatchTriple.Of(t, m, a, ranks, out var problem));
            Assert.Null(problem);
        }
    });

    [Fact]
    public void One_alone_accumulates_nothing()
    {
        Assert.Equal(new BatchTriple(32, 8, 1), BatchTriple.Of(32, null, null, 4, out var train));
        Assert.Equal(new BatchTriple(32, 8, 1), BatchTriple.Of(null, 8, null, 4, out var micro));
        Assert.Null(train ?? micro);
    }

    [Theory]
    [InlineData(32L, 4L, 2L, 2, "train_batch_size = train_micro_batch_size_per_gpu × gradient_accumulation_steps × ranks: 32 ≠ 4 × 2 × 2 = 16. Leave one of the three out, or give gradient_accumulation_steps 4")]
    [InlineData(32L, 32L, null, 2, "train_batch_size = train_micro_batch_size_per_gpu × gradient_accumulation_steps × ranks: no whole accumulation makes 32 = 32 × ? × 2. Give train_batch_size 64, or fewer ranks")]
    [InlineData(33L, 4L, null, 2, "train_batch_size = train_micro_batch_size_per_gpu × gradient_accumulation_steps × ranks: no whole accumulation makes 33 = 4 × ? × 2. Give train_batch_size 32 or 40")]
    [InlineData(10L, null, 4L, 1, "train_batch_size = train_micro_batch_size_per_gpu × gradient_accumulation_steps × ranks: no whole microbatch makes 10 = ? × 4 × 1. Give a multiple of 4")]
    [InlineData(1L, null, null, 8, "train_batch_size = train_micro_batch_size_per_gpu × gradient_accumulation_steps × ranks: no whole microbatch makes 1 = ? × 1 × 8. Give a multiple of 8")]
    [InlineData(null, null, 4L, 1, "neither train_batch_size nor train_micro_batch_size_per_gpu is given. train_batch_size = train_micro_batch_size_per_gpu × gradient_accumulation_steps × ranks: two of the three are needed, or one batch size; \"train_micro_batch_size_per_gpu\": \"auto\" takes the run's own")]
    [InlineData(null, 1L << 39, 1L << 39, 2, "train_batch_size = train_micro_batch_size_per_gpu × gradient_accumulation_steps × ranks: 549755813888 × 549755813888 × 2 is beyond the largest batch of 1099511627776")]
    public void What_does_not_add_up_prints_the_equation(long? train, long? micro, long? accumulation, int ranks, string expected)
    {
        BatchTriple.Of(train, micro, accumulation, ranks, out var problem);
        Assert.Equal(expected, problem);
    }

    [Fact]
    public void Whatever_is_given_holds_the_equation_or_is_a_problem() =>
        Gen.Select(Gen.Long[1, 40].Nullable(), Gen.Long[1, 40].Nullable(), Gen.Long[1, 40].Nullable(), Gen.Int[1, 9]).Sample((train, micro, accumulation, ranks) =>
        {
            var triple = BatchTriple.Of(train, micro, accumulation, ranks, out var problem);
            Assert.True(problem is not null || (triple.Train == triple.Micro * triple.Accumulation * ranks && triple is { Micro: > 0, Accumulation: > 0 }), $"{triple}");
            if (problem is null) Assert.True((train ?? triple.Train) == triple.Train && (micro ?? triple.Micro) == triple.Micro && (accumulation ?? triple.Accumulation) == triple.Accumulation);
        });
}
