namespace Raijin.Collectives;

/// <summary>How a process joins the world of ranks.</summary>
public sealed record WorldOptions
{
    /// <summary>What moves the bytes.</summary>
    /// <value>Default <see cref="TransportChoice.Auto"/>.</value>
    public TransportChoice Transport { get; init; } = TransportChoice.Auto;

    /// <summary>Whether each rank computes on a GPU of its own.</summary>
    /// <value>Default false.</value>
    public bool RanksDriveGpus { get; init; }

    /// <summary>How long to wait for the other ranks to join.</summary>
    /// <value>Default 5 minutes.</value>
    public TimeSpan JoinDeadline { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether ranks of one host divide its cores among their operators' threads, where neither their launcher nor <c>OMP_NUM_THREADS</c> has said how many each takes.</summary>
    /// <value>Default true.</value>
    public bool DivideThreads { get; init; } = true;

    /// <summary>How the world's group treats its calls.</summary>
    public GroupOptions Group { get; init; } = new();
}
