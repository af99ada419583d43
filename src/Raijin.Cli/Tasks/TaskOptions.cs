namespace Raijin.Cli;

/// <summary>What every built-in task can be told.</summary>
abstract record TaskOptions;
