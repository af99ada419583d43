using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Transports;

/// <summary>Where the ranks of a test keep what they give.</summary>
public enum Place
{
    /// <summary>Threads of one process: everybody reaches everything.</summary>
    InProcess,

    /// <summary>In the shared segment.</summary>
    InSegment,

    /// <summary>Outside of the shared segment.</summary>
    Private,

    /// <summary>In the segment on even ranks, outside on odd ones.</summary>
    Mixed,
}

/// <summary>Ranks as threads, also over the transport of processes: each maps the segment on its own.</summary>
static class RankThreads
{
    static int s_jobs;

    public static string NewJob() => $"test-{Environment.ProcessId}-{Interlocked.Increment(ref s_jobs)}";

    public static void Run(Place place, int size, Action<Member> body, GroupOptions? options = null)
    {
        options ??= new GroupOptions { Deadline = TimeSpan.FromSeconds(20) };
        if (place == Place.InProcess) World.Run(size, world => body(new Member(world.Group, place)), options);
        else OverSharedMemory(size, world => body(new Member(world.Group, place)), options);
    }

    public static void OverSharedMemory(int size, Action<World> body, GroupOptions? options = null, SharedMemoryOptions? memory = null)
    {
        var job = NewJob();
        memory ??= new SharedMemoryOptions { Deadline = TimeSpan.FromSeconds(20), SlotBytes = 4096, MessageSlotBytes = 1000 };
        var errors = new ExceptionDispatchInfo?[size];
        var threads = Enumerable.Range(0, size).Select(rank => new Thread(() => Live(rank))).ToList();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        (Array.Find(errors, e => e is { SourceException: not RankFailureException and not CollectiveException { InnerException: RankFailureException } }) ?? Array.Find(errors, e => e is not null))?.Throw();

        void Live(int rank)
        {
            try
            {
                using var world = new World(new RankIdentity(rank, size, rank, size, 0, 1), SharedMemoryTransport.Join(job, rank, size, memory), options ?? new GroupOptions { Deadline = TimeSpan.FromSeconds(20) }, "the test");
                try
                {
                    body(world);
                }
                catch (Exception error)
                {
                    world.Group.Abort(error.Message);
                    throw;
                }
            }
            catch (Exception error)
            {
                errors[rank] = ExceptionDispatchInfo.Capture(error);
            }
        }
    }
}

/// <summary>A rank of a test, which lays its tensors where the test wants them.</summary>
sealed record Member(Group Group, Place Place)
{
    public int Rank => Group.Rank;

    public int Size => Group.Size;

    /// <summary>The same values where collectives meet them. All ranks give the same <paramref name="capacity"/>: that much is allocated.</summary>
    public Tensor Lay(Tensor values, long? capacity = null)
    {
        if (Place == Place.Private) return values.clone();
        using var buffer = Group.Allocate(capacity ?? values.NumberOfElements, values.dtype);
        if (Place == Place.Mixed && Rank % 2 == 1) return values.clone();
        // The scope frees this one, and the storage with it.
        return buffer.narrow(0, 0, values.NumberOfElements).copy_(values);
    }
}
