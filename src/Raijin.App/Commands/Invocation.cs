using System.CommandLine;

namespace Raijin.App;

/// <summary>One call of one command.</summary>
/// <param name="App">The program.</param>
/// <param name="Arguments">What was typed.</param>
/// <param name="Overrides">The dotted options among it, as the last configuration layer.</param>
/// <param name="Settings">Configuration from the environment, by variables' names without <c>RAIJIN__</c>.</param>
/// <param name="UsageFaults">What is wrong with it so far; reported together with the configuration's faults.</param>
/// <param name="Terminal">Where to talk.</param>
sealed record Invocation(AppDescription App, ParseResult Arguments, ConfigMap Overrides, IReadOnlyDictionary<string, string> Settings, IReadOnlyList<OptionFault> UsageFaults, Terminal Terminal)
{
    /// <summary>The value of an option or argument.</summary>
    /// <exception cref="InvalidOptionsException">What was typed is no such value.</exception>
    public T? Get<T>(Option<T> option)
    {
        if (Arguments.GetResult(option) is { } typed && Arguments.Errors.Any(error => error.SymbolResult == typed || error.SymbolResult?.Parent == typed)) ThrowIfFaulty();
        return Arguments.GetValue(option);
    }

    /// <inheritdoc cref="Get{T}(Option{T})"/>
    public T? Get<T>(Argument<T> argument) => Arguments.GetValue(argument);

    /// <summary>The texts typed for an option, also of a command line that is wrong elsewhere; null when it was not typed.</summary>
    public IReadOnlyList<string>? Texts(Option option) =>
        Arguments.GetResult(option) is { Implicit: false } given ? [.. given.Tokens.Select(token => token.Value)] : null;

    /// <summary>The last text typed for an option; null when it was not typed, or without a value.</summary>
    public string? Text(Option option) => Texts(option) is [.., var last] ? last : null;

    /// <summary>The same with one more fault.</summary>
    public Invocation WithFault(OptionFault fault) => this with { UsageFaults = [.. UsageFaults, fault] };

    /// <summary>Refuses a command line with faults; for commands without configuration.</summary>
    /// <exception cref="InvalidOptionsException">There are faults.</exception>
    public void ThrowIfFaulty() => InvalidOptionsException.ThrowIfAny(UsageFaults);
}
