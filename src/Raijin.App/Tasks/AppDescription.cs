namespace Raijin.App;

/// <summary>A program: what it is called and what it can train.</summary>
/// <param name="Name">As typed.</param>
/// <param name="Summary">One line for help.</param>
/// <param name="Tasks">What it can train, in the order help lists them.</param>
/// <param name="Before">Called before commands.</param>
/// <param name="After">Called after commands.</param>
sealed record AppDescription(string Name, string Summary, IReadOnlyList<LearningTask> Tasks, IReadOnlyList<CommandHook> Before, IReadOnlyList<CommandHook> After)
{
    /// <summary>How this very program is started: the file to run and the arguments before its own.</summary>
    public IReadOnlyList<string> Start { get; init; } = OfProcess();

    /// <summary>The name that examples and messages are written with, for the tool itself.</summary>
    public const string Tool = "raijin";

    /// <summary>Text written for the tool, as this program's user would type it.</summary>
    public string AsTyped(string text) => Name == Tool ? text : text.Replace(Tool, Name, StringComparison.Ordinal);

    static string[] OfProcess()
    {
        var program = Environment.ProcessPath!;
        return Path.GetFileNameWithoutExtension(program) == "dotnet" ? [program, System.Reflection.Assembly.GetEntryAssembly()!.Location] : [program];
    }
}

/// <summary>Code called before or after a command.</summary>
/// <param name="Command">The command.</param>
/// <param name="Call">The code, with the exit code after a command, 0 before it.</param>
sealed record CommandHook(string Command, Action<CommandCall, int> Call);
