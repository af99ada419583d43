using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>Memory through which ranges of a store come and go in turn. It stays where it is.</summary>
/// <param name="memory">Dense host memory, best on a multiple of <see cref="ScratchFile.Alignment"/>; given away.</param>
/// <typeparam name="THolder">Whose ranges they are.</typeparam>
sealed class DiskLease<THolder>(Tensor memory) : IDisposable
    where THolder : class
{
    Task _transfers = Task.CompletedTask;

    public Tensor Memory => memory;

    public long Bytes { get; } = memory.numel() * memory.element_size();

    /// <summary>Whose values it holds, or is being read into it.</summary>
    public THolder? Holder { get; set; }

    /// <summary>Begins transfers, once those begun before are over: who begins them does not wait.</summary>
    /// <param name="transfers">Called once, from any thread.</param>
    public void Begin(Func<IEnumerable<Task>> transfers) => _transfers = _transfers.IsCompletedSuccessfully ? Task.WhenAll(transfers()) : After(_transfers, transfers);

    /// <summary>Waits for everything begun.</summary>
    /// <exception cref="IOException">Something could not be read or written, now or earlier: what the lease holds is nobody's.</exception>
    public void Wait() => _transfers.GetAwaiter().GetResult();

    static async Task After(Task before, Func<IEnumerable<Task>> transfers)
    {
        await before.ConfigureAwait(false);
        await Task.WhenAll(transfers()).ConfigureAwait(false);
    }

    public void Dispose() => memory.Dispose();
}
