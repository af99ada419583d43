using System.Diagnostics.CodeAnalysis;
using System.Text;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>What a pickle may make: tensors and plain containers, by the names of their constructors. Anything else is recorded, never called.</summary>
/// <param name="limits">How much it may ask for.</param>
/// <param name="persistent">What stands for what the file keeps outside the pickle.</param>
/// <param name="refuse">Throws, saying where.</param>
sealed class PickleBuilder(PickleLimits limits, Func<object?, object> persistent, Action<string> refuse)
{
    const int MaxDimensions = 64;
    const int ReferenceBytes = 16;

    long _copied;

    public object Persistent(object? id) => persistent(id);

    /// <summary>The value that a callable and its arguments stand for.</summary>
    public object Make(object callable, IReadOnlyList<object?> arguments)
    {
        if (callable is not PickleGlobal { Module: var module, Name: var name }) return new PickleObject(callable, arguments);
        return (module, name, arguments) switch
        {
            ("collections", "OrderedDict", []) => new PickleDict(),
            ("collections", "OrderedDict", [PickleList pairs]) => DictOf(pairs),
            ("torch", "Size", [PickleTuple sizes]) => sizes,
            ("builtins" or "__builtin__", "set" or "frozenset", [PickleList items]) => SetOf(items),
            ("builtins" or "__builtin__", "set" or "frozenset", []) => new PickleSet([]),
            ("_codecs", "encode", [string text, "latin1" or "latin-1"]) => Bytes(text),
            ("builtins" or "__builtin__", "bytes", []) => Array.Empty<byte>(),
            ("builtins" or "__builtin__", "bytearray", [string text, "latin1" or "latin-1"]) => Bytes(text),
            ("builtins" or "__builtin__", "bytearray", [byte[] bytes]) => bytes,
            ("torch._utils", "_rebuild_tensor", [PickleStorage storage, long offset, PickleTuple shape, PickleTuple strides]) => Tensor(storage, null, offset, shape, strides, false),
            ("torch._utils", "_rebuild_tensor_v2", [PickleStorage storage, long offset, PickleTuple shape, PickleTuple strides, bool grad, ..]) => Tensor(storage, null, offset, shape, strides, grad),
            ("torch._utils", "_rebuild_tensor_v3", [PickleStorage storage, long offset, PickleTuple shape, PickleTuple strides, bool grad, _, PickleGlobal type, ..]) =>
                Tensor(storage, type, offset, shape, strides, grad),
            ("torch._utils", "_rebuild_parameter" or "_rebuild_parameter_with_state", [PickleTensor tensor, bool grad, ..]) =>
                new PickleTensor(tensor.Storage, tensor.Type, tensor.Offset, [.. tensor.Shape], [.. tensor.Strides], grad),
            // A tensor with attributes of its own: how it is made, what class it would have got, from what, and the attributes.
            ("torch._tensor", "_rebuild_from_type_v2", [PickleGlobal { Module: "torch._utils" } how, PickleGlobal, PickleTuple from, ..]) => Make(how, from.Items),
            ("torch._utils", _, _) => Refuse($"it makes a tensor by {PickleText.Shorten(callable.ToString()!)} from arguments of other kinds than it takes; quantized, sparse and other special tensors are not read."),
            _ => new PickleObject(callable, arguments),
        };
    }

    /// <summary>The element type of a storage's class: none for plain bytes.</summary>
    public static bool TryStorageType(PickleGlobal storage, out ScalarType? type)
    {
        type = storage.Name switch
        {
            "FloatStorage" => ScalarType.Float32,
            "DoubleStorage" => ScalarType.Float64,
            "HalfStorage" => ScalarType.Float16,
            "BFloat16Storage" => ScalarType.BFloat16,
            "LongStorage" => ScalarType.Int64,
            "IntStorage" => ScalarType.Int32,
            "ShortStorage" => ScalarType.Int16,
            "CharStorage" => ScalarType.Int8,
            "ByteStorage" => ScalarType.Byte,
            "BoolStorage" => ScalarType.Bool,
            "ComplexFloatStorage" => ScalarType.ComplexFloat32,
            "ComplexDoubleStorage" => ScalarType.ComplexFloat64,
            _ => null,
        };
        return storage.Module is "torch" or "torch.storage" or "torch.cuda" && (type is not null || storage.Name is "UntypedStorage" or "_UntypedStorage");
    }

    public static int ElementBytes(ScalarType? type) => type switch
    {
        null or ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool => 1,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        ScalarType.ComplexFloat64 => 16,
        _ => 8,
    };

