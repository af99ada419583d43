using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Transports;

public sealed class ReductionTests
{
    static readonly ScalarType[] Types =
    [
        ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16, ScalarType.Int8, ScalarType.Int16, ScalarType.Int32, ScalarType.Int64, ScalarType.Byte,
    ];

    // 4096-byte slots: small ones go whole, the others in one chunk, several, and more than there are slots.
    static readonly long[] Counts = [0, 1, 3, 16, 63, 64, 65, 200, 1023, 1024, 5000, 40_001];

    public static MatrixTheoryData<Place, int> Worlds => new(Enum.GetValues<Place>(), [1, 2, 3, 5]);

    [Theory]
    [MemberData(nameof(Worlds))]
    public void Every_rank_gets_the_reduction_in_the_order_of_the_ranks(Place place, int size)
    {
        var cases = Draw(40, size);
        RankThreads.Run(place, size, member =>
        {
            foreach (var (dtype, op, wire, count, seed) in cases)
            {
                using var scope = TensorScope.Open();
                var inputs = Inputs(member, seed, count, dtype);
                var expected = Reference.Reduce(inputs, op, wire);
                var what = $"{count} × {dtype} {op} {wire} on {member.Rank} of {size}";

                var buffer = member.Lay(inputs[member.Rank]);
                member.Group.AllReduce(buffer, op, wire);
                Reference.AssertSame(expected, buffer, $"all-reduce of {what}");

                var root = seed % size;
                var rooted = member.Lay(inputs[member.Rank]);
                member.Group.Reduce(rooted, root, op, wire);
                if (member.Rank == root) Reference.AssertSame(expected, rooted, $"reduce of {what}");

                var counts = Uneven(seed, size, count);
                var offset = counts.Take(member.Rank).Sum();
                var input = member.Lay(inputs[member.Rank]);
                // Half of the time in place.
                var output = seed % 2 == 0 ? input.narrow(0, offset, counts[member.Rank]) : empty(counts[member.Rank], dtype);
                member.Group.ReduceScatter(input, output, op, wire, counts);
                Reference.AssertSame(expected.narrow(0, offset, counts[member.Rank]), output, $"reduce-scatter of {what}");
            }
        });
    }

    [Fact]
    public void The_bits_are_the_same_wherever_the_memory_lies()
    {
        var cases = Draw(60, 77).Where(c => IsFloating(c.DType)).ToList();
        var bits = new Dictionary<Place, byte[][]>();
        foreach (var place in Enum.GetValues<Place>())
        {
            var results = new byte[3][];
            RankThreads.Run(place, 3, member =>
            {
                var all = new List<byte>();
                foreach (var (dtype, op, wire, count, seed) in cases)
                {
                    using var scope = TensorScope.Open();
                    var buffer = member.Lay(Reference.Values(seed, member.Rank, count, dtype));
                    member.Group.AllReduce(buffer, op, wire);
                    if (count > 0) all.AddRange(buffer.clone().bytes);
                }
                results[member.Rank] = [.. all];
            });
            bits.Add(place, results);
        }
        foreach (var (place, results) in bits)
            for (var rank = 0; rank < 3; rank++) Assert.True(results[rank].AsSpan().SequenceEqual(bits[Place.InProcess][0]), $"{place}, rank {rank}");
    }

    [Fact]
    public void Every_half_widens_exactly_and_every_float_narrows_as_libtorch_narrows_it()
    {
        using var scope = TensorScope.Open();
        var widened = Enumerable.Range(0, 65536).Select(bits => (float)BitConverter.UInt16BitsToHalf((ushort)bits)).ToArray();
        var halves = tensor(widened).to(ScalarType.Float16);
        // Around every half: itself, its neighbours in float32, and the midpoints where ties are broken.
        int[] distances = [-1, 0, 1, 0x0FFF, 0x1000, 0x1001, 0x2000];
        var around = tensor(distances.SelectMany(d => widened.Select(w => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(w) + d))).ToArray());
        World.Run(2, world =>
        {
            using var inner = TensorScope.Open();
            // The larger of a value and itself is the value: what is left is the rounding.
            var rounded = around.clone();
            world.Group.AllReduce(rounded, ReduceOp.Max, ScalarType.Float16);
            Reference.AssertSame(around.to(ScalarType.Float16).to(ScalarType.Float32), rounded, "through fp16");
            var same = halves.clone();
            world.Group.AllReduce(same, ReduceOp.Max);
            Reference.AssertSame(tensor(widened), same.to(ScalarType.Float32), "fp16");
            var brain = around.clone();
            world.Group.AllReduce(brain, ReduceOp.Max, ScalarType.BFloat16);
            Reference.AssertSame(around.to(ScalarType.BFloat16).to(ScalarType.Float32), brain, "through bf16");
        });
    }

    static bool IsFloating(ScalarType dtype) => dtype is ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16 or ScalarType.Float16;

    static List<(ScalarType DType, ReduceOp Op, ScalarType? Wire, long Count, int Seed)> Draw(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var dtype = Types[random.Next(Types.Length)];
            var op = (ReduceOp)random.Next(5);
            ScalarType? wire = random.Next(3) switch { 0 => ScalarType.BFloat16, 1 => ScalarType.Float16, _ => null };
            return (dtype, op == ReduceOp.Mean && !IsFloating(dtype) ? ReduceOp.Sum : op, dtype == ScalarType.Float32 ? wire : null, Counts[random.Next(Counts.Length)], i);
        })];
    }

    static List<Tensor> Inputs(Member member, int seed, long count, ScalarType dtype) =>
        [.. Enumerable.Range(0, member.Size).Select(rank => Reference.Values(seed, rank, count, dtype))];

    static long[] Uneven(int seed, int size, long count)
    {
        var random = new Random(seed);
        var cuts = Enumerable.Range(0, size - 1).Select(_ => random.NextInt64(count + 1)).Order().ToList();
        return [.. cuts.Append(count).Zip(cuts.Prepend(0), (end, start) => end - start)];
    }
}
