using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// One call of an <see cref="AtenOp"/>: push the arguments in the signature's order, invoke, take the results. Allocates nothing managed.
/// <code>
/// using var call = new AtenCall(op, stackalloc ulong[op.NumSlots]);
/// call.Push(a); call.Push(b); call.Invoke();
/// return call.TakeTensor();
/// </code>
/// </summary>
/// <remarks>
/// Ownership: pushing a tensor counts a reference of our own, so its wrapper may be freed right after; invoking hands the arguments to libtorch,
/// whether the op succeeds or fails; a result taken is the caller's. Dispose frees the rest: arguments never invoked, results never taken.
/// </remarks>
public unsafe ref struct AtenCall : IDisposable
{
    // Native allocations of ours end in libtorch's `delete` and its in ours: both are malloc and free on every platform bound.
    readonly AtenOp _op;
    readonly AtenSchema _schema;
    readonly Span<ulong> _slots;
    readonly int _logStart;
    int _pushed;
    int _results;
    ulong _taken;

    /// <summary>Begins a call.</summary>
    /// <param name="op">The op.</param>
    /// <param name="slots">Working memory of at least <see cref="AtenOp.NumSlots"/> words, on the caller's stack.</param>
    /// <exception cref="ArgumentException"><paramref name="slots"/> is too short.</exception>
    public AtenCall(AtenOp op, Span<ulong> slots)
    {
        ArgumentNullException.ThrowIfNull(op);
        _op = op;
        _schema = op.Schema;
        if (slots.Length < _schema.NumSlots) throw new ArgumentException($"{op} needs {_schema.NumSlots} slots, {slots.Length} were given.", nameof(slots));
        _slots = slots;
        _logStart = ArgumentLog.Count;
    }

    /// <summary>Pushes a tensor; null is the absence of an optional one.</summary>
    /// <param name="tensor">Borrowed.</param>
    /// <exception cref="ObjectDisposedException">The tensor was freed; the message names the argument.</exception>
    /// <exception cref="ArgumentException">The signature has no tensor here.</exception>
    public void Push(Tensor? tensor)
    {
        if (tensor is null)
        {
            PushNone();
            return;
        }
        var argument = Expect(AtenKind.Tensor, isList: false);
        var handle = NewHandle(tensor, argument.Name, -1);
        ArgumentLog.Add(tensor, _pushed, 1);
        Append(argument, (ulong)handle);
    }

    /// <summary>Pushes a list of tensors; null items are allowed where the signature says <c>Tensor?[]</c>.</summary>
    /// <param name="tensors">Borrowed.</param>
    /// <inheritdoc cref="Push(Tensor?)"/>
    public void Push(scoped ReadOnlySpan<Tensor> tensors)
    {
        var argument = Expect(AtenKind.Tensor, isList: true);
        var list = NewList(tensors.Length);
        for (var i = 0; i < tensors.Length; i++)
        {
            // Checked before the handle is made: a refused item must not leave the list behind.
            if (Refusal(tensors[i], argument, i) is { } refusal)
            {
                DeleteList(list, argument.Type);
                throw refusal;
            }
            var handle = tensors[i] is null ? 0 : (ulong)NewHandle(tensors[i], argument.Name, i);
            StableAbi.ListAdd(list, argument.Type.HasOptionalItems && handle != 0 ? Box(handle) : handle);
            if (i < ArgumentLog.ItemsOfAList && tensors[i] is not null) ArgumentLog.Add(tensors[i], _pushed, tensors.Length);
        }
        Append(argument, (ulong)list);
    }

    /// <summary>Pushes an integer, or the number of a ScalarType, Layout or MemoryFormat; where the signature has a float, its value as one.</summary>
    /// <inheritdoc cref="Push(double)"/>
    public void Push(long value)
    {
        if (_pushed < _schema.Arguments.Length && _schema.Arguments[_pushed].Type.Kind == AtenKind.Float) Push((double)value);
        else Append(Expect(AtenKind.Int, isList: false), (ulong)value);
    }

    /// <summary>Pushes a float.</summary>
    /// <exception cref="ArgumentException">The signature has another type here.</exception>
    public void Push(double value) => Append(Expect(AtenKind.Float, isList: false), BitConverter.DoubleToUInt64Bits(value));

    /// <summary>Pushes a boolean.</summary>
    /// <inheritdoc cref="Push(double)"/>
    public void Push(bool value) => Append(Expect(AtenKind.Bool, isList: false), value ? 1UL : 0UL);

    /// <summary>Pushes a dtype.</summary>
    /// <inheritdoc cref="Push(double)"/>
    public void Push(ScalarType dtype) => Push((long)(sbyte)dtype);

    /// <summary>Pushes a device.</summary>
    /// <inheritdoc cref="Push(double)"/>
    public void Push(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        Append(Expect(AtenKind.Device, isList: false), ((ulong)(byte)device.type << 32) | (uint)device.index);
    }

    /// <summary>Pushes a string.</summary>
    /// <inheritdoc cref="Push(double)"/>
    public void Push(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var argument = Expect(AtenKind.String, isList: false);
        var bytes = Encoding.UTF8.GetBytes(value);
        nint handle;
        fixed (byte* text = bytes) StableAbi.NewString(text, (nuint)bytes.Length, &handle);
        Append(argument, (ulong)handle);
    }

    /// <summary>Pushes a list of integers.</summary>
    /// <inheritdoc cref="Push(double)"/>
    public void Push(scoped ReadOnlySpan<long> values)
    {
        var argument = Expect(AtenKind.Int, isList: true);
        var list = NewList(values.Length);
        foreach (var value in values) StableAbi.ListAdd(list, (ulong)value);
        Append(argument, (ulong)list);
    }

    /// <summary>Pushes a list of floats.</summary>
    /// <inheritdoc cref="Push(double)"/>
    public void Push(scoped ReadOnlySpan<double> values)
    {
        var argument = Expect(AtenKind.Float, isList: true);
        var list = NewList(values.Length);
        foreach (var value in values) StableAbi.ListAdd(list, BitConverter.DoubleToUInt64Bits(value));
        Append(argument, (ulong)list);
    }

    /// <summary>Pushes a list of booleans.</summary>
    /// <inheritdoc cref="Push(double)"/>
    public void Push(scoped ReadOnlySpan<bool> values)
    {
        var argument = Expect(AtenKind.Bool, isList: true);
        var list = NewList(values.Length);
        foreach (var value in values) StableAbi.ListAdd(list, value ? 1UL : 0UL);
        Append(argument, (ulong)list);
    }

    /// <summary>Pushes an integer, or none.</summary>
    /// <inheritdoc cref="Push(double)"/>
    public void Push(long? value)
    {
        if (value is { } given) Push(given);
        else PushNone();
    }

    /// <summary>Pushes a float, or none.</summary>
    /// <inheritdoc cref="Push(double)"/>
    public void Push(double? value)
    {
        if (value is { } given) Push(given);
        else PushNone();
    }

    /// <summary>Pushes the absence of an optional argument, of whatever type.</summary>
    /// <exception cref="ArgumentException">The argument is not optional.</exception>
    public void PushNone()
    {
        var argument = Next(null);
        if (!argument.Type.IsOptional) ThrowMismatch(argument, null);
        _slots[_pushed++] = 0;
    }

    /// <summary>Runs the op. Its arguments are spent afterwards, also when it fails.</summary>
    /// <exception cref="AtenException">libtorch refused or failed the op.</exception>
    /// <exception cref="InvalidOperationException">Arguments are missing.</exception>
    public void Invoke()
    {
        if (_pushed < _schema.Arguments.Length)
            throw new InvalidOperationException(
                $"{_op} takes {_schema.Arguments.Length} arguments, {_pushed} were pushed; the next is '{_schema.Arguments[_pushed]}'.");
        int failure;
        NativeErrorText.Current.Begin();
        fixed (ulong* slots = _slots) failure = StableAbi.CallDispatcher(_op.Name8, _op.Overload8, slots, StableAbi.Version);
        var reason = NativeErrorText.Current.End(failure != 0);
        _pushed = 0;
        if (failure != 0) throw new AtenException(_op.ToString(), reason, DescribeArguments());
        _results = _schema.Returns.Length;
    }

    /// <summary>Takes a result; the caller owns it (or the open dispose scope does).</summary>
    /// <param name="index">Which of the op's results.</param>
    /// <exception cref="InvalidOperationException">There is no such result, it is of another type, undefined, or was taken before.</exception>
    public Tensor TakeTensor(int index = 0) =>
        Wrap(Take(index, new AtenType(AtenKind.Tensor))) ?? throw new InvalidOperationException($"Result {index} of {_op} is an undefined tensor.");

    /// <summary>Takes a list of tensors; the caller owns each (or the open dispose scope does).</summary>
    /// <inheritdoc cref="TakeTensor"/>
    public Tensor[] TakeTensors(int index = 0)
    {
        var list = (nint)Take(index, new AtenType(AtenKind.Tensor, IsList: true));
        var tensors = new Tensor[ListCount(list)];
        for (var i = 0; i < tensors.Length; i++) tensors[i] = Wrap(ListGet(list, i))!;
        StableAbi.DeleteList(list);
        return tensors;
    }

    /// <summary>Takes an integer.</summary>
    /// <inheritdoc cref="TakeTensor"/>
    public long TakeInt(int index = 0) => (long)Take(index, new AtenType(AtenKind.Int));

    /// <summary>Takes a float.</summary>
    /// <inheritdoc cref="TakeTensor"/>
    public double TakeDouble(int index = 0) => BitConverter.UInt64BitsToDouble(Take(index, new AtenType(AtenKind.Float)));

    /// <summary>Takes a boolean.</summary>
    /// <inheritdoc cref="TakeTensor"/>
    public bool TakeBool(int index = 0) => (byte)Take(index, new AtenType(AtenKind.Bool)) != 0;

    /// <summary>Frees the arguments that were never invoked and the results that were never taken.</summary>
    public void Dispose()
    {
        for (var i = 0; i < _pushed; i++) Free(_slots[i], _schema.Arguments[i].Type);
        for (var i = 0; i < _results; i++)
            if ((_taken & (1UL << i)) == 0) Free(_slots[i], _schema.Returns[i]);
        _pushed = _results = 0;
        ArgumentLog.CutBack(_logStart);
    }

    readonly AtenArgument Next(AtenType? given)
    {
        if (_results > 0) throw new InvalidOperationException($"This call of {_op} was already invoked.");
        if (_pushed >= _schema.Arguments.Length)
            throw new ArgumentException($"{_op} takes {_schema.Arguments.Length} arguments ({string.Join(", ", _schema.Arguments)}); one more, {Notation(given)}, was pushed.");
        return _schema.Arguments[_pushed];
    }

    readonly AtenArgument Expect(AtenKind kind, bool isList)
    {
        var given = new AtenType(kind, IsList: isList);
        var argument = Next(given);
        if (argument.Type.Kind != kind || argument.Type.IsList != isList) ThrowMismatch(argument, given);
        return argument;
    }

    [DoesNotReturn]
    readonly void ThrowMismatch(AtenArgument argument, AtenType? given) => throw new ArgumentException(
        argument.Type.Kind == AtenKind.Scalar
            ? $"Argument {_pushed} of {_op}, '{argument}', is a Scalar, which the C ABI of libtorch 2.10 cannot carry: use the overload that takes a tensor, or TorchSharp's own."
            : $"Argument {_pushed} of {_op} is '{argument}'; {Notation(given)} was pushed.");

    static string Notation(AtenType? given) => given?.ToString() ?? "none";

    void Append(AtenArgument argument, ulong value) => _slots[_pushed++] = argument.Type.IsOptional ? Box(value) : value;

    static ulong Box(ulong value)
    {
        var box = (ulong*)NativeMemory.Alloc(sizeof(ulong));
        *box = value;
        return (ulong)box;
    }

    readonly Exception? Refusal(Tensor? tensor, AtenArgument argument, int index) =>
        tensor is null
            ? argument.Type.HasOptionalItems ? null : new ArgumentNullException($"{argument.Name}[{index}]")
            : tensor.IsInvalid ? Disposed(argument.Name, index) : null;

    readonly ObjectDisposedException Disposed(string name, int index) =>
        new(index < 0 ? name : $"{name}[{index}]", $"An argument of {_op} was freed before the call. {TensorGuard.UseAfterFreeRemedy}");

    readonly nint NewHandle(Tensor tensor, string name, int index)
    {
        if (tensor.IsInvalid) throw Disposed(name, index);
        nint handle;
        StableAbi.NewTensorHandle(tensor.Handle, &handle);
        GC.KeepAlive(tensor);
        return handle;
    }

    static nint NewList(int capacity)
    {
        nint list;
        StableAbi.NewList((nuint)capacity, &list);
        return list;
    }

    static int ListCount(nint list)
    {
        nuint count;
        StableAbi.ListCount(list, &count);
        return (int)count;
    }

    static ulong ListGet(nint list, int index)
    {
        ulong item;
        StableAbi.ListGet(list, (nuint)index, &item);
        return item;
    }

    static Tensor? Wrap(ulong handle)
    {
        byte defined;
        StableAbi.IsDefined((nint)handle, &defined);
        if (defined != 0) return Tensor.UnsafeCreateTensor((nint)handle);
        StableAbi.DeleteTensor((nint)handle);
        return null;
    }

    ulong Take(int index, AtenType type)
    {
        if ((uint)index >= (uint)_results || _schema.Returns[index] != type)
            throw new InvalidOperationException($"{_op} returns ({string.Join(", ", _schema.Returns)}){(_results == 0 ? " and was not invoked" : "")}; result {index} was asked for as {type}.");
        if ((_taken & (1UL << index)) != 0) throw new InvalidOperationException($"Result {index} of {_op} was already taken.");
        _taken |= 1UL << index;
        return _slots[index];
    }

    static void Free(ulong slot, AtenType type)
    {
        if (type.IsOptional)
        {
            if (slot == 0) return;
            Free(*(ulong*)slot, type with { IsOptional = false });
            NativeMemory.Free((void*)slot);
        }
        else if (type.IsList) DeleteList((nint)slot, type);
        else if (type.Kind == AtenKind.Tensor) StableAbi.DeleteTensor((nint)slot);
        else if (type.Kind == AtenKind.String) StableAbi.DeleteString((nint)slot);
    }

    static void DeleteList(nint list, AtenType type)
    {
        if (type.Kind is AtenKind.Tensor or AtenKind.String)
            for (var i = ListCount(list) - 1; i >= 0; i--) Free(ListGet(list, i), new AtenType(type.Kind, IsOptional: type.HasOptionalItems));
        StableAbi.DeleteList(list);
    }

    // On failure the slots of plain numbers still hold them, and the log still holds the tensors.
    readonly string DescribeArguments()
    {
        var text = new StringBuilder();
        for (var i = 0; i < _schema.Arguments.Length; i++)
        {
            var (name, type) = _schema.Arguments[i];
            if (type.Kind == AtenKind.Tensor) ArgumentLog.Describe(text, _logStart, i, name);
            else if (type is { IsList: false, IsOptional: false })
            {
                var value = type.Kind switch
                {
                    AtenKind.Int => ((long)_slots[i]).ToString(CultureInfo.InvariantCulture),
                    AtenKind.Float => BitConverter.UInt64BitsToDouble(_slots[i]).ToString(CultureInfo.InvariantCulture),
                    AtenKind.Bool => _slots[i] != 0 ? "true" : "false",
                    _ => null,
                };
                if (value is not null) text.Append(CultureInfo.InvariantCulture, $"\n  {name} = {value}");
            }
        }
        return text.ToString();
    }
}