    PickleTensor Tensor(PickleStorage storage, PickleGlobal? dtype, long offset, PickleTuple shape, PickleTuple strides, bool requiresGrad)
    {
        var type = storage.Type ?? TypeNamed(dtype);
        var sizes = Numbers(shape);
        var steps = Numbers(strides);
        if (sizes.Length != steps.Length) Refuse($"a tensor of {sizes.Length} dimensions has {steps.Length} strides.");
        var available = storage.NumElements * ElementBytes(storage.Type) / ElementBytes(type);
        if (offset < 0 || offset > available) Refuse($"a tensor begins at element {offset} of a storage of {available}.");

        // The last element, and how many there are, in numbers that can't overflow: a product is checked before the next factor.
        Int128 last = offset, count = 1;
        var isEmpty = sizes.Contains(0);
        foreach (var (size, step) in sizes.Zip(steps))
        {
            if (size < 0 || step < 0) Refuse($"a tensor has the shape [{string.Join(", ", sizes)}] and the strides [{string.Join(", ", steps)}]: none may be negative.");
            if (size > 0) last += (Int128)(size - 1) * step;
            count *= Math.Max(size, 1);
            if (count > long.MaxValue / 16 || last > long.MaxValue) Refuse($"a tensor [{string.Join(", ", sizes)}] is larger than any file.");
        }

        if (!isEmpty && last >= available) Refuse($"a tensor [{string.Join(", ", sizes)}] with strides [{string.Join(", ", steps)}] from {offset} reaches element {last} of a storage of {available}.");
        if (!isEmpty && count > available && count * ElementBytes(type) > limits.MaxExpandedBytes)
            Refuse($"a tensor [{string.Join(", ", sizes)}] shows the {available} elements of its storage as {count}: that is more than {limits.MaxExpandedBytes} bytes.");
        return new PickleTensor(storage, type, offset, sizes, steps, requiresGrad);
    }

    ScalarType TypeNamed(PickleGlobal? dtype) => dtype switch
    {
        { Module: "torch", Name: "float32" } => ScalarType.Float32,
        { Module: "torch", Name: "float64" } => ScalarType.Float64,
        { Module: "torch", Name: "float16" } => ScalarType.Float16,
        { Module: "torch", Name: "bfloat16" } => ScalarType.BFloat16,
        { Module: "torch", Name: "int64" } => ScalarType.Int64,
        { Module: "torch", Name: "int32" } => ScalarType.Int32,
        { Module: "torch", Name: "int16" } => ScalarType.Int16,
        { Module: "torch", Name: "int8" } => ScalarType.Int8,
        { Module: "torch", Name: "uint8" } => ScalarType.Byte,
        { Module: "torch", Name: "bool" } => ScalarType.Bool,
        _ => (ScalarType)Refuse($"a tensor of plain bytes has the type {(dtype is null ? "none" : PickleText.Shorten(dtype.ToString()))}, which has no counterpart here."),
    };

    long[] Numbers(PickleTuple tuple)
    {
        if (tuple.Items.Count > MaxDimensions) Refuse($"a tensor has {tuple.Items.Count} dimensions or strides; at most {MaxDimensions} are read.");
        var numbers = new long[tuple.Items.Count];
        for (var i = 0; i < numbers.Length; i++) numbers[i] = tuple.Items[i] is long number ? number : (long)Refuse("a tensor's shape or strides hold something else than whole numbers.");
        return numbers;
    }

    PickleSet SetOf(PickleList items)
    {
        Spend(items.Items.Count * (long)ReferenceBytes);
        return new PickleSet([.. items.Items]);
    }

    PickleDict DictOf(PickleList pairs)
    {
        Spend(pairs.Items.Count * 2L * ReferenceBytes);
        var dict = new PickleDict();
        foreach (var pair in pairs.Items)
        {
            if (pair is PickleTuple { Items: [var key, var value] }) dict.Set(key, value);
            else if (pair is PickleList { Items: [var first, var second] }) dict.Set(first, second);
            else Refuse("a dictionary is made of something else than pairs.");
        }

        return dict;
    }

    byte[] Bytes(string text)
    {
        Spend(text.Length);
        if (text.AsSpan().ContainsAnyExceptInRange('\0', 'ÿ')) Refuse("bytes are written as a text that has other characters.");
        return Encoding.Latin1.GetBytes(text);
    }

    // A few bytes of pickle can ask for a copy of a large value that is already there, again and again.
    void Spend(long bytes)
    {
        _copied += bytes;
        if (_copied > limits.MaxBytes) Refuse($"it copies more than {limits.MaxBytes} bytes of its own values.");
    }

    [DoesNotReturn]
    object Refuse(string problem)
    {
        refuse(problem);
        throw new System.Diagnostics.UnreachableException();
    }
}
