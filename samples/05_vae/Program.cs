// An autoencoder and a variational one (Kingma and Welling 2014) press digits into eight numbers and draw them again. TensorBoard shows how they get better at it.
//   dotnet run -c Release --project samples/05_vae -- [epochs]

using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var epochs = args.Length > 0 ? int.Parse(args[0]) : 40;
var digits = Digits.Load().Split(validation: 0.1);
var some = digits.Validation!.Gather(0, 1, 2, 3, 4, 5).Inputs;

var plain = Train(() => new Autoencoder());
var variational = Train(() => new VariationalAutoencoder());
Show("Digits it has not seen", some);
Show("Drawn again by the autoencoder", plain.Redraw(some));
Show("Drawn again by the variational autoencoder", variational.Redraw(some));
Show("Digits that never were: the variational autoencoder on random numbers", variational.Draw(randn(6, Autoencoder.CodeSize)));

T Train<T>(Func<T> make) where T : Autoencoder
{
    // First the trainer: it seeds the weights of what is made after it.
    var trainer = new Trainer(new() { MaxEpochs = epochs, Summary = false, Validate = Every.Epochs(10), Loggers = [new CsvLogger(), new TensorBoardLogger()] });
    var model = make();
    Console.WriteLine(trainer.Fit(model, digits.Batches(64)));
    model.eval();
    return model;
}

static void Show(string title, Tensor pictures) => Console.WriteLine($"\n{title}:\n{TextPictures.Row(pictures)}");

/// <summary>Picture → code → picture.</summary>
class Autoencoder(int encoded = Autoencoder.CodeSize) : TrainingModule<LabeledBatch>
{
    public const int CodeSize = 8;
    const int Side = 8, Pixels = Side * Side, Shown = 16;

    readonly Module<Tensor, Tensor> _encoder = Sequential(Linear(Pixels, 128), ReLU(), Linear(128, encoded));
    readonly Module<Tensor, Tensor> _decoder = Sequential(Linear(CodeSize, 128), ReLU(), Linear(128, Pixels));

    protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
    {
        var (code, penalty) = Encode(_encoder.call(batch.Inputs));
        var redrawing = Redrawing(code, batch.Inputs);
        step.Log("train/redrawing", redrawing);
        step.Log("train/penalty", penalty);
        return redrawing + penalty;
    }

    protected override void ValidationStep(LabeledBatch batch, EvalStep step)
    {
        var (code, penalty) = Encode(_encoder.call(batch.Inputs));
        step.Log("val/redrawing", Redrawing(code, batch.Inputs));
        step.Log("val/penalty", penalty);
        // Above what was given, below what was drawn again.
        if (step.Index == 0 && step.Shows(LogKind.Images))
            step.LogImages("val/redrawn", cat([batch.Inputs[..Shown], Draw(code)[..Shown]]).reshape(-1, 1, Side, Side), columns: Shown);
    }

    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Adam(this, learningRate: 3e-3).With(Schedules.WarmupCosine(warmupSteps: 20));

    public Tensor Draw(Tensor codes)
    {
        using var none = no_grad();
        return _decoder.call(codes).sigmoid();
    }

    public Tensor Redraw(Tensor pictures)
    {
        using var none = no_grad();
        return Draw(Encode(_encoder.call(pictures)).Code);
    }

    /// <summary>The code of what came out of the encoder, and what is to be paid for it besides the redrawing, in nats a picture.</summary>
    protected virtual (Tensor Code, Tensor Penalty) Encode(Tensor encoded) => (encoded, zeros(1));

    // −log p(picture | code), in nats a picture.
    Tensor Redrawing(Tensor code, Tensor pictures) =>
        functional.binary_cross_entropy_with_logits(_decoder.call(code), pictures, reduction: Reduction.Sum) / pictures.shape[0];
}

/// <summary>The code is drawn from a normal distribution, and the further that is from the standard one, the more it costs: so random numbers are codes too.</summary>
sealed class VariationalAutoencoder() : Autoencoder(encoded: 2 * CodeSize)
{
    protected override (Tensor Code, Tensor Penalty) Encode(Tensor encoded)
    {
        var (mean, logVariance) = (encoded.narrow(1, 0, CodeSize), encoded.narrow(1, CodeSize, CodeSize));
        var divergence = 0.5 * (mean.square() + logVariance.exp() - 1 - logVariance).sum() / encoded.shape[0];
        return (training ? mean + (0.5 * logVariance).exp() * randn_like(mean) : mean, divergence);
    }
}
