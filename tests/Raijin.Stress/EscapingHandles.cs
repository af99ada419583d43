using static TorchSharp.torch;

namespace Raijin.Stress;

/// <summary>Handles that outlive the method that read them: lazy sequences, TorchScript's arguments, gradients returned to native code, addresses of elements.</summary>
static class EscapingHandles
{
    public static Action Start()
    {
        var x = ones(64);
        var script = jit.compile("def scale(x, by: float, and_by: int):\n  return x * by * and_by\n");
        return () =>
        {
            Expect("lazy sequence", 64 * (0 + 1 + 2 + 3), stack(Enumerable.Range(0, 4).Select(n => x * n)).sum().item<float>());
            Expect("script", 64 * 5, ((Tensor)script.invoke("scale", x, 2.5f, 2)).sum().item<float>());
            Expect("elements", 64 * 2, (x * 2f).data<float>().ToArray().Sum());
            var input = x.clone().requires_grad_();
            Tripled.apply(input).sum().backward();
            Expect("custom function", 64 * 3, input.grad!.sum().item<float>());
        };
    }

    static void Expect(string what, double expected, double found)
    {
        if (found != expected)
            throw new WrongResultException(what, expected, found);
    }

    sealed class Tripled : autograd.SingleTensorFunction<Tripled>
    {
        public override string Name => nameof(Tripled);

        public override Tensor forward(autograd.AutogradContext context, params object[] inputs) => (Tensor)inputs[0] * 3;

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient) => [gradient * 3];
    }
}
