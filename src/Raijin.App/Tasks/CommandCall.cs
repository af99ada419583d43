namespace Raijin;

/// <summary>A command that was typed, for the hooks of <see cref="RaijinApp.Before"/> and <see cref="RaijinApp.After"/>.</summary>
/// <param name="Command">The command without the task: <c>fit</c>, <c>config print</c>.</param>
/// <param name="Task">The task's name; null for a command of no task.</param>
/// <param name="Arguments">All that was typed.</param>
public sealed record CommandCall(string Command, string? Task, IReadOnlyList<string> Arguments);
