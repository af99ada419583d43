// Manual optimisation: two networks that play against each other on 8 x 8 digits. The order of the two updates is two lines.

using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var epochs = args.Length > 0 ? int.Parse(args[0]) : 20;
var trainer = new Trainer(new() { MaxEpochs = epochs });
Console.WriteLine(trainer.Fit(new Gan(), Digits.Load().Batches(64)));

sealed class Gan : TrainingModule<LabeledBatch>
{
    const int Noise = 16;

    readonly Module<Tensor, Tensor> _generator = Sequential(Linear(Noise, 64), ReLU(), Linear(64, 64), Sigmoid());
    readonly Module<Tensor, Tensor> _discriminator = Sequential(Linear(64, 64), LeakyReLU(0.2), Linear(64, 1));

    // snippet: manual
    protected override void ManualStep(LabeledBatch batch, ManualStep step)
    {
        var discriminator = step.Update(_discriminator, () => DiscriminatorLoss(batch.Inputs));
        var generator = step.Update(_generator, () => GeneratorLoss(batch.Count));
        step.Log("train/discriminator", discriminator);
        step.Log("train/generator", generator);
    }

    protected override OptimizerSetup ConfigureOptimizers() =>
        Optimizers.Several(Optimizers.Adam(_discriminator, 2e-4, beta1: 0.5), Optimizers.Adam(_generator, 2e-4, beta1: 0.5));
    // end snippet

    // Real digits should score 1, made-up ones 0; the generator is not to learn from this, so its pictures come detached.
    Tensor DiscriminatorLoss(Tensor real) =>
        Score(real, 1) + Score(_generator.call(randn(real.shape[0], Noise)).detach(), 0);

    Tensor GeneratorLoss(int count) => Score(_generator.call(randn(count, Noise)), 1);

    Tensor Score(Tensor pictures, double target)
    {
        var score = _discriminator.call(pictures);
        return functional.binary_cross_entropy_with_logits(score, full_like(score, target));
    }
}
