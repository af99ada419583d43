using static TorchSharp.torch;

namespace Raijin.Tensors;

// What a pickle is made of here, besides null, bool, long, BigInteger, double, string and byte[]. Values may be shared, and a list, a dictionary or an object may hold itself:
// whoever walks them bounds its depth and its steps.

/// <summary>A list.</summary>
public sealed class PickleList
{
    internal PickleList(List<object?> items) => Values = items;

    /// <summary>Its items.</summary>
    public IReadOnlyList<object?> Items => Values;

    internal List<object?> Values { get; }
}

/// <summary>A tuple, or a <c>torch.Size</c>.</summary>
/// <param name="Items">Its items.</param>
public sealed record PickleTuple(IReadOnlyList<object?> Items);

/// <summary>A set or frozen set; equal items are not merged.</summary>
public sealed class PickleSet
{
    internal PickleSet(List<object?> items) => Values = items;

    /// <summary>Its items.</summary>
    public IReadOnlyList<object?> Items => Values;

    internal List<object?> Values { get; }
}

/// <summary>A dictionary or <c>OrderedDict</c>, in the order of insertion.</summary>
public sealed class PickleDict
{
    readonly List<KeyValuePair<object?, object?>> _entries = [];
    Dictionary<object, int>? _places;

    /// <summary>Keys and values.</summary>
    public IReadOnlyList<KeyValuePair<object?, object?>> Entries => _entries;

    /// <summary>What was set on the dictionary as an object, such as a state_dict's <c>_metadata</c>; null when nothing was.</summary>
    public object? Attributes { get; internal set; }

    /// <summary>The value under a text or number; null when there is none, or it is None.</summary>
    public object? this[object key] => _places is not null && _places.TryGetValue(key, out var place) ? _entries[place].Value : null;

    /// <summary>Whether there is a value under a text or number.</summary>
    public bool Contains(object key) => _places?.ContainsKey(key) == true;

    internal void Set(object? key, object? value)
    {
        // Only keys that compare cheaply are found again; tuples and objects are kept as they come.
        if (key is not (string or long))
        {
            _entries.Add(new(key, value));
            return;
        }

        _places ??= new(MixedKeys.Instance);
        if (_places.TryAdd(key, _entries.Count)) _entries.Add(new(key, value));
        else _entries[_places[key]] = new(key, value);
    }

    /// <summary>Hashes with a secret of the process, numbers too: a file can't choose keys that collide.</summary>
    sealed class MixedKeys : IEqualityComparer<object>
    {
        public static MixedKeys Instance { get; } = new();

        public new bool Equals(object? x, object? y) => object.Equals(x, y);

        public int GetHashCode(object key) => key is long number ? HashCode.Combine((int)number, (int)(number >> 32)) : key.GetHashCode();
    }
}

/// <summary>A name of a module: a class, a function or a constant (<c>torch.float32</c>). Only a name: nothing is looked up.</summary>
/// <param name="Module">The module.</param>
/// <param name="Name">The name in it.</param>
public sealed record PickleGlobal(string Module, string Name)
{
    /// <summary>Such as <c>argparse.Namespace</c>.</summary>
    public override string ToString() => $"{Module}.{Name}";
}

/// <summary>An object of a class that is not known here, or the result of a function that was not called: its parts as plain data.</summary>
public sealed class PickleObject
{
    internal PickleObject(object callable, IReadOnlyList<object?> arguments, object? keywords = null)
    {
        Callable = callable;
        Arguments = arguments;
        Keywords = keywords;
    }

    /// <summary>What would have made it: a <see cref="PickleGlobal"/>, or another such object.</summary>
    public object Callable { get; }

    /// <summary>What it would have been made from.</summary>
    public IReadOnlyList<object?> Arguments { get; }

    /// <summary>What it would have been made from by name.</summary>
    public object? Keywords { get; }

    /// <summary>Its attributes: mostly a <see cref="PickleDict"/>; null when none were set.</summary>
    public object? State { get; internal set; }

    /// <summary>What was appended to it.</summary>
    public IReadOnlyList<object?> Items => Appended is null ? [] : Appended;

    /// <summary>What was set in it by key.</summary>
    public PickleDict? Entries { get; internal set; }

    /// <summary>The class or function, as <c>argparse.Namespace</c>.</summary>
    public string TypeName => Callable.ToString()!;

    internal List<object?>? Appended { get; set; }

    /// <summary>An attribute; null when there is none, or it is None.</summary>
    public object? this[string name] => (State as PickleDict)?[name];

    /// <inheritdoc/>
    public override string ToString() => $"{(Callable is PickleObject ? "…" : TypeName)}(…)";
}

/// <summary>Where the elements of tensors are.</summary>
/// <param name="Key">Its name in the file.</param>
/// <param name="Type">Element type; null for plain bytes, whose tensors say their own.</param>
/// <param name="NumElements">How many elements, or bytes.</param>
public sealed record PickleStorage(string Key, ScalarType? Type, long NumElements);

/// <summary>A tensor: a view of a storage, checked to lie inside it. <see cref="TorchFile.Load"/> makes a tensor of it.</summary>
public sealed class PickleTensor
{
    internal PickleTensor(PickleStorage storage, ScalarType type, long offset, long[] shape, long[] strides, bool requiresGrad)
    {
        Storage = storage;
        Type = type;
        Offset = offset;
        Shape = shape;
        Strides = strides;
        RequiresGrad = requiresGrad;
    }

    /// <summary>Whose elements it shows; tensors that are tied share it.</summary>
    public PickleStorage Storage { get; }

    /// <summary>Element type.</summary>
    public ScalarType Type { get; }

    /// <summary>The element of the storage it begins at.</summary>
    public long Offset { get; }

    /// <summary>Its dimensions.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Elements of the storage between neighbours, by dimension.</summary>
    public IReadOnlyList<long> Strides { get; }

    /// <summary>Whether it was a parameter.</summary>
    public bool RequiresGrad { get; }

    /// <summary>How many elements.</summary>
    public long NumElements => Shape.Aggregate(1L, static (product, size) => product * size);

    /// <summary>Whether its elements lie row-major without gaps.</summary>
    public bool IsContiguous
    {
        get
        {
            var expected = 1L;
            for (var i = Shape.Count - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != expected) return false;
                expected *= Math.Max(Shape[i], 1);
            }

            return true;
        }
    }

    /// <summary>Such as <c>[64, 784] Float32</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", Shape)}] {Type}";
}
