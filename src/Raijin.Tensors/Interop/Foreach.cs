using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// The same elementwise op on every tensor of a list, as one call: a handful of kernels on a GPU. On a CPU libtorch loops over the tensors, so it
/// is a convenience there, as fast as the loop (40 µs for 100 small tensors).
/// Lists of one call have equal lengths and pairwise equal shapes; an empty list is no work. On tensors that require a gradient, call under
/// <c>no_grad</c>.
/// </summary>
/// <remarks>
/// Ops without a Scalar in their signature go through the dispatcher. libtorch 2.10's C ABI carries no Scalar, so the others go through a few
/// lines of TorchScript compiled once (about 4 µs a call).
/// </remarks>
public static class Foreach
{
    static readonly AtenOp MultiplyOp = Binary("mul_"), DivideOp = Binary("div_"), MaximumOp = Binary("maximum_");
    static readonly AtenOp SqrtOp = Unary("sqrt_"), NegateOp = Unary("neg_"), SignOp = Unary("sign_"), ZeroOp = Unary("zero_");
    static readonly AtenOp CopyOp = AtenOp.Declare("aten::_foreach_copy_(Tensor(a!)[] self, Tensor[] src, bool non_blocking=False) -> ()");
    static readonly AtenOp MultiplyTensorOp = AtenOp.Declare("aten::_foreach_mul_.Tensor(Tensor(a!)[] self, Tensor other) -> ()");

    static readonly Lazy<jit.CompilationUnit> Script = new(() => jit.compile("""
        def add_(x: List[Tensor], y: List[Tensor], alpha: float):
            torch._foreach_add_(x, y, alpha=alpha)
        def add_scalar_(x: List[Tensor], value: float):
            torch._foreach_add_(x, value)
        def mul_(x: List[Tensor], value: float):
            torch._foreach_mul_(x, value)
        def div_(x: List[Tensor], value: float):
            torch._foreach_div_(x, value)
        def addcmul_(x: List[Tensor], a: List[Tensor], b: List[Tensor], value: float):
            torch._foreach_addcmul_(x, a, b, value)
        def addcdiv_(x: List[Tensor], a: List[Tensor], b: List[Tensor], value: float):
            torch._foreach_addcdiv_(x, a, b, value)
        def lerp_(x: List[Tensor], y: List[Tensor], weight: float):
            torch._foreach_lerp_(x, y, weight)
        def norm(x: List[Tensor], order: float) -> List[Tensor]:
            return torch._foreach_norm(x, order)

        """));

    /// <summary>x ← x + alpha · y.</summary>
    /// <param name="x">Updated in place; borrowed.</param>
    /// <param name="y">Borrowed.</param>
    /// <param name="alpha">1 by default.</param>
    /// <exception cref="AtenException">Lengths, shapes or dtypes do not fit.</exception>
    public static void Add(ReadOnlySpan<Tensor> x, ReadOnlySpan<Tensor> y, double alpha = 1) => Run("add_", x, y.ToArray(), alpha);

    /// <summary>x ← x + value.</summary>
    /// <inheritdoc cref="Multiply(ReadOnlySpan{Tensor}, double)"/>
    public static void Add(ReadOnlySpan<Tensor> x, double value) => Run("add_scalar_", x, value);

    /// <summary>x ← x · y.</summary>
    /// <inheritdoc cref="Maximum"/>
    public static void Multiply(ReadOnlySpan<Tensor> x, ReadOnlySpan<Tensor> y) => Call(MultiplyOp, x, y);

    /// <summary>x ← x · value.</summary>
    /// <param name="x">Updated in place; borrowed.</param>
    /// <param name="value">The number.</param>
    /// <exception cref="AtenException">Dtypes do not fit.</exception>
    public static void Multiply(ReadOnlySpan<Tensor> x, double value) => Run("mul_", x, value);

    /// <summary>x ← x · factor, where the factor stays on its device: no synchronisation.</summary>
    /// <param name="x">Updated in place; borrowed.</param>
    /// <param name="factor">One element; borrowed.</param>
    /// <exception cref="AtenException">Dtypes or devices do not fit.</exception>
    public static void Multiply(ReadOnlySpan<Tensor> x, Tensor factor)
    {
        if (x.IsEmpty) return;
        using var call = new AtenCall(MultiplyTensorOp, stackalloc ulong[2]);
        call.Push(x);
        call.Push(factor);
        call.Invoke();
    }

    /// <summary>x ← x / y.</summary>
    /// <inheritdoc cref="Maximum"/>
    public static void Divide(ReadOnlySpan<Tensor> x, ReadOnlySpan<Tensor> y) => Call(DivideOp, x, y);

    /// <summary>x ← x / value.</summary>
    /// <inheritdoc cref="Multiply(ReadOnlySpan{Tensor}, double)"/>
    public static void Divide(ReadOnlySpan<Tensor> x, double value) => Run("div_", x, value);

    /// <summary>x ← max(x, y).</summary>
    /// <param name="x">Updated in place; borrowed.</param>
    /// <param name="y">Borrowed.</param>
    /// <exception cref="AtenException">Lengths, shapes or dtypes do not fit.</exception>
    public static void Maximum(ReadOnlySpan<Tensor> x, ReadOnlySpan<Tensor> y) => Call(MaximumOp, x, y);

