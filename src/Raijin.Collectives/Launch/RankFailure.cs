namespace Raijin.Collectives;

/// <summary>What a rank says of its own end.</summary>
/// <param name="Type">The exception's type.</param>
/// <param name="Message">Its message.</param>
/// <param name="Text">All of it, with the stack trace; of wrong options the faults, which lie outside of the program.</param>
/// <param name="IsEcho">Whether it gave up only because another rank did.</param>
public sealed record RankFailure(string Type, string Message, string Text, bool IsEcho)
{
    /// <summary>Whether it refused its options: another start would do the same.</summary>
    internal bool IsRefusal => Type == typeof(InvalidOptionsException).FullName;

    /// <summary>What <paramref name="error"/> tells.</summary>
    public static RankFailure Of(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return new(error.GetType().FullName ?? error.GetType().Name, error.Message, error is InvalidOptionsException ? error.Message : error.ToString(), IsEchoed(error));
    }

    static bool IsEchoed(Exception error) => error is RankFailureException || (error.InnerException is { } inner && IsEchoed(inner));
}
