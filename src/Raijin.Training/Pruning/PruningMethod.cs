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

    /// <summary>Whether slices compete within a layer only; single weights may compete over all layers.</summary>
    internal virtual bool IsStructured => false;

    /// <summary>Scores, one for each thing that stays or goes: flat.</summary>
    internal abstract Tensor Scores(Tensor weight);

    /// <summary>A mask of the weight's shape from one for each score.</summary>
    internal abstract Tensor Spread(Tensor kept, Tensor weight);

    internal virtual int LeastDims => 1;

    sealed record MagnitudePruning : PruningMethod
    {
        internal override Tensor Scores(Tensor weight) => weight.abs().flatten();

        internal override Tensor Spread(Tensor kept, Tensor weight) => kept.reshape(weight.shape);
    }

    sealed record RandomPruning : PruningMethod
    {
        internal override Tensor Scores(Tensor weight) => rand(weight.numel(), device: weight.device);

        internal override Tensor Spread(Tensor kept, Tensor weight) => kept.reshape(weight.shape);
    }

    sealed record StructuredPruning(int Dim, int Norm) : PruningMethod
    {
        internal override bool IsStructured => true;

        internal override int LeastDims => Math.Max(2, Dim + 1);

        internal override Tensor Scores(Tensor weight)
        {
            var slices = weight.movedim([Dim], [0]).flatten(1);
            return Norm == 1 ? slices.abs().sum(1) : slices.square().sum(1).sqrt();
        }

        internal override Tensor Spread(Tensor kept, Tensor weight)
        {
            var shape = new long[weight.dim()];
            Array.Fill(shape, 1);
            shape[Dim] = weight.shape[Dim];
            return kept.reshape(shape).expand_as(weight);
        }
    }
}
