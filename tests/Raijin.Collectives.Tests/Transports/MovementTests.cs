using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Transports;

public sealed class MovementTests
{
    static readonly long[] Counts = [0, 1, 7, 64, 500, 1024, 1025, 9000];

    public static MatrixTheoryData<Place, int> Worlds => new(Enum.GetValues<Place>(), [1, 2, 3, 5]);

    [Theory]
    [MemberData(nameof(Worlds))]
    public void Everything_arrives_where_it_belongs(Place place, int size) => RankThreads.Run(place, size, member =>
    {
        var group = member.Group;
        var rank = member.Rank;
        for (var seed = 0; seed < Counts.Length * 2; seed++)
        {
            using var scope = TensorScope.Open();
            var most = Counts[seed % Counts.Length];
            var dtype = seed % 3 == 0 ? ScalarType.Float32 : seed % 3 == 1 ? ScalarType.Byte : ScalarType.Int64;
            var root = seed % size;
            var what = $"{most} × {dtype} on {rank} of {size}";
            // counts[from, to]: uneven in every direction; even ones every other time.
            var random = new Random(seed);
            var counts = new long[size, size];
            for (var i = 0; i < size; i++)
                for (var j = 0; j < size; j++) counts[i, j] = seed % 2 == 0 ? most : random.NextInt64(most + 1);
            long[] mine = [.. Enumerable.Range(0, size).Select(to => counts[rank, to])];
            long[] theirs = [.. Enumerable.Range(0, size).Select(from => counts[from, rank])];
            long[] firsts = [.. Enumerable.Range(0, size).Select(from => counts[from, 0])];
            var even = seed % 2 == 0;

            Tensor Part(int from, int to) => Reference.Values(seed, (from * size) + to, counts[from, to], dtype);

            var buffer = member.Lay(rank == root ? Part(root, 0) : zeros(counts[root, 0], dtype));
            group.Broadcast(buffer, root);
            Reference.AssertSame(Part(root, 0), buffer, $"broadcast of {what}");

            var all = cat([.. Enumerable.Range(0, size).Select(from => Part(from, 0))]);
            var input = member.Lay(Part(rank, 0), most);
            var output = empty(firsts.Sum(), dtype);
            group.AllGather(input, output, even ? null : firsts);
            Reference.AssertSame(all, output, $"all-gather of {what}");

            var inPlace = member.Lay(zeros(firsts.Sum(), dtype));
            var own = inPlace.narrow(0, firsts.Take(rank).Sum(), firsts[rank]);
            own.copy_(Part(rank, 0));
            group.AllGather(own, inPlace, even ? null : firsts);
            Reference.AssertSame(all, inPlace, $"all-gather in place of {what}");

            var gathered = rank == root ? empty(firsts.Sum(), dtype) : null;
            group.Gather(input, gathered, root, even ? null : firsts);
            if (gathered is not null) Reference.AssertSame(all, gathered, $"gather of {what}");

            long[] fromRoot = [.. Enumerable.Range(0, size).Select(to => counts[root, to])];
            var scattered = empty(fromRoot[rank], dtype);
            var whole = member.Lay(cat([.. Enumerable.Range(0, size).Select(to => Part(root, to))]));
            group.Scatter(rank == root ? whole : null, scattered, root, even ? null : fromRoot);
            Reference.AssertSame(Part(root, rank), scattered, $"scatter of {what}");

            var outgoing = member.Lay(cat([.. Enumerable.Range(0, size).Select(to => Part(rank, to))]), size * most);
            var incoming = empty(theirs.Sum(), dtype);
            group.AllToAll(outgoing, incoming, even ? null : mine, even ? null : theirs);
            Reference.AssertSame(cat([.. Enumerable.Range(0, size).Select(from => Part(from, rank))]), incoming, $"all-to-all of {what}");
            group.Barrier();
        }
    });

    [Theory]
    [MemberData(nameof(Worlds))]
    public void Messages_keep_their_order_and_pass_each_other(Place place, int size) => RankThreads.Run(place, size, member =>
    {
        using var scope = TensorScope.Open();
        var (next, previous) = ((member.Rank + 1) % size, (member.Rank + size - 1) % size);
        if (size == 1) return;
        var works = new List<Work>();
        var received = new List<Tensor>();
        for (var i = 0; i < 10; i++)
        {
            var count = Counts[i % Counts.Length];
            // All send around the ring before anybody receives.
            works.Add(member.Group.SendAsync(member.Lay(Reference.Values(i, member.Rank, count, ScalarType.Float32)), next));
            received.Add(empty(count, ScalarType.Float32));
            works.Add(member.Group.ReceiveAsync(received[i], previous));
        }
        foreach (var work in works) work.Wait();
        for (var i = 0; i < 10; i++) Reference.AssertSame(Reference.Values(i, previous, Counts[i % Counts.Length], ScalarType.Float32), received[i], $"message {i}");
    });

    [Theory]
    [MemberData(nameof(Worlds))]
    public void Many_calls_are_under_way_at_once(Place place, int size) => RankThreads.Run(place, size, member =>
    {
        using var scope = TensorScope.Open();
        var works = new List<Work>();
        var buffers = new List<Tensor>();
        for (var i = 0; i < 30; i++)
        {
            buffers.Add(member.Lay(full(Counts[i % Counts.Length], member.Rank + i, ScalarType.Float32)));
            works.Add(i % 3 == 2 ? member.Group.BroadcastAsync(buffers[i], i % size) : member.Group.AllReduceAsync(buffers[i]));
            if (i % 4 == 0) member.Group.Progress();
        }
        works[^1].Wait();
        for (var i = 0; i < 30; i++)
        {
            Assert.True(works[i].IsCompleted);
            var expected = i % 3 == 2 ? (i % size) + i : Enumerable.Range(0, size).Sum(r => r + i);
            Reference.AssertSame(full(Counts[i % Counts.Length], expected, ScalarType.Float32), buffers[i], $"call {i}");
        }
    });
}
