using System.Runtime.ExceptionServices;

namespace Raijin.Collectives;

/// <summary>All the ranks that train together, as one of them sees it.</summary>
public sealed partial class World : IDisposable
{
    readonly string _origin;

    internal World(RankIdentity identity, Transport transport, GroupOptions options, string origin)
    {
        Identity = identity;
        _origin = origin;
        Group = new Group(transport, "world", [.. Enumerable.Range(0, transport.Size)], options);
    }

    /// <summary>Which rank this is, and where.</summary>
    public RankIdentity Identity { get; }

    /// <summary>This rank's number, from 0.</summary>
    public int Rank => Identity.Rank;

    /// <summary>How many ranks there are.</summary>
    public int Size => Identity.WorldSize;

    /// <summary>The group of all ranks.</summary>
    public Group Group { get; }

    /// <summary>A world of one rank: collectives return at once.</summary>
    public static World Single(GroupOptions? options = null) => InThreads(1, options)[0];

    /// <summary>
    /// Runs <paramref name="rank"/> on as many threads, each a rank of one world: for tests and notebooks. When a rank throws, the others' calls fail, and its exception comes out of here.
    /// </summary>
    /// <remarks>libtorch's default generator is the process's: ranks as threads draw from a <see cref="Tensors.RankRandom"/> each.</remarks>
    public static T[] Run<T>(int size, Func<World, T> rank, GroupOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentNullException.ThrowIfNull(rank);
        var worlds = InThreads(size, options);
        var results = new T[size];
        var errors = new ExceptionDispatchInfo?[size];
        var threads = worlds.Select(world => new Thread(() => Live(world)) { Name = $"rank {world.Rank}" }).ToList();
        using (cancellationToken.Register(() => worlds[0].Group.Abort("the run was cancelled")))
        {
            foreach (var thread in threads) thread.Start();
            foreach (var thread in threads) thread.Join();
        }
        if (Array.Exists(errors, e => e is not null)) cancellationToken.ThrowIfCancellationRequested();
        // The cause is the one that is no echo of another rank's.
        (Array.Find(errors, e => e is { SourceException: not RankFailureException and not CollectiveException { InnerException: RankFailureException } }) ?? Array.Find(errors, e => e is not null))?.Throw();
        return results;

        void Live(World world)
        {
            try
            {
                using (world) results[world.Rank] = rank(world);
            }
            catch (Exception error)
            {
                errors[world.Rank] = ExceptionDispatchInfo.Capture(error);
                world.Group.Abort($"{error.GetType().Name}: {error.Message}");
            }
        }
    }

    /// <inheritdoc cref="Run{T}"/>
    public static void Run(int size, Action<World> rank, GroupOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(rank);
        Run(size, world => { rank(world); return 0; }, options, cancellationToken);
    }

    static World[] InThreads(int size, GroupOptions? options, string origin = "ranks as threads")
    {
        var transports = InProcessSegment.World(size);
        return [.. transports.Select((transport, r) => new World(new RankIdentity(r, size, r, size, 0, 1), transport, options ?? new GroupOptions(), origin))];
    }

    /// <summary>Leaves the world.</summary>
    public void Dispose() => Group.Dispose();
}
