using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>Checks at public doors that a tensor given to us is still alive.</summary>
public static class TensorGuard
{
    /// <summary>Refuses a tensor whose native side is gone.</summary>
    /// <exception cref="ObjectDisposedException">It was freed: at the end of the step that made it, or by an explicit dispose.</exception>
    public static void ThrowIfFreed(Tensor tensor, [CallerArgumentExpression(nameof(tensor))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (tensor.IsInvalid) Throw(name);
    }

    /// <summary>Whether this error is TorchSharp's way of saying that a freed tensor was used.</summary>
    public static bool IsUseAfterFree(Exception error) =>
        error is InvalidOperationException && error.Message.StartsWith("Tensor invalid", StringComparison.Ordinal);

    /// <summary>What to say to the user who met <see cref="IsUseAfterFree"/>.</summary>
    public const string UseAfterFreeRemedy =
        "A tensor that was already freed was used. Tensors made in a step are freed when it ends: hand the ones that must outlive it to step.Keep.";

    [DoesNotReturn, StackTraceHidden]
    static void Throw(string? name) => throw new ObjectDisposedException(name, UseAfterFreeRemedy);
}
