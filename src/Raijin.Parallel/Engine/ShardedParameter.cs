using Raijin.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>One parameter of the user's module and where its values lie. Where parameters are divided, the module's box refers to a tensor of the meta device while nobody holds the values.</summary>
sealed class ShardedParameter : IDisposable
{
    readonly Tensor? _released;

    /// <summary>Takes a parameter over.</summary>
    /// <param name="name">Its name in the model.</param>
    /// <param name="parameter">The module's; its box stays the same for good.</param>
    /// <param name="isDivided">Whether its values come and go.</param>
    /// <param name="device">Where its values lie when they are there.</param>
    public ShardedParameter(string name, Parameter parameter, bool isDivided, Device device)
    {
        using var none = no_grad();
        Name = name;
        Parameter = parameter;
        Shape = parameter.shape;
        DType = parameter.dtype;
        IsTrainable = parameter.requires_grad;
        if (parameter.device_type == TorchSharp.DeviceType.META)
        {
            // It never had values: a leaf of the same shape takes its place, with memory to be given to it.
            WasMeta = true;
            Real = empty(Shape, DType, device).requires_grad_(IsTrainable).DetachFromDisposeScope();
            if (isDivided) _released = TensorBox.Alias(parameter);
            TensorBox.Point(parameter, Real);
        }
        else
        {
            Real = TensorBox.Alias(parameter);
            if (isDivided) _released = empty(Shape, DType, META).requires_grad_(IsTrainable).DetachFromDisposeScope();
        }
    }

    public string Name { get; }

    /// <summary>The module's own wrapper.</summary>
    public Parameter Parameter { get; }

    /// <summary>The leaf that takes part in computation, whatever the module's box refers to.</summary>
    public Tensor Real { get; }

    public long[] Shape { get; }

    public ScalarType DType { get; }

    public bool IsTrainable { get; }

    /// <summary>Whether it had no values when it was taken over.</summary>
    public bool WasMeta { get; }

    /// <summary>Which it is among all of the model.</summary>
    public int Index { get; set; }

    /// <summary>The buffer it lies in, and where.</summary>
    public FlatBuffer Buffer { get; private set; } = null!;

    public int Entry { get; private set; }

    /// <summary>This rank's part of it, where it has one and an optimizer trains it.</summary>
    public ParameterPiece? Piece { get; set; }

    public void Place(FlatBuffer buffer, int entry) => (Buffer, Entry) = (buffer, entry);

    /// <summary>Lets the module see the values.</summary>
    public void Show()
    {
        if (_released is not null) Exchange(Real);
    }

    /// <summary>Lets the module see that the values are not here.</summary>
    public void Hide()
    {
        if (_released is not null) Exchange(_released);
    }

    // What is frozen or thawed while the values are away, or there, is so afterwards too.
    void Exchange(Tensor other)
    {
        var wantsGradient = Parameter.requires_grad;
        if (other.requires_grad != wantsGradient) other.requires_grad = wantsGradient;
        TensorBox.Point(Parameter, other);
    }

    public void Dispose()
    {
        Real.Dispose();
        _released?.Dispose();
    }
}
