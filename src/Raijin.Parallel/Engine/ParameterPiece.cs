using Raijin.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>The part of a parameter that lies in this rank's slice, as an optimizer updates it: flat, with its gradient.</summary>
sealed class ParameterPiece : IDisposable
{
    readonly Tensor _gradient;

    public ParameterPiece(ShardedParameter parameter, FlatPiece piece, Tensor shard, Tensor gradients)
    {
        using var none = no_grad();
        using var scope = NewDisposeScope();
        Owner = parameter;
        Start = piece.Start;
        Values = new Parameter(shard.narrow(0, piece.OffsetInSlice, piece.NumElements), requires_grad: true);
        Values.DetachFromDisposeScope();
        _gradient = gradients.narrow(0, piece.OffsetInSlice, piece.NumElements).DetachFromDisposeScope();
    }

    public ShardedParameter Owner { get; }

    /// <summary>Its first element, counted in the flattened parameter.</summary>
    public long Start { get; }

    /// <summary>[n], a view of the shard.</summary>
    public Parameter Values { get; }

    /// <summary>[n], a view of the reduced gradients.</summary>
    public Tensor Gradient => _gradient;

    /// <summary>Lets the optimizer see the gradient, or that there is none.</summary>
    public void Show(bool hasGradient)
    {
        if (hasGradient) GradientAccess.SetGradient(Values, _gradient);
        else GradientAccess.ClearGradient(Values);
    }

    public void Dispose()
    {
        Values.Dispose();
        _gradient.Dispose();
    }
}
