using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Raijin;

/// <summary>What a logger may ask while its run lasts.</summary>
/// <param name="Run">What the run is made with.</param>
/// <param name="Messages">Where to say what a person should know.</param>
/// <param name="Time">The clock.</param>
/// <param name="GivingUp">Cancelled when the run is over and its loggers were given time enough: whatever waits should stop.</param>
public sealed record LogSession(RunDescription Run, ILogger Messages, TimeProvider Time, CancellationToken GivingUp)
{
    /// <summary>For a logger that is used by hand.</summary>
    public static LogSession Alone { get; } = new(new RunDescription("run"), NullLogger.Instance, TimeProvider.System, CancellationToken.None);
}