    /// <summary>x ← x + value · a · b.</summary>
    /// <param name="x">Updated in place; borrowed.</param>
    /// <param name="a">Borrowed.</param>
    /// <param name="b">Borrowed.</param>
    /// <param name="value">1 by default.</param>
    /// <exception cref="AtenException">Lengths, shapes or dtypes do not fit.</exception>
    public static void AddProduct(ReadOnlySpan<Tensor> x, ReadOnlySpan<Tensor> a, ReadOnlySpan<Tensor> b, double value = 1) =>
        Run("addcmul_", x, a.ToArray(), b.ToArray(), value);

    /// <summary>x ← x + value · a / b.</summary>
    /// <inheritdoc cref="AddProduct"/>
    public static void AddQuotient(ReadOnlySpan<Tensor> x, ReadOnlySpan<Tensor> a, ReadOnlySpan<Tensor> b, double value = 1) =>
        Run("addcdiv_", x, a.ToArray(), b.ToArray(), value);

    /// <summary>x ← x + weight · (y − x): an exponential moving average with decay 1 − weight.</summary>
    /// <param name="x">Updated in place; borrowed.</param>
    /// <param name="y">Borrowed.</param>
    /// <param name="weight">0 leaves x, 1 takes y.</param>
    /// <exception cref="AtenException">Lengths, shapes or dtypes do not fit.</exception>
    public static void Lerp(ReadOnlySpan<Tensor> x, ReadOnlySpan<Tensor> y, double weight) => Run("lerp_", x, y.ToArray(), weight);

    /// <summary>x ← √x.</summary>
    /// <param name="x">Updated in place; borrowed.</param>
    /// <exception cref="AtenException">Dtypes do not fit.</exception>
    public static void Sqrt(ReadOnlySpan<Tensor> x) => Call(SqrtOp, x);

    /// <summary>x ← −x.</summary>
    /// <inheritdoc cref="Sqrt"/>
    public static void Negate(ReadOnlySpan<Tensor> x) => Call(NegateOp, x);

    /// <summary>x ← sign(x).</summary>
    /// <inheritdoc cref="Sqrt"/>
    public static void Sign(ReadOnlySpan<Tensor> x) => Call(SignOp, x);

    /// <summary>x ← 0.</summary>
    /// <inheritdoc cref="Sqrt"/>
    public static void Zero(ReadOnlySpan<Tensor> x) => Call(ZeroOp, x);

    /// <summary>x ← y, converting dtype and device.</summary>
    /// <param name="x">Overwritten; borrowed.</param>
    /// <param name="y">Borrowed.</param>
    /// <param name="nonBlocking">Whether a copy between host and device may run on while we go on.</param>
    /// <exception cref="AtenException">Lengths or shapes do not fit.</exception>
    public static void Copy(ReadOnlySpan<Tensor> x, ReadOnlySpan<Tensor> y, bool nonBlocking = false)
    {
        if (x.IsEmpty && y.IsEmpty) return;
        using var call = new AtenCall(CopyOp, stackalloc ulong[3]);
        call.Push(x);
        call.Push(y);
        call.Push(nonBlocking);
        call.Invoke();
    }

    /// <summary>The norm of each tensor.</summary>
    /// <param name="x">Borrowed.</param>
    /// <param name="order">2 by default; 1 or infinity are possible too.</param>
    /// <returns>Scalars on the tensors' device; the caller owns them.</returns>
    /// <exception cref="AtenException">Dtypes do not fit.</exception>
    public static Tensor[] Norm(ReadOnlySpan<Tensor> x, double order = 2) => x.IsEmpty ? [] : (Tensor[])Run("norm", x, order)!;

    static AtenOp Unary(string name) => AtenOp.Declare($"aten::_foreach_{name}(Tensor(a!)[] self) -> ()");

    static AtenOp Binary(string name) => AtenOp.Declare($"aten::_foreach_{name}.List(Tensor(a!)[] self, Tensor[] other) -> ()");

    static void Call(AtenOp op, ReadOnlySpan<Tensor> x)
    {
        if (x.IsEmpty) return;
        using var call = new AtenCall(op, stackalloc ulong[1]);
        call.Push(x);
        call.Invoke();
    }

    static void Call(AtenOp op, ReadOnlySpan<Tensor> x, ReadOnlySpan<Tensor> y)
    {
        if (x.IsEmpty && y.IsEmpty) return;
        using var call = new AtenCall(op, stackalloc ulong[2]);
        call.Push(x);
        call.Push(y);
        call.Invoke();
    }

    static object? Run(string function, ReadOnlySpan<Tensor> x, params ReadOnlySpan<object> rest)
    {
        if (x.IsEmpty) return null;
        object[] arguments = [x.ToArray(), .. rest];
        for (var i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] is not Tensor[] list) continue;
            foreach (var tensor in list) TensorGuard.ThrowIfFreed(tensor, $"argument {i} of {function}");
        }
        var script = Script.Value;
        try
        {
            return script.invoke(function, arguments);
        }
        catch (ExternalException error)
        {
            // The interpreter's message ends with the op's own.
            var at = error.Message.LastIndexOf("RuntimeError: ", StringComparison.Ordinal);
            var reason = at < 0 ? error.Message : error.Message[(at + "RuntimeError: ".Length)..];
            throw new AtenException($"aten::_foreach_{function}", reason.Trim(), "", error);
        }
    }
}
