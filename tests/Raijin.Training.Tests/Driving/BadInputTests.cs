using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Driving;

/// <summary>What a user can get wrong, and what the message says.</summary>
public sealed class BadInputTests
{
    sealed class Scripted(Func<Tensor, Tensor, Tensor> loss) : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Sequential(("first", Linear(8, 4)), ("second", Linear(4, 3)));

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => loss(_net.call(batch.Inputs), batch.Labels);

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);
    }

    static T Fails<T>(Func<Tensor, Tensor, Tensor> loss, Func<TrainerOptions, TrainerOptions>? change = null) where T : Exception
    {
        using var set = Fixture.Blobs(32);
        using var model = new Scripted(loss);
        var options = Fixture.Quiet("unused") with { FastDevRun = 2 };
        return Assert.Throws<T>(() => new Trainer(change?.Invoke(options) ?? options).Fit(model, set.Batches(16)));
    }

    [Fact]
    public void A_loss_that_is_not_finite_names_step_and_batch_and_what_to_do()
    {
        var error = Fails<NonFiniteLossException>((scores, labels) => functional.cross_entropy(scores, labels) * float.NaN);
        Assert.Equal((0, 0, 0), (error.Step, error.Epoch, error.Batch));
        Assert.Contains("NaN at step 0 (epoch 0, batch 0)", error.Message);
        Assert.Contains("detectAnomaly", error.Message);
    }

    [Fact]
    public void On_request_the_first_module_with_a_non_finite_output_is_named()
    {
        using var set = Fixture.Blobs(32);
        using var model = new Scripted((scores, labels) => functional.cross_entropy(scores, labels));
        using (no_grad()) model.named_parameters().Single(p => p.name == "_net.second.weight").parameter.fill_(float.PositiveInfinity);
        var error = Assert.Throws<NonFiniteLossException>(() => new Trainer(Fixture.Quiet("unused") with { FastDevRun = 1, DetectAnomaly = true }).Fit(model, set.Batches(16)));
        Assert.Equal("_net.second", error.FirstNonFinite!.Module);
    }

    [Fact]
    public void A_loss_with_several_elements_is_refused_with_its_shape()
    {
        var error = Fails<ShapeMismatchException>((scores, labels) => functional.cross_entropy(scores, labels, reduction: Reduction.None));
        Assert.Contains("[16]", error.Message);
        Assert.Contains("mean()", error.Message);
    }

    [Fact]
    public void A_detached_loss_is_refused()
    {
        var error = Fails<InvalidOperationException>((scores, labels) => functional.cross_entropy(scores, labels).detach());
        Assert.Contains("without a gradient", error.Message);
    }

    [Fact]
    public void A_tensor_of_an_earlier_step_is_explained()
    {
        Tensor? old = null;
        var error = Fails<InvalidOperationException>((scores, labels) =>
        {
            var loss = functional.cross_entropy(scores, labels);
            if (old is not null) return loss + old;
            old = loss;
            return loss;
        });
        Assert.Contains("step.Keep", error.Message);
    }

    [Fact]
    public void All_faults_of_the_options_come_at_once()
    {
        var error = Fails<InvalidOptionsException>((scores, labels) => functional.cross_entropy(scores, labels),
            _ => Fixture.Quiet("unused") with { MaxEpochs = 0, AccumulateGradients = 0, Precision = Precision.Float16, Log = Every.Epochs(1), MinSteps = 5, MaxSteps = 3 });
        Assert.Equal(["trainer.maxEpochs", "trainer.minSteps", "trainer.accumulateGradients", "trainer.log", "trainer.precision"], error.Faults.Select(f => f.Key));
    }

    [Fact]
    public void Without_a_limit_training_is_refused()
    {
        var error = Fails<InvalidOptionsException>((scores, labels) => functional.cross_entropy(scores, labels), o => o with { FastDevRun = 0, MaxEpochs = null });
        Assert.Contains("maxSteps", error.Message);
    }

    [Fact]
    public void A_read_only_output_folder_is_refused_before_training()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["file"], "");
        var error = Fails<InvalidOptionsException>((scores, labels) => functional.cross_entropy(scores, labels), o => o with { FastDevRun = 0, MaxEpochs = 1, Output = folder["file"] + "/run" });
        Assert.Contains("trainer.output", error.Message);
    }

    [Fact]
    public void A_callback_that_throws_ends_the_run_with_its_own_error()
    {
        using var set = Fixture.Blobs(32);
        using var model = new SmallClassifier();
        var error = Assert.Throws<NotSupportedException>(() => new Trainer(Fixture.Quiet("unused") with { FastDevRun = 1, Callbacks = [new Throwing()] }).Fit(model, set.Batches(16)));
        Assert.Equal("the callback's own words", error.Message);
    }

    sealed class Throwing : Callback
    {
        public override void OnTrainStepEnd(TrainStep step) => throw new NotSupportedException("the callback's own words");
    }
}
