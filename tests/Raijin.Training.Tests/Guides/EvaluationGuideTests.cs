using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Guides;

/// <summary>What docs/guides/evaluation.md and docs/guides/callbacks.md show, run.</summary>
public sealed class EvaluationGuideTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly LabeledDataset _other = Fixture.Blobs(32, seed: 8);
    readonly TemporaryFolder _folder = new();
    readonly Classifier _model = new();

    public void Dispose()
    {
        _model.Dispose();
        _set.Dispose();
        _other.Dispose();
        _folder.Dispose();
    }

    sealed class Classifier : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Sequential(Linear(8, 16), ReLU(), Linear(16, 3));
        readonly Accuracy _accuracy = new(classes: 3);

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);

        // snippet: steps
        protected override void ValidationStep(LabeledBatch batch, EvalStep step)
        {
            var scores = _net.call(batch.Inputs);
            _accuracy.Update(scores, batch.Labels);
            step.Log("val/accuracy", _accuracy);                                          // computed once, over everything
            step.Log("val/loss", functional.cross_entropy(scores, batch.Labels));         // the mean, weighted by batch size
        }

        protected override Tensor PredictStep(LabeledBatch batch, EvalStep step) => _net.call(batch.Inputs).softmax(1);
        // end snippet

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, 1e-2);
    }

    TrainerOptions Options => Fixture.Quiet(_folder["run"]) with { MaxEpochs = 4 };

    [Fact]
    public void Tests_of_the_best_checkpoint()
    {
        var (train, val, test) = (_set.Batches(16), _set.Batches(16), _other.Batches(16));
        var (options, model) = (Options, _model);
        // snippet: test
        var trainer = new Trainer(options with { Callbacks = [new ModelCheckpoint { Monitor = Best.Min("val/loss") }] });
        trainer.Fit(model, new DataLoaders<LabeledBatch>(train, val));

        var result = trainer.Test(model, test, Weights.Best);
        var accuracy = result["test/accuracy"];
        // end snippet
        Assert.InRange(accuracy, 0, 1);
        Assert.Equal(32, result.Samples);
        Assert.NotNull(result.Checkpoint);
    }

    [Fact]
    public void Loaders_with_names()
    {
        var (near, far) = (_set.Batches(16), _other.Batches(16));
        var (trainer, model) = (new Trainer(Options), _model);
        // snippet: named
        var result = trainer.Validate(model, LoaderSet.Of(("near", near), ("far", far)));
        var drop = result["val/near/accuracy"] - result["val/far/accuracy"];
        // end snippet
        Assert.InRange(drop, -1, 1);
        Assert.Equal(["near", "far"], result.Loaders.Select(l => l.Name));
    }

    [Fact]
    public async Task Predictions_are_asked_for_streamed_or_written()
    {
        var (loader, folder) = (_other.Batches(16), _folder);
        var (trainer, model) = (new Trainer(Options), _model);
        var taken = 0L;
        // snippet: predict
        foreach (var answer in trainer.Predict(model, loader))                            // one batch at a time, as you ask; each is yours
            using (answer) taken += answer.shape[0];

        await foreach (var answer in trainer.PredictAsync(model, loader, ahead: 4))       // the model works meanwhile, 4 batches ahead at most
            using (answer) taken += answer.shape[0];

        trainer.Predict(model, loader, new PredictionFile(folder["answers.jsonl"]));      // to a file: .jsonl, .csv or .npy
        // end snippet
        Assert.Equal(64, taken);
        Assert.Equal(32, (await File.ReadAllLinesAsync(folder["answers.jsonl"], TestContext.Current.CancellationToken)).Length);
    }

    [Fact]
    public void Callbacks_are_given_with_the_options()
    {
        var (options, backup) = (Options, _folder["backup"]);
        // snippet: callbacks
        var trainer = new Trainer(options with
        {
            Callbacks =
            [
                new ModelCheckpoint { Monitor = Best.Max("val/accuracy"), Keep = 3, MirrorTo = new FolderStorage(backup) },
                new EarlyStopping(Best.Max("val/accuracy"), patience: 5) { StoppingThreshold = 0.99 },
                new LambdaCallback { TrainEpochEnd = epoch => epoch.Log("epoch", epoch.Index) },
            ],
        });
        // end snippet
        var result = trainer.Fit(_model, new DataLoaders<LabeledBatch>(_set.Batches(16), _set.Batches(16)));
        Assert.Equal(result.Epochs - 1, result.Metrics["epoch"]);
        Assert.NotEmpty(Directory.EnumerateDirectories(backup));
    }
}
