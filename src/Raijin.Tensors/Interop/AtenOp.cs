using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;

namespace Raijin.Tensors;

/// <summary>
/// An op of libtorch, found once by name and then called any number of times through <see cref="AtenCall"/>. Its signature is known, so a
/// call with a wrong argument is refused before libtorch sees it: a stack slot carries no type, and a wrong one is memory corruption.
/// </summary>
/// <remarks>
/// The signature comes from libtorch where its C++ registry can be read (Linux). <see cref="Declare"/> gives it in the source: the route that
/// works on every platform, checked against the registry where there is one. An op lives as long as the process.
/// </remarks>
public sealed unsafe class AtenOp
{
    static readonly ConcurrentDictionary<(string Name, string Overload), AtenOp> Found = new();

    readonly Lazy<AtenSchema> _schema;

    AtenOp(string name, string overload, AtenSchema? declared)
    {
        Name = name;
        Overload = overload;
        Name8 = ToUtf8(name);
        Overload8 = ToUtf8(overload);
        _schema = new Lazy<AtenSchema>(() => Resolve(declared));
    }

    /// <summary>The op with its namespace: <c>aten::add</c>.</summary>
    public string Name { get; }

    /// <summary>The overload, <c>Tensor</c> in <c>aten::add.Tensor</c>; empty when there is but one.</summary>
    public string Overload { get; }

    /// <summary>How many stack slots a call needs: <c>stackalloc ulong[op.NumSlots]</c>.</summary>
    public int NumSlots => Schema.NumSlots;

    internal AtenSchema Schema => _schema.Value;

    internal byte* Name8 { get; }

    internal byte* Overload8 { get; }

    /// <summary>Finds an op in libtorch's registry.</summary>
    /// <param name="name">With its namespace: <c>aten::add</c>.</param>
    /// <param name="overload"><c>Tensor</c>, <c>List</c>, …; empty for an op with but one.</param>
    /// <exception cref="MissingMethodException">libtorch has no such op.</exception>
    /// <exception cref="PlatformNotSupportedException">The registry cannot be read here: use <see cref="Declare"/>.</exception>
    public static AtenOp Find(string name, string overload = "")
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(overload);
        if (Found.TryGetValue((name, overload), out var known)) return known;
        if (!OpRegistry.CanRead)
            throw new PlatformNotSupportedException($"This platform's libtorch does not show its op registry; declare the signature of {name} instead.");
        var op = new AtenOp(name, overload, null);
        _ = op.Schema;
        return Found.GetOrAdd((name, overload), op);
    }

    /// <summary>An op by its signature in PyTorch's notation (<c>native_functions.yaml</c>), resolved at its first call.</summary>
    /// <param name="signature">Such as <c>aten::add_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)</c>.</param>
    /// <exception cref="FormatException">The text is not a signature.</exception>
    public static AtenOp Declare(string signature)
    {
        ArgumentException.ThrowIfNullOrEmpty(signature);
        var schema = AtenSchema.Parse(signature);
        var dot = schema.Name.IndexOf('.', StringComparison.Ordinal);
        var (name, overload) = dot < 0 ? (schema.Name, "") : (schema.Name[..dot], schema.Name[(dot + 1)..]);
        return Found.GetOrAdd((name, overload), key => new AtenOp(key.Name, key.Overload, schema));
    }

    /// <summary>The full name: <c>aten::add.Tensor</c>.</summary>
    public override string ToString() => Overload.Length == 0 ? Name : $"{Name}.{Overload}";

    AtenSchema Resolve(AtenSchema? declared)
    {
        if (!OpRegistry.CanRead) return declared!;
        var text = OpRegistry.Read(Name, Overload)
            ?? throw new MissingMethodException($"libtorch {LibTorch.LoadedVersion} has no op {this}.");
        var actual = AtenSchema.Parse(text);
        if (declared is not null && !(actual.Arguments.SequenceEqual(declared.Arguments) && actual.Returns.SequenceEqual(declared.Returns)))
            throw new MissingMethodException(
                $"{this} was declared as ({string.Join(", ", declared.Arguments)}) with {declared.Returns.Length} returns, but libtorch's signature is {text}.");
        return actual;
    }

    // Never freed: there are as many as distinct ops in the program, and native code keeps reading them.
    static byte* ToUtf8(string text)
    {
        var bytes = (byte*)NativeMemory.Alloc((nuint)Encoding.UTF8.GetMaxByteCount(text.Length) + 1);
        bytes[Encoding.UTF8.GetBytes(text, new Span<byte>(bytes, Encoding.UTF8.GetMaxByteCount(text.Length)))] = 0;
        return bytes;
    }
}
