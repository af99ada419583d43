// A state that concatenates grows by doubling: n rows in any number of appends cost O(n) copies and O(log n) allocations.

using System.Diagnostics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>One accumulated tensor of a metric. It outlives every step scope and lives on the device of what the metric is fed.</summary>
public sealed class MetricState : IDisposable
{
    const long FirstCapacity = 64;

    readonly Tensor _initial;
    readonly Func<Tensor, Tensor, Tensor>? _combine;
    Tensor _storage;
    Tensor? _filled;
    long _rows;

    internal MetricState(string name, Reduction reduction, Tensor initial, Func<Tensor, Tensor, Tensor>? combine)
    {
        if (reduction == Reduction.Custom != combine is not null)
            throw new ArgumentException($"The state {name} is reduced by {reduction}: a combining function belongs to Reduction.Custom, and to it only.", nameof(combine));
        if (reduction == Reduction.Concatenate && (initial.dim() == 0 || initial.shape[0] != 0))
            throw new ArgumentException($"The state {name} concatenates: its initial value has the shape [0, ...], not {ShapeText.Of(initial)}.", nameof(initial));
        Name = name;
        Reduction = reduction;
        _combine = combine;
        _initial = initial.DetachFromDisposeScope();
        _storage = Fresh();
    }

    /// <summary>Its name within the metric.</summary>
    public string Name { get; }

    /// <summary>How two values of it become one.</summary>
    public Reduction Reduction { get; }

    /// <summary>The type of its elements.</summary>
    public ScalarType DType => _initial.dtype;

    /// <summary>The value now; borrowed, valid until the state changes.</summary>
    public Tensor Value => Reduction == Reduction.Concatenate ? _filled ??= _storage.narrow(0, 0, _rows).DetachFromDisposeScope() : _storage;

    /// <summary>Rows of a state that concatenates; else 0.</summary>
    public long Rows => _rows;

    /// <summary>How many rows a state that concatenates holds before it must grow: an accumulation that can do with fewer rows makes them fewer then.</summary>
    internal long Capacity => Reduction == Reduction.Concatenate ? HostTensor.Sizes(_storage)[0] : 0;

    /// <summary>Replaces the value: <c>state.Set(state.Value + x)</c>. The tensor is taken over, the old one freed.</summary>
    public void Set(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (ReferenceEquals(value, _storage)) return;
        var (old, view) = (_storage, _filled);
        _storage = value.DetachFromDisposeScope();
        _filled = null;
        _rows = Reduction == Reduction.Concatenate ? value.shape[0] : 0;
        view?.Dispose();
        old.Dispose();
    }

    /// <summary>Appends rows to a state that concatenates. No value is read back.</summary>
    /// <param name="rows">[n, ...] with the state's further dimensions, any dtype that converts; borrowed, copied.</param>
    public void Append(Tensor rows)
    {
        Debug.Assert(Reduction == Reduction.Concatenate);
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var count = rows.shape[0];
        Reserve(count);
        _storage.narrow(0, _rows, count).copy_(rows.detach());
        Grow(count);
    }

