namespace Raijin.Cli;

/// <summary>The exit codes of every command.</summary>
static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>The command was understood and failed.</summary>
    public const int Failure = 1;

    /// <summary>The command line or the configuration is wrong; nothing was done.</summary>
    public const int Usage = 2;

    /// <summary>Stopped by Ctrl-C; saved.</summary>
    public const int Interrupted = 130;
}
