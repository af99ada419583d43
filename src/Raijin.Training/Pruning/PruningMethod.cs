using static TorchSharp.torch;

namespace Raijin;

/// <summary>Which weights are pruned: how each is scored. Those of the lowest scores go.</summary>
public abstract record PruningMethod
{
    private protected PruningMethod() { }

    /// <summary>Single weights of the smallest magnitude (Han et al. 2015).</summary>
    public static PruningMethod Magnitude { get; } = new MagnitudePruning();

    /// <summary>Single weights at random: what any other method must beat.</summary>
    public static PruningMethod Random { get; } = new RandomPruning();

    /// <summary>Whole slices of a weight along a dim, those of the smallest norm (Li et al. 2017): rows of a linear layer, filters of a convolution.</summary>
    /// <param name="dim">The dim whose slices go together. Default 0: outputs.</param>
    /// <param name="norm">The norm's order, 1 or 2.</param>
    public static PruningMethod Structured(int dim = 0, int norm = 2)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(dim);
        ArgumentOutOfRangeException.ThrowIfLessThan(norm, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(norm, 2);
        return new StructuredPruning(dim, norm);
    }

    /// <summary>Whether slices go, which compete within a layer only; single weights may compete over all layers.</summary>
    internal virtual bool IsStructured => false;

    /// <summary>The dim whose slices go.</summary>
    internal virtual int Dim => 0;

    internal virtual int LeastDims => 1;

    /// <summary>Scores, 0 and above: of each element, or of each slice. Flat.</summary>
    /// <param name="weight">A weight; where single elements go, any part of one.</param>
    /// <param name="draws">Random numbers, one for each element; null where slices go.</param>
    internal abstract Tensor Scores(Tensor weight, RandomStream? draws);

    /// <summary>A mask of a weight from one for each slice.</summary>
    internal virtual Tensor Spread(Tensor kept, long[] shape) => throw new System.Diagnostics.UnreachableException();

    sealed record MagnitudePruning : PruningMethod
    {
        internal override Tensor Scores(Tensor weight, RandomStream? draws) => weight.abs().flatten();
    }

    sealed record RandomPruning : PruningMethod
    {
        // The same for an element wherever it lies.
        internal override Tensor Scores(Tensor weight, RandomStream? draws)
        {
            var scores = new double[weight.numel()];
            for (var i = 0; i < scores.Length; i++) scores[i] = draws!.NextUInt32();
            return tensor(scores, device: weight.device);
        }
    }

    sealed record StructuredPruning(int SliceDim, int Norm) : PruningMethod
    {
        internal override bool IsStructured => true;

        internal override int Dim => SliceDim;

        internal override int LeastDims => Math.Max(2, SliceDim + 1);

        internal override Tensor Scores(Tensor weight, RandomStream? draws)
        {
            var slices = weight.movedim([SliceDim], [0]).flatten(1);
            return Norm == 1 ? slices.abs().sum(1) : slices.square().sum(1).sqrt();
        }

        internal override Tensor Spread(Tensor kept, long[] shape)
        {
            var ofSlices = new long[shape.Length];
            Array.Fill(ofSlices, 1);
            ofSlices[SliceDim] = shape[SliceDim];
            return kept.reshape(ofSlices).expand(shape);
        }
    }
}
