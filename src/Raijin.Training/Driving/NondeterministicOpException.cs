using System.Diagnostics.CodeAnalysis;

namespace Raijin;

/// <summary>An op was called that may give other bits from run to run, under <see cref="TrainerOptions.Deterministic"/> = <see cref="Determinism.Error"/>.</summary>
public sealed class NondeterministicOpException : Exception
{
    // libtorch's words: "OP does not have a deterministic implementation, but you set …".
    const string Mark = " does not have a deterministic implementation";

    NondeterministicOpException(string op, Exception cause)
        : base($"{op} may give other bits from run to run, and trainer.deterministic = error refuses such an op. Use another op, or set it to warn.", cause) => Op = op;

    /// <summary>The op, as libtorch names it.</summary>
    public string Op { get; }

    internal static bool TryExplain(Exception error, [NotNullWhen(true)] out NondeterministicOpException? explained)
    {
        var end = error.Message.IndexOf(Mark, StringComparison.Ordinal);
        explained = null;
        if (end < 0) return false;
        var start = error.Message.LastIndexOfAny([' ', '\n', ':'], end - 1) + 1;
        explained = new NondeterministicOpException(error.Message[start..end].Trim('\'', '"'), error);
        return true;
    }
}
