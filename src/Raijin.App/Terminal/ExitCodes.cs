namespace Raijin.App;

/// <summary>The exit codes of every command; a fit that a signal ended has those of <see cref="FitResult.ExitCode"/>.</summary>
static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>The command was understood and failed.</summary>
    public const int Failure = 1;

    /// <summary>The command line or the configuration is wrong; nothing was done.</summary>
    public const int Usage = 2;
}
