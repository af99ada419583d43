using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Transports;

public sealed class SteadyStateTests
{
    public static TheoryData<Place> Places => [.. Enum.GetValues<Place>()];

    [Theory]
    [MemberData(nameof(Places))]
    public void A_call_that_waits_makes_no_garbage(Place place) => RankThreads.Run(place, 2, member =>
    {
        using var small = member.Lay(ones(256));
        using var large = member.Lay(ones(100_000));
        using var part = zeros(50_000);
        Calls(50);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Calls(200);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Calls(int count)
        {
            for (var i = 0; i < count; i++)
            {
                member.Group.AllReduce(small, ReduceOp.Mean);
                member.Group.AllReduce(large, ReduceOp.Max);
                member.Group.ReduceScatter(large, part);
                member.Group.AllGather(part, large);
                member.Group.Barrier();
            }
        }
    });

    [Fact]
    public void Memory_goes_back_once_every_rank_has_freed_its_own()
    {
        RankThreads.OverSharedMemory(2, world =>
        {
            var mapped = MappedBytes();
            for (var i = 0; i < 20; i++)
            {
                using var buffer = world.Group.Allocate(1 << 20, ScalarType.Float32);
                world.Group.AllReduce(buffer);
            }
            world.Group.Barrier();
            // Two ranks map the memory of both, and the last round is still there: 4 × 4 MiB of 20 × 16.
            Assert.InRange(MappedBytes() - mapped, 0, 80L << 20);
        });

        static long MappedBytes() => OperatingSystem.IsLinux()
            ? File.ReadLines("/proc/self/maps").Where(l => l.Contains("memfd:raijin", StringComparison.Ordinal)).Sum(l => Length(l.Split(' ')[0].Split('-')))
            : 0;

        static long Length(string[] range) => Convert.ToInt64(range[1], 16) - Convert.ToInt64(range[0], 16);
    }

    [Fact]
    public void Different_calls_at_the_same_place_are_told_apart_and_touch_nothing()
    {
        foreach (var place in Enum.GetValues<Place>())
        {
            var error = Assert.Throws<CollectiveMismatchException>(() => RankThreads.Run(place, 2, member =>
            {
                using var buffer = member.Lay(ones(100));
                if (member.Rank == 0) member.Group.AllReduce(buffer);
                else
                {
                    using var half = buffer.narrow(0, 0, 50);
                    member.Group.AllReduce(half);
                }
            }));
            Assert.Contains("100 × Float32", error.Message, StringComparison.Ordinal);
            Assert.Contains("50 × Float32", error.Message, StringComparison.Ordinal);
        }
    }
}
