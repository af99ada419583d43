using static TorchSharp.torch;
using Module = TorchSharp.torch.nn.Module;

namespace Raijin.Tensors;

/// <summary>
/// Computes without keeping what backward will need: autograd holds the inputs alone, and when the gradient of an output comes back the function is computed again (Chen et al. 2016, "Training deep nets with sublinear
/// memory cost", arXiv:1604.06174). One more forward pass for the memory of what lies between inputs and outputs; gradients have the bits of a plain run. PyTorch's <c>checkpoint</c>.
/// </summary>
/// <remarks>
/// <para>The second time the function is given the same inputs, numbers of the default generators and autocast as the first, and buffers of its modules are afterwards as after one run. What else it reads must be the same.</para>
/// <para>What it makes is freed when it returns, except the results. Where no gradient will come it is the plain call. Gradients of gradients do not go through it.</para>
/// <para>In stage 3 it belongs inside the call of a unit; whole units are recomputed by an option of the trainer and the fabric.</para>
/// </remarks>
public static class Recompute
{
    /// <summary>Computes a function of one tensor.</summary>
    /// <param name="body">The function.</param>
    /// <param name="input">Its input; borrowed.</param>
    /// <param name="modules">The modules whose parameters it reads. What else it differentiates is its input.</param>
    /// <exception cref="InvalidOperationException">It reads a tensor that requires a gradient and is neither its input nor a parameter of the modules.</exception>
    public static Tensor Run(Func<Tensor, Tensor> body, Tensor input, params IReadOnlyList<Module> modules)
    {
        ArgumentNullException.ThrowIfNull(body);
        TensorGuard.ThrowIfFreed(input);
        return Run(inputs => [body(inputs[0]!)], [input], modules)[0];
    }

    /// <summary>Computes a function of several tensors, or with several results.</summary>
    /// <param name="body">The function, of as many inputs.</param>
    /// <param name="inputs">Its inputs; null for one that is absent. Borrowed.</param>
    /// <param name="modules">The modules whose parameters it reads. What else it differentiates is among its inputs.</param>
    /// <exception cref="InvalidOperationException">It reads a tensor that requires a gradient and is neither among its inputs nor a parameter of the modules.</exception>
    public static IReadOnlyList<Tensor> Run(Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor>> body, IReadOnlyList<Tensor?> inputs, params IReadOnlyList<Module> modules)
    {
        if (Recomputation.Begin(body, inputs, modules) is not { } call) return body(inputs);
        using var scope = NewDisposeScope();
        var results = call.Compute(inputs);
        foreach (var result in results) result.MoveToOuterDisposeScope();
        return results;
    }
}
