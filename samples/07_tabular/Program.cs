// Regression on a table of numbers and texts: how wide is an iris's petal, by its other measures and its species?
// iris.csv: Fisher's irises (1936), from the UCI repository, CC BY 4.0.
//   dotnet run -c Release --project samples/07_tabular -- [epochs]

using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var epochs = args.Length > 0 ? int.Parse(args[0]) : 60;
var flowers = Table.ReadCsv(Path.Combine(AppContext.BaseDirectory, "iris.csv"));
// Means, deviations and species come from the training part alone; the encoder treats later flowers the same way.
var (data, encoder) = flowers.Tabular(
    ["sepal length", "sepal width", "petal length", "species"], Target.Value("petal width"), new() { Categories = CategoryForm.OneHot }, validation: 0.2);

var trainer = new Trainer(new() { MaxEpochs = epochs, Callbacks = [new EarlyStopping("val/error", patience: 15)] });
var model = new PetalWidth(encoder.Inputs.Count);
var result = trainer.Fit(model, data.Batches(16));
Console.WriteLine(result);

var guess = (data.Validation!.All().Labels - data.Train.All().Labels.mean()).abs().mean().item<float>();
Console.WriteLine($"A petal's width is off by {result.Metrics["val/error"]:f3} cm on average (R² {result.Metrics["val/r2"]:f2}); guessing the mean width, by {guess:f3} cm.");

encoder.Save(Path.Combine(result.Directory!, "encoder.json"));  // The model is of no use without it.
var found = new Table(
    new NumberColumn("sepal length", [6.1]), new NumberColumn("sepal width", [2.9]), new NumberColumn("petal length", [4.6]), new TextColumn("species", ["versicolor"]));
var width = model.Width(encoder.EncodeInputs(found).All().Inputs).item<float>();
Console.WriteLine($"A versicolor with a petal 4.6 cm long should have it {width:f1} cm wide.");

sealed class PetalWidth(int inputs) : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> _net = Sequential(Linear(inputs, 32), ReLU(), Linear(32, 32), ReLU(), Linear(32, 1));
    readonly MetricCollection _metrics = new("val/") { { "error", new MeanAbsoluteError() }, { "r2", new R2Score() } };

    protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
    {
        var loss = functional.mse_loss(Width(batch.Inputs), batch.Labels);
        step.Log("train/loss", loss);
        return loss;
    }

    protected override void ValidationStep(LabeledBatch batch, EvalStep step)
    {
        _metrics.Update(Width(batch.Inputs), batch.Labels);
        step.Log(_metrics);
    }

    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, learningRate: 5e-3).With(Schedules.WarmupCosine(warmupSteps: 10));

    /// <summary>Centimetres, [N].</summary>
    public Tensor Width(Tensor flowers) => _net.call(flowers).squeeze(1);
}
