namespace Raijin;

/// <summary>A trial of a search for throughput failed of something else than memory: the model or its data, not the candidate. All ranks throw it.</summary>
public sealed class ThroughputTrialException : Exception
{
    internal ThroughputTrialException(string message) : base(message) { }
}
