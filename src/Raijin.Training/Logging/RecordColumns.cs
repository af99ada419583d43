namespace Raijin.Training;

/// <summary>What every written record says of itself before its values, the same in each file format.</summary>
static class RecordColumns
{
    public const string Scope = "scope";
    public const string Step = "step";
    public const string Epoch = "epoch";
    public const string Seconds = "seconds";

    public static IReadOnlyList<string> All { get; } = [Scope, Step, Epoch, Seconds];

    public static string Name(LogScope scope) => scope == LogScope.Step ? "step" : "epoch";

    /// <summary>Training time is written in seconds, to the microsecond.</summary>
    public const string SecondsFormat = "F6";

    /// <exception cref="InvalidOperationException">The key would hide a column of the record's own.</exception>
    public static void ThrowIfTaken(string key)
    {
        if (All.Contains(key))
            throw new InvalidOperationException($"A value was logged as \"{key}\", which is a column every record has: log it under another name, such as train/{key}.");
    }
}
