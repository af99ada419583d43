using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>Typed calls of ATen ops that TorchSharp lacks, or has without arguments we need.</summary>
public static partial class Aten
{
    static readonly AtenOp SetDataOp = AtenOp.Declare("aten::set_data(Tensor(a!) self, Tensor new_data) -> ()");

    static readonly AtenOp AttentionOp = AtenOp.Declare(
        "aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0.0, " +
        "bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor");

    static readonly AtenOp UnscaleOp = AtenOp.Declare(
        "aten::_amp_foreach_non_finite_check_and_unscale_(Tensor(a!)[] self, Tensor(b!) found_inf, Tensor inv_scale) -> ()");

    static readonly AtenOp ViewDTypeOp = AtenOp.Declare("aten::view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)");

    /// <summary>The same memory read as elements of another type, without a copy.</summary>
    /// <param name="tensor">Dense; its last dimension and its storage offset, in bytes, are multiples of the new element's size. Borrowed.</param>
    /// <param name="dtype">The type to read.</param>
    /// <returns>[..., D · old size / new size].</returns>
    /// <exception cref="AtenException">The sizes don't divide.</exception>
    public static Tensor ViewAs(Tensor tensor, ScalarType dtype)
    {
        using var call = new AtenCall(ViewDTypeOp, stackalloc ulong[2]);
        call.Push(tensor);
        call.Push(dtype);
        call.Invoke();
        return call.TakeTensor();
    }

    /// <summary>Points <paramref name="tensor"/> at the memory of <paramref name="data"/>, without a copy and without touching its version.</summary>
    /// <param name="tensor">Any tensor, a parameter too; takes the shape and strides of <paramref name="data"/>.</param>
    /// <param name="data">Same device kind (never from meta to CPU); borrowed, its memory is shared afterwards.</param>
    /// <exception cref="AtenException">The two are of incompatible kinds.</exception>
    // snippet: call
    public static void SetData(Tensor tensor, Tensor data)
    {
        using var call = new AtenCall(SetDataOp, stackalloc ulong[2]);
        call.Push(tensor);
        call.Push(data);
        call.Invoke();
    }
    // end snippet

    /// <summary>softmax(scale · q kᵀ + mask) v, by the fastest kernel libtorch has for it.</summary>
    /// <param name="query">[B, H, T, D], floating; borrowed, as the others.</param>
    /// <param name="key">[B, Hk, S, D].</param>
    /// <param name="value">[B, Hk, S, Dv].</param>
    /// <param name="mask">Broadcastable to [B, H, T, S]: boolean (true attends) or added to the scores. Excludes <paramref name="isCausal"/>.</param>
    /// <param name="dropout">Probability of dropping a weight; 0 by default. The caller passes 0 outside training.</param>
    /// <param name="isCausal">Whether token t sees keys 0..t only.</param>
    /// <param name="scale">1/√D by default.</param>
    /// <param name="enableGqa">Whether H may be a multiple of Hk, each key head serving H/Hk query heads.</param>
    /// <returns>[B, H, T, Dv].</returns>
    /// <exception cref="AtenException">Shapes or dtypes do not fit.</exception>
    public static Tensor ScaledDotProductAttention(
        Tensor query, Tensor key, Tensor value, Tensor? mask = null, double dropout = 0, bool isCausal = false, double? scale = null, bool enableGqa = false)
    {
        using var call = new AtenCall(AttentionOp, stackalloc ulong[8]);
        call.Push(query);
        call.Push(key);
        call.Push(value);
        call.Push(mask);
        call.Push(dropout);
        call.Push(isCausal);
        call.Push(scale);
        call.Push(enableGqa);
        call.Invoke();
        return call.TakeTensor();
    }

    /// <summary>Multiplies each gradient by <paramref name="inverseScale"/> in place, and notes whether any element was NaN or infinite.</summary>
    /// <param name="gradients">At least one; floating, on one device; borrowed.</param>
    /// <param name="foundNonFinite">Float32, one element: set to 1 when a non-finite element is met, else left as it is.</param>
    /// <param name="inverseScale">Float32, one element.</param>
    /// <exception cref="AtenException">Devices or dtypes do not fit.</exception>
    public static void NonFiniteCheckAndUnscale(ReadOnlySpan<Tensor> gradients, Tensor foundNonFinite, Tensor inverseScale)
    {
        using var call = new AtenCall(UnscaleOp, stackalloc ulong[3]);
        call.Push(gradients);
        call.Push(foundNonFinite);
        call.Push(inverseScale);
        call.Invoke();
    }
}
