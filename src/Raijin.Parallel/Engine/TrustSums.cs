using Raijin.Collectives;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>Sums of squares over whole parameters of which each rank has parts, for algorithms that scale steps by norms of tensors (LAMB, LARS): one all-reduce of two numbers a parameter in each step.</summary>
sealed class TrustSums : IDisposable
{
    const int NumSums = 2;

    readonly Group _group;
    readonly Dictionary<string, int> _places;
    readonly Tensor _sums;

    /// <param name="group">The ranks that have the parts.</param>
    /// <param name="names">All parameters, in the same order on every rank.</param>
    public TrustSums(Group group, IEnumerable<string> names)
    {
        _group = group;
        _places = names.Index().ToDictionary(n => n.Item, n => n.Index, StringComparer.Ordinal);
        _sums = group.Allocate(NumSums * Math.Max(1, _places.Count), ScalarType.Float64).DetachFromDisposeScope();
    }

    /// <summary>Replaces the sums over this rank's parts by those over all. Every rank calls it, also one without a part.</summary>
    /// <param name="names">Of which this rank has parts.</param>
    /// <param name="sums">Two for each.</param>
    public void Add(IReadOnlyList<string> names, Span<double> sums)
    {
        using (var all = Open())
        {
            var values = all.Span<double>();
            values.Clear();
            for (var i = 0; i < names.Count; i++) sums.Slice(NumSums * i, NumSums).CopyTo(values[(NumSums * _places[names[i]])..]);
        }
        _group.AllReduce(_sums);
        using (var all = Open())
        {
            var values = all.Span<double>();
            for (var i = 0; i < names.Count; i++) values.Slice(NumSums * _places[names[i]], NumSums).CopyTo(sums[(NumSums * i)..]);
        }
    }

    HostTensor Open() => HostTensor.TryOpen(_sums, out var view) ? view : throw new NotSupportedException($"Norms of divided tensors are summed on the host, not on {_sums.device}.");

    public void Dispose() => _sums.Dispose();
}
