using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Driving;

/// <summary>The Trainer's weights against a loop written by hand in plain TorchSharp: the same bits.</summary>
public sealed class ParityTests
{
    const int Steps = 1000;
    const int Batch = 64;

    sealed class Mlp : TrainingModule<LabeledBatch>
    {
        public Module<Tensor, Tensor> Net { get; } = Sequential(Linear(784, 128), ReLU(), Linear(128, 10));

        public double Momentum { get; init; }

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => functional.cross_entropy(Net.call(batch.Inputs), batch.Labels);

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.01, momentum: Momentum);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.9)]
    public void A_thousand_steps_give_the_bits_of_a_hand_written_loop(double momentum)
    {
        using var scope = NewDisposeScope();
        Seed.Everything(3);
        var inputs = randn(256, 784);
        var labels = randint(0, 10, [256]);

        using var byHand = new Mlp();
        using var trained = new Mlp { Momentum = momentum };
        byHand.EnsureSame(trained);

        using (var optimizer = optim.SGD(byHand.parameters(), 0.01, momentum: momentum))
        {
            for (var i = 0; i < Steps; i++)
            {
                using var step = NewDisposeScope();
                var at = i % 4 * Batch;
                optimizer.zero_grad();
                functional.cross_entropy(byHand.Net.call(inputs[at..(at + Batch)]), labels[at..(at + Batch)]).backward();
                optimizer.step();
            }
        }

        using var set = new LabeledDataset(inputs, labels);
        var data = set.Batches(new LoaderOptions { BatchSize = Batch, Shuffle = false });
        new Trainer(Fixture.Quiet() with { MaxEpochs = null, MaxSteps = Steps, FastDevRun = 0, Checkpoints = false, Output = "unused" }).Fit(trained, data);
        Fixture.AssertBitwise(Fixture.Weights(byHand), Fixture.Weights(trained));
    }
}

static class ModuleCopy
{
    /// <summary>Gives <paramref name="other"/> the weights of this module.</summary>
    public static void EnsureSame(this Module module, Module other)
    {
        using var gradients = no_grad();
        foreach (var (theirs, ours) in other.parameters().Zip(module.parameters())) theirs.copy_(ours);
    }
}