    /// <summary>Appends values to a state that concatenates and lies on the host.</summary>
    /// <param name="values">Whole rows, row-major, of the state's dtype; copied.</param>
    public void Append<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        Debug.Assert(Reduction == Reduction.Concatenate);
        var width = RowElements();
        Debug.Assert(values.Length % width == 0);
        Reserve(values.Length / width);
        if (!HostTensor.TryOpen(_storage, out var memory)) throw new UnreachableException("A state written by a kernel of the host lies on the host.");
        using (memory) values.CopyTo(memory.Slice<T>(_rows * width, values.Length));
        Grow(values.Length / width);
    }

    /// <summary>The value's elements, writable, row-major, of a state that lies on the host. Valid until the state changes its size or its device.</summary>
    public Span<T> Span<T>()
        where T : unmanaged
    {
        if (!HostTensor.TryOpen(_storage, out var memory)) throw new UnreachableException("A state read by a kernel of the host lies on the host.");
        using (memory) return Reduction == Reduction.Concatenate ? memory.Slice<T>(0, checked((int)(_rows * RowElements()))) : memory.Span<T>();
    }

    /// <summary>A copy of the value on the host, flattened. Waits for the state's device.</summary>
    public T[] ToArray<T>()
        where T : unmanaged
    {
        if (HostTensor.TryOpen(Value, out var memory))
            using (memory) return memory.Span<T>().ToArray();
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        // TorchSharp's own accessor refuses an empty tensor.
        return HostTensor.TryOpen(Value.cpu().contiguous(), out memory) ? memory.Span<T>().ToArray() : throw new UnreachableException();
    }

    internal void MoveTo(Tensor anchor)
    {
        if (_storage.device_type == anchor.device_type && _storage.device_index == anchor.device_index) return;
        MoveTo(anchor.device);
    }

    internal void MoveTo(Device device)
    {
        if (_storage.device_type == device.type && _storage.device_index == device.index) return;
        var rows = _rows;
        Set(_storage.to(device));
        if (Reduction == Reduction.Concatenate) _rows = rows;
    }

    internal bool IsLike(MetricState other) =>
        Name == other.Name && Reduction == other.Reduction && DType == other.DType && HostTensor.Sizes(_initial).SequenceEqual(HostTensor.Sizes(other._initial));

    internal void Reset() => Set(Fresh());

    internal void Load(Tensor saved)
    {
        var value = Value;
        var sameShape = Reduction == Reduction.Concatenate
            ? saved.dim() == value.dim() && saved.shape.AsSpan(1).SequenceEqual(value.shape.AsSpan(1))
            : saved.shape.AsSpan().SequenceEqual(value.shape);
        if (saved.dtype != value.dtype || !sameShape)
            ShapeMismatchException.Throw(Name, ShapeText.Of(value), ShapeText.Of(saved));
        using var scope = NewDisposeScope();
        Set(saved.to(_storage.device).clone());
    }

    internal void Merge(Tensor other, double weight, double otherWeight)
    {
        if (Reduction == Reduction.Concatenate)
        {
            Append(other);
            return;
        }
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        Set(Combine(_storage, other.to(_storage.device), weight, otherWeight));
    }

    /// <summary>a and b as one; a new tensor. Not for states that concatenate.</summary>
    internal Tensor Combine(Tensor a, Tensor b, double weight, double otherWeight) => Reduction switch
    {
        Reduction.Sum => a + b,
        Reduction.Mean => weight + otherWeight == 0 ? a.clone() : (a * weight + b * otherWeight) / (weight + otherWeight),
        Reduction.Min => minimum(a, b),
        Reduction.Max => maximum(a, b),
        Reduction.Custom => _combine!(a, b),
        _ => throw new UnreachableException(),
    };

    /// <summary>What a state held while another value stands in its place.</summary>
    internal readonly record struct Held(Tensor Storage, long Rows);

    /// <summary>Puts another value in this one's place, which is kept for <see cref="PutBack"/>. The new one is taken over.</summary>
    internal Held Exchange(Tensor value)
    {
        var held = new Held(_storage, _rows);
        Forget();
        _storage = value.DetachFromDisposeScope();
        _rows = Reduction == Reduction.Concatenate ? value.shape[0] : 0;
        return held;
    }

    internal void PutBack(Held held)
    {
        Forget();
        _storage.Dispose();
        (_storage, _rows) = (held.Storage, held.Rows);
    }

    Tensor Fresh() => _initial.clone().DetachFromDisposeScope();

    long RowElements()
    {
        long elements = 1;
        foreach (var size in HostTensor.Sizes(_storage)[1..]) elements *= size;
        return elements;
    }

    void Reserve(long rows)
    {
        var sizes = HostTensor.Sizes(_storage);
        if (_rows + rows <= sizes[0]) return;
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var capacity = sizes.ToArray();
        capacity[0] = Math.Max(Math.Max(FirstCapacity, 2 * sizes[0]), _rows + rows);
        var (kept, larger) = (_rows, empty(capacity, _storage.dtype, _storage.device));
        larger.narrow(0, 0, kept).copy_(_storage.narrow(0, 0, kept));
        Set(larger);
        _rows = kept;
    }

    void Grow(long rows)
    {
        _rows += rows;
        Forget();
    }

    void Forget()
    {
        _filled?.Dispose();
        _filled = null;
    }

    /// <summary>Frees the value.</summary>
    public void Dispose()
    {
        _filled?.Dispose();
        _storage.Dispose();
        _initial.Dispose();
    }
}
