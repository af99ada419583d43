namespace Raijin;

/// <summary>A checkpoint could not be written or read, or does not fit what it is loaded into.</summary>
public sealed class CheckpointException : Exception
{
    /// <summary>Refuses a checkpoint.</summary>
    /// <param name="path">The file or folder it is about.</param>
    /// <param name="problem">What was found, what was expected and what to do.</param>
    /// <param name="previousGood">Name of the newest whole checkpoint before this one, if there is one.</param>
    /// <param name="innerException">What the system or the reader said, if anything.</param>
    public CheckpointException(string path, string problem, string? previousGood = null, Exception? innerException = null)
        : base(previousGood is null ? $"{path}: {problem}" : $"{path}: {problem} The one before it is whole: \"{previousGood}\".", innerException)
    {
        Path = path;
        Problem = problem;
        PreviousGood = previousGood;
    }

    /// <summary>The file or folder it is about.</summary>
    public string Path { get; }

    /// <summary>What was found, what was expected and what to do: the message without the path.</summary>
    public string Problem { get; }

    /// <summary>Name of the newest whole checkpoint before a damaged one: the one to go on from.</summary>
    public string? PreviousGood { get; }
}
