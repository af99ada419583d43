// A deep convolutional GAN (Radford et al. 2016) draws digits: 28 × 28 where MNIST's files are, else 8 × 8. TensorBoard shows how it learns to.
//   dotnet run -c Release --project samples/06_gan -- [epochs] [folder of MNIST's files]

using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var epochs = args.Length > 0 ? int.Parse(args[0]) : 100;
var (side, digits) = args.Length > 1 ? (28, Mnist.Load(args[1]).Train) : (8, Digits.Load());
// First the trainer: it seeds the weights of what is made after it.
var trainer = new Trainer(new() { MaxEpochs = epochs, Progress = epochs <= 10, Loggers = [new CsvLogger(), new TensorBoardLogger()] });
var gan = new Gan(side);
Console.WriteLine(trainer.Fit(gan, digits.Batches(64)));
Console.WriteLine($"\nDigits that never were:\n{TextPictures.Row(gan.Draw(6))}");

sealed class Gan(int side) : TrainingModule<LabeledBatch>
{
    const int Noise = 32, Shown = 32;

    // From a quarter of the side, doubled twice; the discriminator goes the other way.
    readonly Module<Tensor, Tensor> _generator = Sequential(
        Linear(Noise, 64 * (side / 4) * (side / 4)), Unflatten(1, [64, side / 4, side / 4]), BatchNorm2d(64), ReLU(),
        ConvTranspose2d(64, 32, 4, stride: 2, padding: 1, bias: false), BatchNorm2d(32), ReLU(),
        ConvTranspose2d(32, 1, 4, stride: 2, padding: 1), Sigmoid());

    readonly Module<Tensor, Tensor> _discriminator = Sequential(
        Conv2d(1, 32, 4, stride: 2, padding: 1), LeakyReLU(0.2), Dropout(0.3),
        Conv2d(32, 64, 4, stride: 2, padding: 1, bias: false), BatchNorm2d(64), LeakyReLU(0.2), Dropout(0.3),
        Flatten(), Linear(64 * (side / 4) * (side / 4), 1));

    readonly Tensor _shown = randn(Shown, Noise);  // The same each time, so that one sees a picture change.

    protected override void ManualStep(LabeledBatch batch, ManualStep step)
    {
        var real = batch.Inputs.reshape(-1, 1, side, side);
        step.Log("train/discriminator", step.Update(_discriminator, () => DiscriminatorLoss(real)));
        step.Log("train/generator", step.Update(_generator, () => Cost(Invent(batch.Count), 1)));
    }

    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Several(
        Optimizers.Adam(_discriminator, 2e-4, beta1: 0.5), Optimizers.Adam(_generator, 1e-3, beta1: 0.5));

    public override void OnTrainEpochEnd(TrainEpoch epoch)
    {
        if (epoch.Index % 10 != 9 || !epoch.Run.Shows(LogKind.Images)) return;
        using var scope = TensorScope.Open();
        epoch.Run.LogImages("drawn", Draw(_shown), columns: 8);
    }

    /// <summary>Some pictures, [N, 1, S, S].</summary>
    public Tensor Draw(int count) => Draw(randn(count, Noise));

    Tensor Draw(Tensor noise)
    {
        using var none = no_grad();
        _generator.eval();
        var pictures = _generator.call(noise);
        _generator.train();
        return pictures;
    }

    // Real pictures should score 1 (0.9: a discriminator that is quite sure teaches nothing), made-up ones 0.
    Tensor DiscriminatorLoss(Tensor real) => Cost(real, 0.9) + Cost(Invent((int)real.shape[0]).detach(), 0);

    Tensor Invent(int count) => _generator.call(randn(count, Noise));

    Tensor Cost(Tensor pictures, double target)
    {
        var score = _discriminator.call(pictures);
        return functional.binary_cross_entropy_with_logits(score, full_like(score, target));
    }
}
