using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Guides;

/// <summary>What docs/guides/recompute.md shows.</summary>
public sealed class RecomputeGuideTests
{
    // snippet: model
    sealed class Encoder : Module<Tensor, Tensor>
    {
        readonly TorchSharp.Modules.ModuleList<Module<Tensor, Tensor>> _blocks = new([.. Enumerable.Range(0, 12).Select(_ => Sequential(Linear(64, 256), GELU(), Linear(256, 64)))]);

        public Encoder() : base(nameof(Encoder)) => RegisterComponents();

        public override Tensor forward(Tensor x)
        {
            foreach (var block in _blocks) x = Recompute.Run(block.call, x, block);   // the function, its input, whose parameters it reads
            return x;
        }
    }
    // end snippet

    [Fact]
    public void A_model_recomputes_by_itself()
    {
        using var scope = NewDisposeScope();
        using var encoder = new Encoder();
        Backward.Run(encoder.call(rand(4, 64)).sum());
        Assert.All(encoder.parameters(), p => Assert.True(GradientAccess.HasGradient(p)));
    }

    [Fact]
    public void The_option_is_one_of_the_trainers()
    {
        // snippet: options
        var options = new TrainerOptions { MaxEpochs = 10, Recompute = true, Strategy = Zero.Stage3, Devices = 4 };
        // end snippet
        Assert.Empty(options.Faults());
    }
}
