using System.CommandLine;

namespace Raijin.App;

/// <summary>A command that does something, as opposed to one that only groups others.</summary>
abstract class CliCommand : Command
{
    /// <summary>Makes a command.</summary>
    protected CliCommand(string name, string description) : base(name, description) => TreatUnmatchedTokensAsErrors = false;

    /// <summary>Whether options of a task's records (<c>--trainer.maxEpochs 3</c>) may be given.</summary>
    public virtual LearningTask? Task => null;

    /// <summary>Lines for the help page, each a command a user could type.</summary>
    public virtual IReadOnlyList<string> Examples => [];

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="InvalidOptionsException">What was asked for can't be; exit code 2.</exception>
    public abstract int Execute(Invocation invocation);
}
