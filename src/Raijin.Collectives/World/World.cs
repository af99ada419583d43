using System.Globalization;
using System.Runtime.ExceptionServices;

namespace Raijin.Collectives;

/// <summary>All the ranks that train together, as one of them sees it.</summary>
public sealed partial class World : IDisposable
{
    const string AsThreads = "ranks as threads";

    readonly string _origin;

    internal World(RankIdentity identity, Transport transport, GroupOptions options, string origin = "")
    {
        Identity = identity;
        _origin = origin;
        Group = new Group(transport, "world", [.. Enumerable.Range(0, transport.Size)], options);
    }

    World(World whole, string name)
    {
        Identity = whole.Identity;
        _origin = whole._origin;
        IsApart = true;
        Group = whole.Group.Split([.. Enumerable.Range(0, whole.Size)], name, isApart: true);
    }

    /// <summary>Which rank this is, and where.</summary>
    public RankIdentity Identity { get; }

    /// <summary>This rank's number, from 0.</summary>
    public int Rank => Identity.Rank;

    /// <summary>How many ranks there are.</summary>
    public int Size => Identity.WorldSize;

    /// <summary>The group of all ranks.</summary>
    public Group Group { get; }

    /// <summary>Whether it was made by <see cref="Apart"/>.</summary>
    public bool IsApart { get; }

    /// <summary>
    /// The same ranks as a world of its own, for something that may fail on some of them without an end to the rest: who gives it up, or fails in it, ends its groups, and this world's go on. All ranks call it.
    /// </summary>
    /// <param name="name">What it is called in messages.</param>
    public World Apart(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new(this, name);
    }

    /// <summary>A world of one rank: collectives return at once.</summary>
    public static World Single(GroupOptions? options = null) => new(InThread(0, 1), InProcessSegment.World(1)[0], options ?? new GroupOptions(), "a world of one");

    /// <summary>
    /// Runs <paramref name="rank"/> on as many threads, each a rank of one world: for tests and notebooks. When a rank throws, the others' calls fail, and its exception comes out of here.
    /// </summary>
    /// <remarks>libtorch's default generator is the process's: ranks as threads draw from a <see cref="Tensors.RankRandom"/> each.</remarks>
    public static T[] Run<T>(int size, Func<World, T> rank, GroupOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentNullException.ThrowIfNull(rank);
        var transports = InProcessSegment.World(size);
        var results = new T[size];
        var errors = new ExceptionDispatchInfo?[size];
        var threads = transports.Select((transport, r) => new Thread(() => Live(transport, r)) { Name = string.Create(CultureInfo.InvariantCulture, $"rank {r}") }).ToList();
        using (cancellationToken.Register(() => transports[0].Abort("the run was cancelled")))
        {
            foreach (var thread in threads) thread.Start();
            foreach (var thread in threads) thread.Join();
        }
        if (Array.Exists(errors, e => e is not null)) cancellationToken.ThrowIfCancellationRequested();
        // The cause is the one that is no echo of another rank's.
        (Array.Find(errors, e => e is { SourceException: not RankFailureException and not CollectiveException { InnerException: RankFailureException } }) ?? Array.Find(errors, e => e is not null))?.Throw();
        return results;

        void Live(Transport transport, int number)
        {
            try
            {
                using var world = new World(InThread(number, size), transport, options ?? new GroupOptions(), AsThreads);
                try
                {
                    results[number] = rank(world);
                }
                catch (Exception error)
                {
                    world.Group.Abort($"{error.GetType().Name}: {error.Message}");
                    throw;
                }
            }
            catch (Exception error)
            {
                errors[number] = ExceptionDispatchInfo.Capture(error);
            }
        }
    }

    /// <inheritdoc cref="Run{T}"/>
    public static void Run(int size, Action<World> rank, GroupOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(rank);
        Run(size, world => { rank(world); return 0; }, options, cancellationToken);
    }

    static RankIdentity InThread(int rank, int size) => new(rank, size, rank, size, 0, 1);

    /// <summary>Leaves the world.</summary>
    public void Dispose() => Group.Dispose();
}
