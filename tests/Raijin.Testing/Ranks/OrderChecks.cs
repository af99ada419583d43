using Raijin.Collectives;
using Xunit;
using static TorchSharp.torch;

namespace Raijin.Testing;

/// <summary>Many calls at once, parts of the world, and random programs.</summary>
static class OrderChecks
{
    public static IReadOnlyList<GroupCheck> All { get; } =
    [
        new("calls under way complete in whatever order they are waited for", Reversed),
        new("a call under way completes by polling alone", Polled),
        new("a call under way can be awaited", Awaited),
        new("parts of the world work side by side, in any order of ranks", Parts),
        new("a part of a part works beside the whole", PartOfPart) { MinSize = 2 },
        new("traffic is counted exactly", Traffic),
        .. Enumerable.Range(1, 4).Select(seed => new GroupCheck($"random program {seed} equals its simulation", world => Program(world, seed, 40))),
        .. Enumerable.Range(5, 2).Select(seed => new GroupCheck($"checked random program {seed} equals its simulation", world => Program(world, seed, 40)) { Breaks = true, Options = new() { CheckCalls = true, Deadline = TimeSpan.FromSeconds(60) } }),
    ];

    /// <summary>Asserts that all ranks have the same bits.</summary>
    public static void AssertSameBits(Group group, Tensor mine)
    {
        using var scope = TensorScope.Open();
        var bytes = tensor(mine.bytes.ToArray(), ScalarType.Byte);
        var all = zeros(bytes.NumberOfElements * group.Size, ScalarType.Byte);
        group.AllGather(bytes, all);
        for (var r = 0; r < group.Size; r++) RankValues.AssertEqual(bytes, all.narrow(0, r * bytes.NumberOfElements, bytes.NumberOfElements), $"bits of rank {r}");
    }

    static void Reversed(World world)
    {
        var sums = Enumerable.Range(0, 12).Select(i => RankValues.Of(world.Rank, 1 + (i * 1_237), ScalarType.Float32, i)).ToList();
        var works = sums.Select(t => world.Group.AllReduceAsync(t)).ToList();
        foreach (var work in Enumerable.Reverse(works))
        {
            work.Wait();
            Assert.True(work.IsCompleted);
        }
        for (var i = 0; i < sums.Count; i++) AssertSum(world.Size, sums[i], i);
    }

