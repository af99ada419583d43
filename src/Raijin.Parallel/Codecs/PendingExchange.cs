using Raijin.Collectives;

namespace Raijin.Parallel;

/// <summary>An exchange under way; its tensors belong to it until it is complete. Exchanges of one object complete in the order they were begun.</summary>
abstract class PendingExchange
{
    /// <summary>Goes on with the call under way, without waiting, and without beginning another where that could stand in the way of others': when a rank polls changes nothing in the order of a group's calls.</summary>
    /// <returns>Whether the exchange is complete.</returns>
    /// <exception cref="CollectiveException">A call failed, here or on another rank.</exception>
    public abstract bool Poll();

    /// <summary>Waits until it is complete. An exchange of several calls begins the later ones in here: all ranks wait for their exchanges at the same places.</summary>
    /// <inheritdoc cref="Poll"/>
    public abstract void Wait(CancellationToken cancellationToken = default);

    /// <summary>The exchange that is one call.</summary>
    public static PendingExchange Of(Work work) => new Call(work);

    sealed class Call(Work work) : PendingExchange
    {
        public override bool Poll() => work.Poll();

        public override void Wait(CancellationToken cancellationToken = default) => work.Wait(cancellationToken);
    }
}
