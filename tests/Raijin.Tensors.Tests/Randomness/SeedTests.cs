using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class SeedTests
{
    static float[] Draw(Generator? generator = null)
    {
        using var scope = NewDisposeScope();
        return [.. rand(4, generator: generator).data<float>().ToArray(), .. randn(3, generator: generator).data<float>().ToArray()];
    }

    [Fact]
    public void The_same_seed_draws_the_same_and_each_rank_its_own()
    {
        Seed.Everything(42);
        var (first, own) = (Draw(), Seed.Stream.NextUInt64());
        Seed.Everything(42, rank: 1);
        var other = Draw();
        Assert.NotEqual(own, Seed.Stream.NextUInt64());
        Seed.Everything(42);
        Assert.Equal(first, Draw());
        Assert.Equal(own, Seed.Stream.NextUInt64());
        Assert.NotEqual(first, other);
        Assert.Throws<ArgumentOutOfRangeException>(() => Seed.Everything(42, -1));
    }

    [Fact]
    public void Rank_zero_draws_what_manual_seed_draws()
    {
        Seed.Everything(123);
        using var generator = new Generator(123);
        Assert.Equal(Draw(generator), Draw());
    }

    [Fact]
    public void A_captured_state_continues_where_it_was_taken()
    {
        Seed.Everything(1);
        Draw();
        Seed.Stream.NextUInt32();
        var state = RandomState.Capture();
        var (expected, own) = (Draw(), Seed.Stream.NextUInt64());
        Seed.Everything(99);
        state.Restore();
        Assert.Equal(expected, Draw());
        Assert.Equal(own, Seed.Stream.NextUInt64());
    }

    [Fact]
    public void A_half_drawn_pair_of_normals_is_part_of_the_state()
    {
        using var scope = NewDisposeScope();
        Seed.Everything(5);
        randn(1);
        var state = RandomState.Capture();
        var expected = randn(3).data<float>().ToArray();
        state.Restore();
        Assert.Equal(expected, randn(3).data<float>().ToArray());
    }

    [Fact]
    public void A_state_that_libtorch_would_die_of_is_refused()
    {
        Seed.Everything(1);
        var good = RandomState.Capture();
        var expected = Draw();
        good.Restore();

        Refused("has 3 bytes", _ => [1, 2, 3]);
        Refused("position is impossible", _ => new byte[good.Cpu.Length]);
        Refused("left = 700", bytes =>
        {
            BitConverter.TryWriteBytes(bytes.AsSpan(8), 700);
            return bytes;
        });
        Refused("word 0 has more than 32 bits", bytes =>
        {
            bytes[30] = 1;
            return bytes;
        });
        Assert.Contains("GPU 0", Assert.Throws<ArgumentException>(() => new RandomState(good.Cpu, [new byte[3]], default).Restore()).Message, StringComparison.Ordinal);
        if (!cuda.is_available())
            Assert.Contains("captured with 1 GPUs", Assert.Throws<ArgumentException>(() => new RandomState(good.Cpu, [new byte[16]], default).Restore()).Message, StringComparison.Ordinal);

        // Nothing was changed by what was refused.
        Assert.Equal(expected, Draw());

        void Refused(string why, Func<byte[], byte[]> spoil)
        {
            var state = new RandomState(spoil([.. good.Cpu]), good.Cuda, good.Own);
            Assert.Contains(why, Assert.Throws<ArgumentException>(state.Restore).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Ranks_as_threads_draw_what_ranks_as_processes_draw()
    {
        var alone = new float[4][];
        for (var rank = 0; rank < 4; rank++)
        {
            Seed.Everything(7, rank);
            alone[rank] = [.. Draw(), Seed.Stream.NextUInt32()];
        }

        var together = new float[4][];
        var start = new Barrier(4);
        var threads = Enumerable.Range(0, 4).Select(rank => new Thread(() =>
        {
            using var random = new RankRandom(7, rank);
            start.SignalAndWait();
            together[rank] = [.. Draw(random.Generator), random.Stream.NextUInt32()];
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.Equal(alone, together);
    }

    [Fact]
    public void A_ranks_state_goes_back_too()
    {
        using var random = new RankRandom(3, 2);
        Draw(random.Generator);
        var state = random.Capture();
        var (expected, own) = (Draw(random.Generator), random.Stream.NextUInt32());
        using var resumed = new RankRandom(0, 0);
        resumed.Restore(state);
        Assert.Equal(expected, Draw(resumed.Generator));
        Assert.Equal(own, resumed.Stream.NextUInt32());
        Assert.Throws<ArgumentException>(() => resumed.Restore(new RandomState([], [], default)));
    }
}
