using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>How two values of a state become one. The names are those of the collectives that do it over ranks.</summary>
public enum Reduction
{
    /// <summary>a + b.</summary>
    Sum,

    /// <summary>The mean of a and b, weighted by how many updates each holds.</summary>
    Mean,

    /// <summary>The smaller, elementwise.</summary>
    Min,

    /// <summary>The larger, elementwise.</summary>
    Max,

    /// <summary>a followed by b along dim 0; starts empty.</summary>
    Concatenate,
}

/// <summary>One accumulated tensor of a metric. It outlives every step scope and lives on the device of what the metric is fed.</summary>
public sealed class MetricState : IDisposable
{
    readonly Tensor _initial;

    internal MetricState(string name, Reduction reduction, Tensor initial)
    {
        Name = name;
        Reduction = reduction;
        _initial = initial.DetachFromDisposeScope();
        Value = Fresh();
    }

    /// <summary>Its name within the metric.</summary>
    public string Name { get; }

    /// <summary>How two values of it become one.</summary>
    public Reduction Reduction { get; }

    /// <summary>The value now; borrowed.</summary>
    public Tensor Value { get; private set; }

    /// <summary>Replaces the value: <c>state.Set(state.Value + x)</c>. The tensor is taken over, the old one freed.</summary>
    public void Set(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (ReferenceEquals(value, Value)) return;
        var old = Value;
        Value = value.DetachFromDisposeScope();
        old.Dispose();
    }

    internal void MoveTo(Device device)
    {
        if (Value.device_type == device.type && Value.device_index == device.index) return;
        Set(Value.to(device));
    }

    internal void Reset() => Set(Fresh());

    internal void Load(Tensor saved)
    {
        var sameShape = Reduction == Reduction.Concatenate
            ? saved.dim() == Value.dim() && saved.shape.AsSpan(1).SequenceEqual(Value.shape.AsSpan(1))
            : saved.shape.AsSpan().SequenceEqual(Value.shape);
        if (saved.dtype != Value.dtype || !sameShape)
            ShapeMismatchException.Throw(Name, $"[{string.Join(", ", Value.shape)}] {Value.dtype}", $"[{string.Join(", ", saved.shape)}] {saved.dtype}");
        using var scope = NewDisposeScope();
        Set(saved.to(Value.device).clone());
    }

    internal void Merge(Tensor other, double weight, double otherWeight)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var right = other.to(Value.device);
        Set(Reduction switch
        {
            Reduction.Sum => Value + right,
            Reduction.Mean => weight + otherWeight == 0 ? Value.clone() : (Value * weight + right * otherWeight) / (weight + otherWeight),
            Reduction.Min => minimum(Value, right),
            Reduction.Max => maximum(Value, right),
            Reduction.Concatenate => cat([Value, right], 0),
            _ => throw new System.Diagnostics.UnreachableException(),
        });
    }

    Tensor Fresh() => _initial.clone().DetachFromDisposeScope();

    /// <summary>Frees the value.</summary>
    public void Dispose()
    {
        Value.Dispose();
        _initial.Dispose();
    }
}
