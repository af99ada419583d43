using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// One vector over all elements of a list of tensors, and the view of each tensor's part. Its length is rounded up with zeros to whole rows: sums are taken by row and then over the rows, so that
/// they do not depend on how libtorch divides them among threads.
/// </summary>
sealed class FlatVector : IDisposable
{
    const int Row = 1024;

    readonly Tensor _rows;

    public FlatVector(IReadOnlyList<Tensor> like)
    {
        using var none = no_grad();
        using var scope = NewDisposeScope();
        var count = like.Sum(t => t.numel());
        Flat = zeros((count + Row - 1) / Row * Row, like[0].dtype, like[0].device).DetachFromDisposeScope();
        _rows = Flat.view(-1, Row).DetachFromDisposeScope();
        Parts = new Tensor[like.Count];
        long offset = 0;
        for (var i = 0; i < like.Count; offset += like[i++].numel())
            Parts[i] = Flat.narrow(0, offset, like[i].numel()).view(like[i].shape).DetachFromDisposeScope();
    }

    public Tensor Flat { get; }

    public Tensor[] Parts { get; }

    public double Dot(FlatVector other)
    {
        using var products = _rows * other._rows;
        return Sum(products);
    }

    public double SumOfMagnitudes()
    {
        using var magnitudes = _rows.abs();
        return Sum(magnitudes);
    }

    public double LargestMagnitude()
    {
        using var magnitudes = Flat.abs();
        using var largest = magnitudes.max();
        using var wide = largest.to(ScalarType.Float64);
        return wide.item<double>();
    }

    static double Sum(Tensor rows)
    {
        using var scope = NewDisposeScope();
        return rows.sum(1, type: ScalarType.Float64).sum().item<double>();
    }

    public void Dispose()
    {
        foreach (var part in Parts) part.Dispose();
        _rows.Dispose();
        Flat.Dispose();
    }
}
