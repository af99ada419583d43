// A convolutional network reads handwritten digits: MNIST where its files are, else the 8 × 8 digits that are part of the library.
//   dotnet run -c Release --project samples/04_mnist_cnn -- [epochs] [folder of MNIST's files]

using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var epochs = args.Length > 0 ? int.Parse(args[0]) : 3;
var folder = args.Length > 1 ? args[1] : "data/mnist";
var (side, digits) = Directory.Exists(folder)
    ? (28, Mnist.Load(folder).Split(validation: 0.1))
    : (8, Digits.Load().Split(validation: 0.1, test: 0.2));
if (side == 8) Console.WriteLine($"No folder {folder}, so these are the library's 8 x 8 digits. Mnist.DownloadAsync(\"{folder}\") fetches MNIST.");

var data = digits.Batches(64);
var trainer = new Trainer(new() { MaxEpochs = side == 28 ? epochs : 5 * epochs, Callbacks = [new MetricPanel()] });
var model = new DigitReader(side);
Console.WriteLine(trainer.Fit(model, data));
Console.WriteLine($"Of the test digits, {trainer.Test(model, data.Test!.Only)["test/accuracy"]:p2} are read right.");

sealed class DigitReader(int side) : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> _net = Sequential(
        Conv2d(1, 16, 3, padding: 1), ReLU(), MaxPool2d(2),
        Conv2d(16, 32, 3, padding: 1), ReLU(), MaxPool2d(2),
        Flatten(), Linear(32 * (side / 4) * (side / 4), 128), ReLU(), Dropout(0.25), Linear(128, 10));
    readonly MetricCollection _metrics = Measures(Classification.Multiclass(10));

    protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
    {
        var loss = functional.cross_entropy(Scores(batch), batch.Labels);
        step.Log("train/loss", loss);
        return loss;
    }

    // Serves the test too, whose results are then called test/….
    protected override void ValidationStep(LabeledBatch batch, EvalStep step)
    {
        var scores = Scores(batch);
        _metrics.Update(scores, batch.Labels);
        step.Log("val/loss", functional.cross_entropy(scores, batch.Labels));
        step.Log(_metrics);
    }

    protected override OptimizerSetup ConfigureOptimizers() =>
        Optimizers.AdamW(this, learningRate: 2e-3).NoDecayOn("*.bias").With(Schedules.WarmupCosine(warmupSteps: 50));

    // All of one task's: the scores are looked at once. The confusion matrix is drawn too, by the MetricPanel, for TensorBoard.
    static MetricCollection Measures(Classification task) => new("val/") { { "accuracy", new Accuracy(task) }, { "f1", new F1Score(task) }, { "confusion", new ConfusionMatrix(task) } };

    Tensor Scores(LabeledBatch batch) => _net.call(batch.Inputs.reshape(-1, 1, side, side));
}
