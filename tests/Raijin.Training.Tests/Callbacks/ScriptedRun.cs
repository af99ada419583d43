using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Callbacks;

/// <summary>A fit whose logged values are written down beforehand: four steps an epoch, eight samples each.</summary>
sealed class ScriptedRun(double[] validationScores) : IDisposable
{
    readonly TemporaryFolder _folder = new();
    readonly LabeledDataset _set = Fixture.Blobs(32);
    readonly Scripted _model = new() { Validation = validationScores };

    /// <summary>Score logged in each epoch's steps; the last one holds on.</summary>
    public double[] TrainScores { get => _model.Training; init => _model.Training = value; }

    public Func<TrainerOptions, TrainerOptions> Options { get; init; } = o => o;

    public Func<Module, OptimizerSetup> Optimizer { get => _model.Optimizer; init => _model.Optimizer = value; }

    /// <summary>Done in each training step.</summary>
    public Action<TrainStep>? OnStep { get => _model.OnStep; init => _model.OnStep = value; }

    public FitResult Fit(params Callback[] callbacks)
    {
        var options = Options(Fixture.Quiet(_folder.Path) with { MaxEpochs = 10, Checkpoints = false });
        var loader = _set.Batches(8);
        return new Trainer(options with { Callbacks = callbacks }).Fit(_model, new DataLoaders<LabeledBatch>(loader, _set.Batches(new LoaderOptions { BatchSize = 32, Shuffle = false })), cancellationToken: TestContext.Current.CancellationToken);
    }

    public void Dispose()
    {
        _model.Dispose();
        _set.Dispose();
        _folder.Dispose();
    }

    sealed class Scripted : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Sequential(Linear(8, 4), ReLU(), Linear(4, 3));
        int _validations;

        public double[] Training { get; set; } = [1];

        public required double[] Validation { get; init; }

        public Func<Module, OptimizerSetup> Optimizer { get; set; } = m => Optimizers.Sgd(m, 0.01);

        public Action<TrainStep>? OnStep { get; set; }

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            step.Log("train/score", Training[Math.Min(step.Epoch, Training.Length - 1)]);
            OnStep?.Invoke(step);
            return functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);
        }

        protected override void ValidationStep(LabeledBatch batch, EvalStep step) => step.Log("val/score", Validation[Math.Min(_validations++, Validation.Length - 1)]);

        protected override OptimizerSetup ConfigureOptimizers() => Optimizer(this);

        protected override void Dispose(bool disposing)
        {
            if (disposing) _net.Dispose();
            base.Dispose(disposing);
        }
    }
}
