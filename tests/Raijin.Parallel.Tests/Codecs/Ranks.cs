using Raijin.Collectives;

namespace Raijin.Parallel.Tests.Codecs;

/// <summary>Ranks as threads whose calls wait for each other for seconds, not minutes.</summary>
static class Ranks
{
    static readonly GroupOptions Options = new() { Deadline = TimeSpan.FromSeconds(30) };

    public static T[] Run<T>(int size, Func<World, T> rank) => World.Run(size, rank, Options, TestContext.Current.CancellationToken);

    public static void Run(int size, Action<World> rank) => World.Run(size, rank, Options, TestContext.Current.CancellationToken);
}
