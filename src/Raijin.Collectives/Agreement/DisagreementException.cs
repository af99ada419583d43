namespace Raijin.Collectives;

/// <summary>Ranks were started with something different. Thrown on every rank alike; the message shows which rank has what.</summary>
public sealed class DisagreementException : Exception
{
    /// <summary>Shows the difference.</summary>
    public DisagreementException(string message) : base(message)
    {
    }

    /// <summary>What they disagree on.</summary>
    public string? Subject { get; init; }

    /// <summary>The ranks that differ from most, rising.</summary>
    public IReadOnlyList<int> Ranks { get; init; } = [];
}
