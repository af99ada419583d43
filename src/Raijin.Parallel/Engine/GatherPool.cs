using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>
/// The memory that gathered parameters lie in while their unit computes: a unit takes the block that another has let go, so that pages are faulted in once a pass and not at every gather. Blocks are as long as what lies in
/// them, to a quarter: never is more held than the units in use at once need.
/// </summary>
/// <remarks>
/// Memory changes hands here and is not borrowed, as a <see cref="HollowTensor"/> borrows parts of a lease: a loss that outlives the model still holds what its graph saved. Nor is it the host's alone.
/// </remarks>
sealed class GatherPool(Device device, Ledger ledger) : IDisposable
{
    const double LargestExcess = 1.25;

    // A block that lies under a parameter buffer leaves its carrier with nothing under it.
    readonly List<(Tensor Carrier, long Bytes)> _free = [];
    readonly Dictionary<Tensor, (Tensor Carrier, long Bytes)> _lent = new(ReferenceEqualityComparer.Instance);

    /// <summary>Puts memory under a flat buffer that has none.</summary>
    /// <param name="full">Values are undefined afterwards.</param>
    /// <param name="bytes">At least so much.</param>
    public void Lend(Tensor full, long bytes)
    {
        var best = -1;
        for (var i = 0; i < _free.Count; i++)
            if (_free[i].Bytes >= bytes && _free[i].Bytes <= bytes * LargestExcess && (best < 0 || _free[i].Bytes < _free[best].Bytes)) best = i;
        if (best < 0)
        {
            // What fits nobody who asks now is in the way.
            Trim();
            using var none = no_grad();
            var made = empty(bytes, ScalarType.Byte, device).DetachFromDisposeScope();
            HugePages.Advise(made);
            ledger.Allocated(BufferKind.Gathered, bytes);
            _free.Add((made, bytes));
            best = 0;
        }
        var block = _free[best];
        _free.RemoveAt(best);
        TensorStorage.Exchange(full, block.Carrier);
        _lent.Add(full, block);
    }

    /// <summary>Takes the memory back.</summary>
    /// <param name="full">What it was lent to.</param>
    public void TakeBack(Tensor full)
    {
        if (!_lent.Remove(full, out var block)) throw new InvalidOperationException("Memory was taken back that was not lent.");
        TensorStorage.Exchange(full, block.Carrier);
        _free.Add(block);
    }

    /// <summary>Frees what is not lent.</summary>
    public void Trim()
    {
        foreach (var (carrier, bytes) in _free)
        {
            carrier.Dispose();
            ledger.Freed(BufferKind.Gathered, bytes);
        }
        _free.Clear();
    }

    public void Dispose()
    {
        Trim();
        // What is still lent is freed with what it was lent to.
        foreach (var (carrier, bytes) in _lent.Values)
        {
            carrier.Dispose();
            ledger.Freed(BufferKind.Gathered, bytes);
        }
        _lent.Clear();
    }
}
