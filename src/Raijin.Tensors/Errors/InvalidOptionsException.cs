using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Raijin;

/// <summary>One fault in the options: where it is, and what was given, what was expected and what to do.</summary>
/// <param name="Key">The option, as its user writes it: <c>trainer.maxEpochs</c>.</param>
/// <param name="Message">What was given, what is allowed and what to do.</param>
public sealed record OptionFault(string Key, string Message);

/// <summary>The options as a whole were refused, before any device work. Carries every fault, not just the first.</summary>
public sealed class InvalidOptionsException : Exception
{
    /// <summary>Refuses the options for the given faults.</summary>
    public InvalidOptionsException(IReadOnlyList<OptionFault> faults) : base(Describe(faults)) => Faults = faults;

    /// <summary>Every fault found, in the order of the options.</summary>
    public IReadOnlyList<OptionFault> Faults { get; }

    /// <summary>Throws when <paramref name="faults"/> holds at least one fault.</summary>
    [StackTraceHidden]
    public static void ThrowIfAny(IReadOnlyList<OptionFault> faults)
    {
        ArgumentNullException.ThrowIfNull(faults);
        if (faults.Count > 0) Throw(faults);
    }

    [DoesNotReturn, StackTraceHidden]
    static void Throw(IReadOnlyList<OptionFault> faults) => throw new InvalidOptionsException(faults);

    static string Describe(IReadOnlyList<OptionFault> faults)
    {
        ArgumentNullException.ThrowIfNull(faults);
        var width = faults.Count == 0 ? 0 : faults.Max(f => f.Key.Length);
        var lines = faults.Select(f => $"  {f.Key.PadRight(width)}    {f.Message}");
        var head = faults.Count == 1 ? "1 problem in the options:" : $"{faults.Count} problems in the options:";
        return string.Join('\n', lines.Prepend(head));
    }
}
