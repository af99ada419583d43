namespace Raijin;

/// <summary>What happens when an op is called that may give other bits from run to run on the same inputs.</summary>
public enum Determinism
{
    /// <summary>It runs. On a CPU almost none is such an op.</summary>
    Off,

    /// <summary>It runs, and libtorch prints a warning.</summary>
    Warn,

    /// <summary>A <see cref="NondeterministicOpException"/> that names it.</summary>
    Error,
}
