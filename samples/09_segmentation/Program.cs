// Semantic segmentation: a small U-Net (Ronneberger et al. 2015) says of every pixel which shape it belongs to.
//   dotnet run -c Release --project samples/09_segmentation -- [epochs]

using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var epochs = args.Length > 0 ? int.Parse(args[0]) : 10;
var data = ShapePictures.Draw(count: 2_000, seed: 0).Split(validation: 0.1).Batches(32);
Console.WriteLine(new Trainer(new() { MaxEpochs = epochs }).Fit(new Segmenter(width: 12), data));

sealed class Segmenter(int width) : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> _enter = Block(1, width), _down = Block(width, 2 * width), _bottom = Block(2 * width, 4 * width);
    readonly Module<Tensor, Tensor> _raise = Up(4 * width, 2 * width), _up = Block(4 * width, 2 * width);
    readonly Module<Tensor, Tensor> _raiseAgain = Up(2 * width, width), _leave = Block(2 * width, width);
    readonly Module<Tensor, Tensor> _classes = Conv2d(width, ShapePictures.Classes, 1);
    readonly Module<Tensor, Tensor> _halve = MaxPool2d(2);
    readonly MetricCollection _metrics = Measures(Classification.Multiclass(ShapePictures.Classes));

    protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
    {
        var loss = functional.cross_entropy(Scores(batch.Inputs), batch.Labels);
        step.Log("train/loss", loss);
        return loss;
    }

    protected override void ValidationStep(LabeledBatch batch, EvalStep step)
    {
        _metrics.Update(Scores(batch.Inputs), batch.Labels);                // [B, C, S, S] beside [B, S, S]: every pixel is a sample
        step.Log("val", _metrics);
    }

    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, learningRate: 4e-3).With(Schedules.WarmupCosine(warmupSteps: 30));

    static MetricCollection Measures(Classification pixels) => new() { { "iou", new JaccardIndex(pixels) }, { "accuracy", new Accuracy(pixels) } };

    // What was seen before halving comes back on the way up, beside what was understood below.
    Tensor Scores(Tensor pictures)                                       // [B, 1, S, S]
    {
        var fine = _enter.call(pictures);                                // [B, W, S, S]
        var coarse = _down.call(_halve.call(fine));                      // [B, 2 W, S / 2, S / 2]
        var bottom = _bottom.call(_halve.call(coarse));                  // [B, 4 W, S / 4, S / 4]
        var up = _up.call(cat([coarse, _raise.call(bottom)], 1));        // [B, 2 W, S / 2, S / 2]
        return _classes.call(_leave.call(cat([fine, _raiseAgain.call(up)], 1)));
    }

    static Module<Tensor, Tensor> Block(int from, int to) =>
        Sequential(Conv2d(from, to, 3, padding: 1, bias: false), BatchNorm2d(to), ReLU(), Conv2d(to, to, 3, padding: 1, bias: false), BatchNorm2d(to), ReLU());

    static Module<Tensor, Tensor> Up(int from, int to) => ConvTranspose2d(from, to, 2, stride: 2);
}
