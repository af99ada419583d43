namespace Raijin.Collectives;

/// <summary>A transport can't be used on this host: its library is missing, of an unknown kind, or too old.</summary>
public sealed class TransportUnavailableException : CollectiveException
{
    /// <summary>Says why, and what to do.</summary>
    public TransportUnavailableException(TransportKind transport, string reason, string remedy, Exception? innerException = null) : base($"{reason} {remedy}", innerException)
    {
        Transport = transport;
        Remedy = remedy;
    }

    /// <summary>Which one.</summary>
    public TransportKind Transport { get; }

    /// <summary>What to do.</summary>
    public string Remedy { get; }
}
