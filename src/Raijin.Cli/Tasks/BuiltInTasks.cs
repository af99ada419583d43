namespace Raijin.Cli;

/// <summary>The tasks that come with the command line.</summary>
static class BuiltInTasks
{
    /// <summary>In the order help lists them.</summary>
    public static IReadOnlyList<LearningTask> All { get; } = [new DigitsTask(), new MnistTask()];
}
