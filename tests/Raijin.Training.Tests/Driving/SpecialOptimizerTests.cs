using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Driving;

/// <summary>Optimizers whose step is of another kind: L-BFGS, which asks for the loss again, and those that evaluate other weights than they train.</summary>
public sealed class SpecialOptimizerTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    sealed class Model(Func<Module, OptimizerSetup> optimizer) : TrainingModule<LabeledBatch>
    {
        public Module<Tensor, Tensor> Net { get; } = Sequential(Linear(8, 8), Tanh(), Linear(8, 3));

        public int Evaluations { get; private set; }

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            Evaluations++;
            var loss = functional.cross_entropy(Net.call(batch.Inputs), batch.Labels);
            step.Log("train/loss", loss);
            return loss;
        }

        protected override void ValidationStep(LabeledBatch batch, EvalStep step) => step.Log("val/loss", functional.cross_entropy(Net.call(batch.Inputs), batch.Labels));

        protected override OptimizerSetup ConfigureOptimizers() => optimizer(this);
    }

    TrainerOptions Options => Fixture.Quiet(_folder["run"]) with { MaxEpochs = 4, Checkpoints = false };

    DataLoaders<LabeledBatch> Whole => new(_set.Batches(new LoaderOptions { BatchSize = 48, Shuffle = false }), _set.Batches(48));

    [Fact]
    public void L_bfgs_takes_the_steps_of_a_hand_written_loop()
    {
        using var scope = NewDisposeScope();
        using var model = new Model(m => Optimizers.Lbfgs(m, learningRate: 0.5, maxIterations: 5));
        using var byHand = new Model(m => Optimizers.Lbfgs(m));
        byHand.load_state_dict(model.state_dict());
        new Trainer(Options).Fit(model, Whole);

        var all = _set.All();
        using var optimizer = new Lbfgs(new LbfgsOptions(MaxIterations: 5), new ParameterGroup("all", [.. byHand.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter))], 0.5));
        for (var i = 0; i < 4; i++)
        {
            optimizer.Step(() =>
            {
                var loss = functional.cross_entropy(byHand.Net.call(all.Inputs), all.Labels);
                loss.backward();
                return loss.item<float>();
            });
        }
        Fixture.AssertBitwise(Fixture.Weights(byHand), Fixture.Weights(model));
        Assert.True(model.Evaluations > 4);
    }

    [Fact]
    public void L_bfgs_resumed_has_the_bits_of_one_that_never_stopped()
    {
        static OptimizerSetup Setup(Module m) => Optimizers.Lbfgs(m, maxIterations: 4, history: 5, strongWolfe: true);
        using var whole = new Model(Setup);
        using var parts = new Model(Setup);
        parts.load_state_dict(whole.state_dict());
        new Trainer(Options with { Output = _folder["whole"] }).Fit(whole, Whole);
        new Trainer(Options with { MaxEpochs = 2, Checkpoints = true }).Fit(parts, Whole);
        using var resumed = new Model(Setup);
        var result = new Trainer(Options with { Checkpoints = true }).Fit(resumed, Whole, Resume.Last);
        Assert.Equal(4, result.Steps);
        Fixture.AssertBitwise(Fixture.Weights(whole), Fixture.Weights(resumed));
    }

    [Fact]
    public void What_l_bfgs_cannot_have_is_refused_with_what_to_do()
    {
        using var model = new Model(m => Optimizers.Lbfgs(m));
        Assert.Contains("leave clipping out", Assert.Throws<InvalidOptionsException>(() => new Trainer(Options with { ClipGradients = Clip.Norm(1) }).Fit(model, Whole)).Message);
        Assert.Contains("give it a larger batch", Assert.Throws<InvalidOptionsException>(() => new Trainer(Options with { AccumulateGradients = 2 }).Fit(model, Whole)).Message);
        Assert.Contains("float32 or float64", Assert.Throws<InvalidOptionsException>(() => new Trainer(Options with { Precision = Precision.BFloat16 }).Fit(model, Whole)).Message);
    }

    [Fact]
    public void A_schedule_free_run_evaluates_and_ends_with_the_averaged_weights()
    {
        using var model = new Model(m => Optimizers.ScheduleFreeAdamW(m, 1e-2));
        Dictionary<string, float[]> training = [], evaluating = [], after = [];
        var look = new LambdaCallback
        {
            TrainStepEnd = step => training = Fixture.Weights(step.Run.Module),
            ValidationStart = epoch => evaluating = epoch.Run is { } run ? Fixture.Weights(run.Module) : evaluating,
            TrainEpochEnd = epoch => after = Fixture.Weights(epoch.Run.Module),
        };
        var trainer = new Trainer(Options with { Checkpoints = true, Callbacks = [look] });
        var fit = trainer.Fit(model, Whole);
        Fixture.AssertBitwise(training, after);
        Assert.NotEqual(training.Values.First(), evaluating.Values.First());
        Fixture.AssertBitwise(evaluating, Fixture.Weights(model));
        Assert.Equal(fit.Metrics["val/loss"], trainer.Validate(model, _set.Batches(48))["val/loss"]);
    }
}
