using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Profiling;

/// <summary>The three models of eng/recordings/flops.py.</summary>
static class FlopsModels
{
    public sealed class Cnn : Module<Tensor, Tensor>
    {
        readonly Module<Tensor, Tensor> net = Sequential(
            Conv2d(3, 8, 3, padding: 1), ReLU(), MaxPool2d(2), Conv2d(8, 16, 3, stride: 2), ReLU(), Flatten(), Linear(16 * 3 * 3, 10));

        public Cnn() : base("Cnn") => RegisterComponents();

        public override Tensor forward(Tensor x) => net.call(x);
    }

    public sealed class Recurrent : Module<Tensor, Tensor>
    {
        readonly TorchSharp.Modules.LSTM lstm = LSTM(6, 5, numLayers: 2);
        readonly Module<Tensor, Tensor> head = Linear(5, 3);

        public Recurrent() : base("Recurrent") => RegisterComponents();

        public override Tensor forward(Tensor x) => head.call(lstm.call(x, null).Item1);
    }

    public sealed class Block : Module<Tensor, Tensor>
    {
        const int Width = 16;
        const int Heads = 4;

        readonly Module<Tensor, Tensor> norm1 = LayerNorm([Width]);
        readonly Module<Tensor, Tensor> norm2 = LayerNorm([Width]);
        readonly Module<Tensor, Tensor> qkv = Linear(Width, 3 * Width);
        readonly Module<Tensor, Tensor> projection = Linear(Width, Width);
        readonly Module<Tensor, Tensor> up = Linear(Width, 4 * Width);
        readonly Module<Tensor, Tensor> down = Linear(4 * Width, Width);

        public Block() : base("Block") => RegisterComponents();

        public override Tensor forward(Tensor x)
        {
            var (b, t) = (x.shape[0], x.shape[1]);
            var parts = qkv.call(norm1.call(x)).view(b, t, 3, Heads, Width / Heads).permute(2, 0, 3, 1, 4);
            var scores = parts[0].matmul(parts[1].transpose(-2, -1)) / Math.Sqrt(Width / Heads);
            x = x + projection.call(scores.softmax(-1).matmul(parts[2]).transpose(1, 2).reshape(b, t, Width));
            return x + down.call(functional.gelu(up.call(norm2.call(x))));
        }
    }
}
