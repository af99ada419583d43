using Raijin.Collectives;
using Raijin.Parallel.Tests.Tiers;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Codecs;

public sealed class CodedExchangeTests
{
    const int Slice = 160;

    public enum Coding
    {
        Plain,
        Int4,
        Int4TwoHops,
        OneBit,
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1)]
    [InlineData(ScalarType.Float32, 3)]
    [InlineData(ScalarType.BFloat16, 2)]
    public void Every_rank_gathers_the_same_coded_weights(ScalarType dtype, int size)
    {
        var codec = new BlockCodec(8, 64);
        var gathered = Ranks.Run(size, world =>
        {
            using var scope = NewDisposeScope();
            using var exchange = new CodedWeightExchange(world.Group, codec);
            var mine = Weights(world.Rank, dtype);
            var full = zeros(size * Slice, dtype);
            for (var step = 0; step < 2; step++)
            {
                var pending = exchange.AllGather(mine, full);
                pending.Poll();
                pending.Wait();
                Assert.True(pending.Poll());
            }
            Assert.Equal(2 * size * codec.CodedBytes(Slice), world.Group.Traffic.Bytes(CollectiveKind.AllGather));
            Assert.Equal(2, world.Group.Traffic.TotalCalls);
            return Pieces.Bits(full);
        });
        Assert.All(gathered, g => Assert.Equal(gathered[0], g));
        using var inner = NewDisposeScope();
        var expected = cat([.. Enumerable.Range(0, size).Select(rank =>
        {
            var values = Pieces.Values(50 + rank, Slice);
            using (var rounded = tensor(values).to(dtype).to(ScalarType.Float32)) rounded.data<float>().CopyTo(values);
            var (coded, decoded) = (new byte[codec.CodedBytes(Slice)], new float[Slice]);
            codec.Encode(values, 1, coded);
            codec.Decode(coded, decoded, 1, add: false);
            return tensor(decoded).to(dtype);
        })]);
        Assert.Equal(Pieces.Bits(expected), gathered[0]);
    }

    [Fact]
    public void Weights_are_not_gathered_over_the_slice_they_come_from() => Ranks.Run(2, world =>
    {
        using var exchange = new CodedWeightExchange(world.Group, new BlockCodec(8));
        using var full = zeros(2 * Slice);
        using var mine = full.narrow(0, world.Rank * Slice, Slice);
        Assert.Throws<ArgumentException>(() => exchange.AllGather(mine, full));
    });

    [Theory]
    [InlineData(Coding.Plain, 3, ScalarType.Float32)]
    [InlineData(Coding.Int4, 1, ScalarType.Float32)]
    [InlineData(Coding.Int4, 2, ScalarType.Float32)]
    [InlineData(Coding.Int4, 3, ScalarType.BFloat16)]
    [InlineData(Coding.Int4TwoHops, 4, ScalarType.Float32)]
    [InlineData(Coding.Int4TwoHops, 6, ScalarType.Float32)]
    [InlineData(Coding.OneBit, 3, ScalarType.Float32)]
    public void What_slices_miss_of_the_mean_is_in_the_errors(Coding coding, int size, ScalarType dtype)
    {
        const int Steps = 6;
        var ranks = Ranks.Run(size, world =>
        {
            using var scope = NewDisposeScope();
            using var exchange = Make(coding, world);
            var sum = new double[Slice];
            for (var step = 0; step < Steps; step++)
            {
                var gradients = Gradients(step, world.Rank, size, dtype);
                // The slice may lie in the gradients.
                var slice = step % 2 == 0 ? zeros(Slice, dtype) : gradients.narrow(0, world.Rank * Slice, Slice);
                exchange.ReduceScatter("b", gradients, slice).Wait();
                foreach (var (i, value) in slice.to(ScalarType.Float32).data<float>().ToArray().Index()) sum[i] += value;
            }
            return (Sum: sum, Errors: Saved(exchange));
        });
        var mean = MeanOfSums(Steps, size, dtype);
        for (var rank = 0; rank < size; rank++)
        {
            for (var i = 0; i < Slice; i++)
            {
                var at = (rank * Slice) + i;
                var left = ranks.Average(r => r.Errors.TryGetValue("b/worker", out var errors) ? errors[at] : 0);
                var within = size == 6 ? 3 : 2;
                if (coding == Coding.Int4TwoHops) left += ranks.Index().Where(r => r.Index % within == rank % within).Average(r => r.Item.Errors["b/node"][(rank / within * Slice) + i]);
                Assert.Equal(mean[at], ranks[rank].Sum[i] + left, dtype == ScalarType.Float32 ? 2e-4 : 0.1);
            }
        }
    }

    [Theory]
    [InlineData(Coding.Plain, 2)]
    [InlineData(Coding.Int4, 3)]
    [InlineData(Coding.OneBit, 1)]
    [InlineData(Coding.OneBit, 2)]
    [InlineData(Coding.OneBit, 3)]
    public void What_all_ranks_miss_of_the_mean_is_in_the_errors(Coding coding, int size)
    {
        const int Steps = 6;
        var ranks = Ranks.Run(size, world =>
        {
            using var scope = NewDisposeScope();
            using var exchange = Make(coding, world);
            var sum = new double[size * Slice];
            for (var step = 0; step < Steps; step++)
            {
                var gradients = Gradients(step, world.Rank, size, ScalarType.Float32);
                exchange.AllReduce("b", gradients).Wait();
                foreach (var (i, value) in gradients.data<float>().ToArray().Index()) sum[i] += value;
            }
            return (Sum: sum, Errors: Saved(exchange));
        });
        var mean = MeanOfSums(Steps, size, ScalarType.Float32);
        Assert.All(ranks, r => Assert.Equal(ranks[0].Sum, r.Sum));
        for (var at = 0; at < size * Slice; at++)
        {
            var left = coding == Coding.Plain ? 0 : ranks.Average(r => r.Errors["b/worker"][at]) + ranks[at / Slice].Errors["b/server"][at % Slice];
            Assert.Equal(mean[at], ranks[0].Sum[at] + left, 2e-4);
        }
    }

    // Independent of the codec's code: Tang et al. 2021, algorithm 1, in float64.
    [Fact]
    public void One_bit_all_reduce_is_that_of_the_paper()
    {
        const int Size = 3;
        var outputs = Ranks.Run(Size, world =>
        {
            using var scope = NewDisposeScope();
            using var exchange = Make(Coding.OneBit, world);
            return Enumerable.Range(0, 4).Select(step =>
            {
                var gradients = Gradients(step, world.Rank, Size, ScalarType.Float32);
                exchange.AllReduce("b", gradients).Wait();
                return gradients.data<float>().ToArray();
            }).ToList();
        });
        var oracle = new OneBitOracle(Size, Size * Slice);
        for (var step = 0; step < 4; step++)
        {
            var expected = oracle.AllReduce([.. Enumerable.Range(0, Size).Select(r => GradientValues(step, r, Size).Select(x => (double)x).ToArray())]);
            for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], outputs[0][step][i], Math.Abs(expected[i]) * 1e-5);
        }
    }

    [Theory]
    [InlineData(Coding.Int4)]
    [InlineData(Coding.Int4TwoHops)]
    [InlineData(Coding.OneBit)]
    public void Going_on_from_saved_errors_changes_no_bits(Coding coding)
    {
        const int Size = 4;
        var same = Ranks.Run(Size, world =>
        {
            using var scope = NewDisposeScope();
            using var straight = Make(coding, world);
            using var resumed = Make(coding, world, "second");
            List<byte[]> Run(GradientExchange exchange, int from, int to) => [.. Enumerable.Range(from, to - from).Select(step =>
            {
                var gradients = Gradients(step, world.Rank, Size, ScalarType.Float32);
                var slice = zeros(Slice);
                exchange.ReduceScatter("b", gradients, slice).Wait();
                return Pieces.Bits(slice);
            })];
            Run(straight, 0, 3);
            resumed.LoadTensors(straight.SaveTensors().ToDictionary(t => t.Key, t => t.Tensor));
            var one = Run(straight, 3, 6);
            var two = Run(resumed, 3, 6);
            using var forgetful = Make(coding, world, "third");
            Assert.NotEqual(one[0], Run(forgetful, 3, 4)[0]);
            return one.Zip(two).All(p => p.First.AsSpan().SequenceEqual(p.Second));
        });
        Assert.All(same, Assert.True);
    }

    [Fact]
    public void An_overflow_is_seen_by_its_slice_and_forgotten() => Ranks.Run(2, world =>
    {
        using var scope = NewDisposeScope();
        using var exchange = Make(Coding.Int4, world);
        var slice = zeros(Slice);
        var gradients = Gradients(0, world.Rank, 2, ScalarType.Float32);
        if (world.Rank == 1) gradients[Slice + 70] = tensor(float.PositiveInfinity);
        exchange.ReduceScatter("b", gradients, slice).Wait();
        Assert.Equal(world.Rank == 0, slice.isfinite().all().item<bool>());
        exchange.ReduceScatter("b", Gradients(1, world.Rank, 2, ScalarType.Float32), slice).Wait();
        Assert.True(slice.isfinite().all().item<bool>());
    });

    [Fact]
    public void Rescaled_errors_follow_a_new_loss_scale()
    {
        var same = Ranks.Run(2, world =>
        {
            using var scope = NewDisposeScope();
            using var plain = Make(Coding.Int4, world);
            using var scaled = Make(Coding.Int4, world);
            var (one, two) = (zeros(Slice), zeros(Slice));
            plain.ReduceScatter("b", Gradients(0, world.Rank, 2, ScalarType.Float32), one).Wait();
            scaled.ReduceScatter("b", Gradients(0, world.Rank, 2, ScalarType.Float32).mul_(1024), two).Wait();
            scaled.Rescale(0.5);
            plain.ReduceScatter("b", Gradients(1, world.Rank, 2, ScalarType.Float32), one).Wait();
            scaled.ReduceScatter("b", Gradients(1, world.Rank, 2, ScalarType.Float32).mul_(512), two).Wait();
            return Pieces.Bits(one).AsSpan().SequenceEqual(Pieces.Bits(two.div_(512)));
        });
        Assert.All(same, Assert.True);
    }

    // ZeRO++ on bf16: 3M becomes 0.75M, and what the scales add: qwZ 0.5M once (with secondary shards nothing again before backward), qgZ 0.25M.
    [Fact]
    public void Bytes_are_three_quarters_of_the_model_instead_of_three_times() => Ranks.Run(2, world =>
    {
        const int Elements = 2 * 65536;
        const long M = Elements * 2;
        const long Scales = Elements / 256 * 4;
        using var scope = NewDisposeScope();
        using var weights = new CodedWeightExchange(world.Group, new BlockCodec(8));
        using var gradients = new CodedGradientExchange(world.Group, new BlockCodec(4));
        weights.AllGather(zeros(Elements / 2, ScalarType.BFloat16), zeros(Elements, ScalarType.BFloat16)).Wait();
        gradients.ReduceScatter("b", zeros(Elements, ScalarType.BFloat16), zeros(Elements / 2, ScalarType.BFloat16)).Wait();
        Assert.Equal((M / 2) + Scales, world.Group.Traffic.Bytes(CollectiveKind.AllGather));
        Assert.Equal((M / 4) + Scales, world.Group.Traffic.Bytes(CollectiveKind.AllToAll));
        Assert.Equal(2, world.Group.Traffic.TotalCalls);
    });

    [Fact]
    public void Two_hops_send_a_share_of_it_across() => Ranks.Run(6, world =>
    {
        var codec = new BlockCodec(4, 64);
        using var scope = NewDisposeScope();
        using var within = world.Group.Split([.. Enumerable.Range(0, 3).Select(l => (world.Rank / 3 * 3) + l)], "within");
        using var across = world.Group.Split([world.Rank % 3, 3 + (world.Rank % 3)], "across");
        using var exchange = new CodedGradientExchange(world.Group, codec, within, across);
        exchange.ReduceScatter("b", zeros(6 * Slice), zeros(Slice)).Wait();
        Assert.Equal(6 * codec.CodedBytes(Slice), within.Traffic.Bytes(CollectiveKind.AllToAll));
        Assert.Equal(2 * codec.CodedBytes(Slice), across.Traffic.Bytes(CollectiveKind.AllToAll));
        Assert.Equal(0, world.Group.Traffic.TotalCalls);
        Assert.Throws<ArgumentException>(() => new CodedGradientExchange(world.Group, codec, across, within));
    });

    [Fact]
    public void One_bit_sends_a_sixteenth_of_half_precision() => Ranks.Run(2, world =>
    {
        const int Elements = 1 << 18;
        using var scope = NewDisposeScope();
        using var exchange = Make(Coding.OneBit, world);
        exchange.AllReduce("b", zeros(Elements)).Wait();
        var bytes = world.Group.Traffic.Bytes(CollectiveKind.AllToAll) + world.Group.Traffic.Bytes(CollectiveKind.AllGather);
        // An all-reduce of n half-precision values moves each twice: 4n bytes.
        Assert.Equal((4 * Elements / 16) + (2 * 2 * 4), bytes);
    });

    [Fact]
    public void Errors_of_other_sizes_and_unequal_shares_are_refused() => Ranks.Run(2, world =>
    {
        using var scope = NewDisposeScope();
        using var exchange = Make(Coding.Int4, world);
        exchange.ReduceScatter("b", zeros(2 * Slice), zeros(Slice)).Wait();
        Assert.Contains("b/worker", Assert.Throws<ShapeMismatchException>(() => exchange.LoadTensors(new Dictionary<string, Tensor> { ["b/worker"] = zeros(Slice) })).Message, StringComparison.Ordinal);
        Assert.Contains("pad the bucket", Assert.Throws<ArgumentException>(() => exchange.AllReduce("c", zeros(3))).Message, StringComparison.Ordinal);
        using var plain = new PlainGradientExchange(world.Group);
        Assert.Throws<ArgumentException>(() => plain.LoadTensors(new Dictionary<string, Tensor> { ["b/worker"] = zeros(Slice) }));
    });

    [Fact]
    public void Polling_alone_takes_both_hops() => Ranks.Run(4, world =>
    {
        using var scope = NewDisposeScope();
        using var exchange = Make(Coding.Int4TwoHops, world);
        var (polled, waited) = (zeros(Slice), zeros(Slice));
        var pending = exchange.ReduceScatter("polled", Gradients(0, world.Rank, 4, ScalarType.Float32), polled);
        Assert.True(SpinWait.SpinUntil(pending.Poll, TimeSpan.FromSeconds(20)));
        pending.Wait();
        exchange.ReduceScatter("waited", Gradients(0, world.Rank, 4, ScalarType.Float32), waited).Wait();
        Assert.Equal(waited.data<float>().ToArray(), polled.data<float>().ToArray());
    });

    static GradientExchange Make(Coding coding, World world, string name = "first")
    {
        var group = world.Group;
        if (coding == Coding.Plain) return new PlainGradientExchange(group);
        if (coding == Coding.OneBit) return new CodedGradientExchange(group, new OneBitCodec());
        if (coding == Coding.Int4) return new CodedGradientExchange(group, new BlockCodec(4, 64));
        var columns = world.Size == 6 ? 3 : 2;
        var row = world.Rank / columns * columns;
        var within = group.Split([.. Enumerable.Range(row, columns)], $"within {name}");
        var across = group.Split([.. Enumerable.Range(0, world.Size / columns).Select(h => (h * columns) + (world.Rank % columns))], $"across {name}");
        return new CodedGradientExchange(group, new BlockCodec(4, 64), within, across);
    }

    static Dictionary<string, float[]> Saved(GradientExchange exchange) => exchange.SaveTensors().ToDictionary(t => t.Key, t => t.Tensor.data<float>().ToArray());

    static Tensor Weights(int rank, ScalarType dtype) => tensor(Pieces.Values(50 + rank, Slice)).to(dtype, copy: true);

    static float[] GradientValues(int step, int rank, int size) => Pieces.Values((step * 100) + rank, size * Slice);

    static Tensor Gradients(int step, int rank, int size, ScalarType dtype) => tensor(GradientValues(step, rank, size)).to(dtype, copy: true);

    static double[] MeanOfSums(int steps, int size, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var sum = zeros(size * Slice, ScalarType.Float64);
        for (var step = 0; step < steps; step++)
            for (var rank = 0; rank < size; rank++) sum.add_(Gradients(step, rank, size, dtype).to(ScalarType.Float64));
        return sum.div_(size).data<double>().ToArray();
    }
}
