using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>The exchange in which ranks tell each other what they are about to do: one all-gather of a row of numbers, whose size no call changes, so that it fits even where the calls do not.</summary>
sealed class CallCheck : IDisposable
{
    readonly Tensor _mine; // [row]
    readonly Tensor _all;  // [size × row]
    readonly int _size;

    public CallCheck(Transport transport)
    {
        _size = transport.Size;
        _mine = transport.Allocate(CallRow.Length(_size), ScalarType.Int64).DetachFromDisposeScope();
        _all = transport.Allocate(CallRow.Length(_size) * _size, ScalarType.Int64).DetachFromDisposeScope();
    }

    /// <summary>The exchange for a call.</summary>
    public Collective Exchange(CallRow row, long sequence)
    {
        using var none = no_grad();
        using var numbers = tensor(row.Write(_size), ScalarType.Int64);
        _mine.copy_(numbers);
        return new(CollectiveKind.AllGather, sequence, _mine, _all);
    }

    /// <summary>What the exchange brought, by rank.</summary>
    public IReadOnlyList<CallRow> Rows()
    {
        using var host = _all.cpu();
        var numbers = host.data<long>().ToArray();
        var length = CallRow.Length(_size);
        return [.. Enumerable.Range(0, _size).Select(r => CallRow.Read(numbers.AsSpan(r * length, length), _size))];
    }

    public void Dispose()
    {
        _mine.Dispose();
        _all.Dispose();
    }
}
