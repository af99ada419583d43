using CsCheck;

namespace Raijin.Tensors.Tests;

public sealed class RandomStreamTests
{
    // Random123's known answers for philox4x32-10: counter, key, result.
    [Theory]
    [InlineData("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8")]
    [InlineData("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd")]
    [InlineData("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1")]
    public void Gives_the_known_answers_of_its_authors(string counter, string key, string result)
    {
        static uint[] Words(string text) => [.. text.Split(' ').Select(w => Convert.ToUInt32(w, 16))];
        static ulong Pair(uint low, uint high) => low | ((ulong)high << 32);
        var (c, k, r) = (Words(counter), Words(key), Words(result));
        var block = RandomStream.Philox(Pair(k[0], k[1]), Pair(c[2], c[3]), Pair(c[0], c[1]));
        Assert.Equal(new UInt128(Pair(r[2], r[3]), Pair(r[0], r[1])), block);
    }

    [Fact]
    public void Is_a_pure_function_of_seed_stream_and_position() =>
        Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong[0, 1UL << 60], Gen.Int[0, 20]).Sample((seed, stream, start, count) =>
        {
            var words = new RandomStream(seed, stream, start);
            for (var i = 0; i < count; i++)
            {
                Assert.Equal(new RandomPosition(seed, stream, start + (ulong)i), words.Position);
                Assert.Equal(RandomStream.At(seed, stream, start + (ulong)i), words.NextUInt32());
            }
        });

    [Fact]
    public void Goes_on_from_its_saved_position() =>
        Gen.Select(Gen.ULong, Gen.Int[0, 30], Gen.Int[1, 30]).Sample((seed, before, after) =>
        {
            var stream = new RandomStream(seed);
            for (var i = 0; i < before; i++) stream.NextInt64(1000);
            var resumed = new RandomStream(stream.Position);
            for (var i = 0; i < after; i++) Assert.Equal(stream.NextGaussian(), resumed.NextGaussian());
        });

    [Fact]
    public void Streams_and_seeds_are_independent()
    {
        var first = new[] { (0UL, 0UL), (0UL, 1UL), (1UL, 0UL), (1UL << 32, 0UL), (0UL, 1UL << 32) }.Select(p => RandomStream.At(p.Item1, p.Item2, 0)).ToArray();
        Assert.Equal(first.Length, first.Distinct().Count());
    }

    [Fact]
    public void Bounded_numbers_are_uniform_and_within_their_bound()
    {
        var stream = new RandomStream(7);
        var counts = new int[6];
        for (var i = 0; i < 60_000; i++) counts[stream.NextInt64(6)]++;
        // Six standard deviations of a binomial with p = 1/6.
        Assert.All(counts, count => Assert.InRange(count, 10_000 - 550, 10_000 + 550));
        Gen.Select(Gen.ULong, Gen.Long[1, long.MaxValue]).Sample((seed, bound) => Assert.InRange(new RandomStream(seed).NextInt64(bound), 0, bound - 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.NextInt64(0));
    }

    [Fact]
    public void Floats_lie_in_the_unit_interval_with_its_mean_and_variance()
    {
        var stream = new RandomStream(1);
        var doubles = Enumerable.Range(0, 50_000).Select(_ => stream.NextDouble()).ToArray();
        var singles = Enumerable.Range(0, 50_000).Select(_ => (double)stream.NextSingle()).ToArray();
        foreach (var draws in new[] { doubles, singles })
        {
            Assert.All(draws, d => Assert.InRange(d, 0, 1 - double.Epsilon));
            Assert.Equal(0.5, draws.Average(), 0.01);
            Assert.Equal(1.0 / 12, draws.Average(d => (d - 0.5) * (d - 0.5)), 0.002);
        }
    }

    [Fact]
    public void Gaussians_have_mean_zero_and_variance_one()
    {
        var stream = new RandomStream(2);
        var draws = Enumerable.Range(0, 50_000).Select(_ => stream.NextGaussian()).ToArray();
        Assert.Equal(0, draws.Average(), 0.03);
        Assert.Equal(1, draws.Average(d => d * d), 0.04);
        Assert.Equal(3, draws.Average(d => d * d * d * d), 0.25);
    }

    [Fact]
    public void A_shuffle_permutes_and_reaches_every_order()
    {
        var stream = new RandomStream(3);
        var seen = new Dictionary<string, int>();
        for (var i = 0; i < 6_000; i++)
        {
            var items = "abc".ToCharArray();
            stream.Shuffle<char>(items);
            var order = new string(items);
            seen[order] = seen.GetValueOrDefault(order) + 1;
        }
        Assert.Equal(6, seen.Count);
        Assert.All(seen.Values, count => Assert.InRange(count, 820, 1180));
    }
}
