using System.Diagnostics.CodeAnalysis;

namespace Raijin;

/// <summary>An allocation of device memory (or of the host's, for CPU tensors) was refused.</summary>
public sealed class OutOfDeviceMemoryException : Exception
{
    OutOfDeviceMemoryException(string reason, Exception cause)
        : base($"{reason} Use a smaller batch (Trainer.FindBatchSize finds the largest), accumulate gradients, or a 16-bit precision.", cause) { }

    /// <summary>Turns an error that says, in libtorch's words or the runtime's, that memory ran out into one that says what to do.</summary>
    /// <param name="error">What was thrown.</param>
    /// <param name="explained">The same, explained; <paramref name="error"/> is its cause.</param>
    public static bool TryExplain(Exception error, [NotNullWhen(true)] out OutOfDeviceMemoryException? explained)
    {
        ArgumentNullException.ThrowIfNull(error);
        explained = error switch
        {
            OutOfDeviceMemoryException already => already,
            OutOfMemoryException => new("The managed heap is full.", error),
            _ when error.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase) => new("The device's memory is full.", error),
            // c10's allocator for the CPU.
            _ when error.Message.Contains("DefaultCPUAllocator", StringComparison.Ordinal) => new("The host's memory is full.", error),
            _ => null,
        };
        return explained is not null;
    }
}