    static void Polled(World world)
    {
        var sum = RankValues.Of(world.Rank, 50_021, ScalarType.Float32);
        var work = world.Group.AllReduceAsync(sum);
        var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!work.Poll()) deadline.Token.ThrowIfCancellationRequested();
        deadline.Dispose();
        AssertSum(world.Size, sum, 0);
        world.Group.Progress();
    }

    static void Awaited(World world)
    {
        var sum = RankValues.Of(world.Rank, 5_021, ScalarType.Float32);
        world.Group.AllReduceAsync(sum).WaitAsync().GetAwaiter().GetResult();
        AssertSum(world.Size, sum, 0);
    }

    static void Parts(World world)
    {
        int[] mine = [.. Enumerable.Range(0, world.Size).Where(r => r % 2 == world.Rank % 2).Reverse()];
        using var part = world.Group.Split(mine, "parity");
        Assert.Equal(mine.Length, part.Size);
        Assert.Equal(Array.IndexOf(mine, world.Rank), part.Rank);
        Assert.Equal(mine, part.GlobalRanks);
        var whole = zeros(3 * part.Size, ScalarType.Int32);
        part.AllGather(full(3, world.Rank, ScalarType.Int32), whole);
        RankValues.AssertEqual(tensor([.. mine.SelectMany(r => new[] { r, r, r })], ScalarType.Int32), whole, "AllGather in a part");
    }

    static void PartOfPart(World world)
    {
        using var all = world.Group.Split([.. Enumerable.Range(0, world.Size)], "all");
        using var own = all.Split([.. Enumerable.Range(0, world.Size).Where(r => (r == 0) == (world.Rank == 0))], "first and others");
        var (a, b, c) = (ones(10, ScalarType.Float32), ones(10, ScalarType.Float32), ones(10, ScalarType.Float32));
        var inWorld = world.Group.AllReduceAsync(a);
        own.AllReduce(b);
        all.AllReduce(c);
        inWorld.Wait();
        RankValues.AssertEqual(full(10, world.Size, ScalarType.Float32), a, "in the world");
        RankValues.AssertEqual(full(10, own.Size, ScalarType.Float32), b, "in the part");
        RankValues.AssertEqual(a, c, "in a copy of the world");
    }

    static void Traffic(World world)
    {
        using var part = world.Group.Split([.. Enumerable.Range(0, world.Size)], "counted");
        part.AllReduce(zeros(100, ScalarType.Float32));
        part.AllReduce(zeros(100, ScalarType.Float32), wire: ScalarType.BFloat16);
        part.AllGather(zeros(4, ScalarType.Int64), zeros(4 * world.Size, ScalarType.Int64));
        part.Barrier();
        Assert.Equal(2, part.Traffic.Calls(CollectiveKind.AllReduce));
        Assert.Equal(600, part.Traffic.Bytes(CollectiveKind.AllReduce));
        Assert.Equal(32 * world.Size, part.Traffic.Bytes(CollectiveKind.AllGather));
        Assert.Equal(4, part.Traffic.TotalCalls);
    }

    /// <summary>
    /// Calls drawn from a generator that is seeded alike on every rank, on a state of which every rank simulates all ranks' copies with plain libtorch: after each call this
    /// rank's real state must equal the simulated one, bitwise.
    /// </summary>
    public static void Program(World world, int seed, int length)
    {
        var random = new Random(seed);
        var (size, rank, group) = (world.Size, world.Rank, world.Group);
        // Values stay in [-3, 3] by a remainder after each call, so that everything is exact.
        var n = 24L * size;
        var simulated = RankValues.OfAll(size, n, ScalarType.Float32, seed);
        var real = simulated[rank].clone();
        var pending = new List<Work>();
        for (var step = 0; step < length; step++)
        {
            using var scope = TensorScope.Open();
            var first = random.Next((int)n);
            var count = random.Next((int)n - first + 1);
            var root = random.Next(size);
            Tensor[] pieces = [.. simulated.Select(t => t.narrow(0, first, count))];
            var mine = real.narrow(0, first, count);
            switch (random.Next(6))
            {
                case 0:
                    var op = (ReduceOp)random.Next(4) is var o && o == ReduceOp.Mean ? ReduceOp.Sum : o;
                    group.AllReduce(mine, op);
                    var reduced = ReduceChecks.Oracle(pieces, op).to(ScalarType.Float32);
                    foreach (var piece in pieces) piece.copy_(reduced);
                    break;
                case 1:
                    pending.Add(group.BroadcastAsync(mine, root));
                    var given = pieces[root].clone();
                    foreach (var piece in pieces) piece.copy_(given);
                    break;
                case 2:
                    var part = zeros(24, ScalarType.Float32);
                    group.ReduceScatter(real.clone(), part);
                    real.narrow(0, 0, 24).copy_(part);
                    var sums = ReduceChecks.Oracle(simulated, ReduceOp.Sum).to(ScalarType.Float32);
                    for (var r = 0; r < size; r++) simulated[r].narrow(0, 0, 24).copy_(sums.narrow(0, r * 24, 24));
                    break;
                case 3:
                    group.AllGather(real.narrow(0, 0, 24).clone(), real);
                    var all = cat([.. simulated.Select(t => t.narrow(0, 0, 24))]).clone();
                    foreach (var t in simulated) t.copy_(all);
                    break;
                case 4:
                    group.AllToAll(real.clone(), real);
                    Tensor[] before = [.. simulated.Select(t => t.clone())];
                    for (var r = 0; r < size; r++) simulated[r].copy_(cat([.. before.Select(t => t.narrow(0, r * 24, 24))]));
                    break;
                case 5 when size > 1:
                    var to = (root + 1 + random.Next(size - 1)) % size;
                    if (rank == root) group.Send(mine, to);
                    if (rank == to) group.Receive(mine, root);
                    pieces[to].copy_(pieces[root]);
                    break;
            }
            foreach (var work in pending) work.Wait();
            pending.Clear();
            real.copy_(real.remainder(4));
            foreach (var t in simulated) t.copy_(t.remainder(4));
            RankValues.AssertEqual(simulated[rank], real, $"after step {step}");
            // Each rank goes on from values of its own, also where a call made all equal.
            real.add_(rank);
            for (var r = 0; r < size; r++) simulated[r].add_(r);
        }
    }

    static void AssertSum(int size, Tensor actual, int seed) =>
        RankValues.AssertEqual(ReduceChecks.Oracle(RankValues.OfAll(size, actual.NumberOfElements, actual.dtype, seed), ReduceOp.Sum).to(actual.dtype), actual, "AllReduce");
}
