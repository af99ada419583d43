using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Training.Tests.Driving;

/// <summary>The order of everything a run calls, as literal lists.</summary>
public sealed class HookOrderTests
{
    static List<string> Run(Func<List<string>, RecordingHooks> make, Action<Trainer, RecordingHooks, LabeledDataset> act, TrainerOptions options)
    {
        using var set = Fixture.Blobs(48);
        var calls = new List<string>();
        using var model = make(calls);
        act(new Trainer(options with { Callbacks = [.. options.Callbacks, new RecordingCallback(calls)] }), model, set);
        return calls;
    }

    static void FitPlainly(Trainer trainer, RecordingHooks model, LabeledDataset set) => trainer.Fit(model, new DataLoaders<LabeledBatch>(set.Batches(16), set.Batches(32)));

    // Only what the module's side says, to keep the lists readable where callbacks add nothing new.
    static IEnumerable<string> OfModule(IEnumerable<string> calls) => calls.Where(c => !c.StartsWith("cb ", StringComparison.Ordinal));

    [Fact]
    public void Everything_of_a_fit_with_accumulation_sanity_check_validation_and_checkpoint()
    {
        using var folder = new TemporaryFolder();
        var options = Fixture.Quiet(folder["run"]) with { MaxEpochs = 1, AccumulateGradients = 2, SanityValidationBatches = 1, Log = Every.Steps(2), Loggers = [new CsvLogger()], Callbacks = [new ModelCheckpoint { InBackground = false }] };
        var calls = Run(c => new RecordingModule(c), FitPlainly, options);
        Assert.Equal(
            [
                "cb Setup Fit", "Setup Fit", "configure model", "configure optimizers", "cb FitStart", "FitStart",
                "cb SanityCheckStart", "SanityCheckStart", "evaluation mode",
                "cb ValidationStart", "ValidationStart", "cb ValidationEpochStart", "ValidationEpochStart",
                "cb ValidationBatchStart 0", "ValidationBatchStart 0", "validation step", "cb ValidationBatchEnd 0", "ValidationBatchEnd 0",
                "cb ValidationEpochEnd", "ValidationEpochEnd", "cb ValidationEnd", "ValidationEnd", "training mode",
                "cb SanityCheckEnd", "SanityCheckEnd",
                "cb TrainStart", "TrainStart",
                "cb TrainEpochStart 0", "TrainEpochStart 0",
                "cb TrainBatchStart 0", "TrainBatchStart 0", "training step", "cb BeforeBackward", "BeforeBackward", "cb AfterBackward", "AfterBackward", "cb TrainBatchEnd 0", "TrainBatchEnd 0",
                "cb TrainBatchStart 1", "TrainBatchStart 1", "training step", "cb BeforeBackward", "BeforeBackward", "cb AfterBackward", "AfterBackward", "cb TrainBatchEnd 1", "TrainBatchEnd 1",
                "cb BeforeOptimizerStep", "BeforeOptimizerStep", "cb BeforeZeroGradients", "BeforeZeroGradients", "cb TrainStepEnd 0", "TrainStepEnd 0",
                "cb TrainBatchStart 2", "TrainBatchStart 2", "training step", "cb BeforeBackward", "BeforeBackward", "cb AfterBackward", "AfterBackward", "cb TrainBatchEnd 2", "TrainBatchEnd 2",
                "cb BeforeOptimizerStep", "BeforeOptimizerStep", "cb BeforeZeroGradients", "BeforeZeroGradients", "cb TrainStepEnd 1", "TrainStepEnd 1",
                "cb Log", "Log",
                "evaluation mode", "cb ValidationStart", "ValidationStart", "cb ValidationEpochStart", "ValidationEpochStart",
                "cb ValidationBatchStart 0", "ValidationBatchStart 0", "validation step", "cb ValidationBatchEnd 0", "ValidationBatchEnd 0",
                "cb ValidationBatchStart 1", "ValidationBatchStart 1", "validation step", "cb ValidationBatchEnd 1", "ValidationBatchEnd 1",
                "cb ValidationEpochEnd", "ValidationEpochEnd", "cb ValidationEnd", "ValidationEnd", "training mode",
                "cb TrainEpochEnd 0", "TrainEpochEnd 0", "cb CheckpointSaved 2", "CheckpointSaved 2",
                "cb TrainEnd", "TrainEnd", "cb FitEnd", "FitEnd", "cb Teardown Fit", "Teardown Fit",
            ],
            calls);
    }

    [Fact]
    public void Validation_in_the_middle_of_an_epoch_and_at_the_end_of_training()
    {
        using var folder = new TemporaryFolder();
        var calls = Run(c => new RecordingModule(c), FitPlainly, Fixture.Quiet(folder["run"]) with { MaxEpochs = null, MaxSteps = 4, Validate = Every.Steps(3), Checkpoints = false });
        Assert.Equal(
            ["TrainStart", "TrainEpochStart 0", "TrainStepEnd 0", "TrainStepEnd 1", "TrainStepEnd 2", "ValidationEnd", "TrainEpochEnd 0", "TrainEpochStart 1", "TrainStepEnd 3", "ValidationEnd", "TrainEnd"],
            OfModule(calls).Where(c => c.StartsWith("Train", StringComparison.Ordinal) && !c.Contains("Batch") || c == "ValidationEnd"));
    }

    [Fact]
    public void Parts_of_an_epoch_are_counted_from_its_start()
    {
        using var folder = new TemporaryFolder();
        // Three steps an epoch: a part of 0.4 is one whole step, of 0.7 two.
        List<string> Validations(double part) => [.. OfModule(Run(c => new RecordingModule(c), FitPlainly, Fixture.Quiet(folder[$"run{part}"]) with { Validate = Every.PartOfEpoch(part), Checkpoints = false }))
            .Where(c => c.StartsWith("TrainStepEnd", StringComparison.Ordinal) || c == "ValidationEnd")];
        Assert.Equal(6, Validations(0.4).Count(c => c == "ValidationEnd"));
        Assert.Equal(
            ["TrainStepEnd 0", "TrainStepEnd 1", "ValidationEnd", "TrainStepEnd 2", "TrainStepEnd 3", "TrainStepEnd 4", "ValidationEnd", "TrainStepEnd 5", "ValidationEnd"],
            Validations(0.7));
    }

    sealed class Manual(List<string> calls) : RecordingHooks(calls)
    {
        protected override void ManualStep(LabeledBatch batch, ManualStep step)
        {
            Note("manual step");
            step.Update(this, () => Loss(batch));
        }
    }

    sealed class Overriding(List<string> calls) : RecordingModule(calls)
    {
        protected override LabeledBatch BeforeTransfer(LabeledBatch batch)
        {
            Note("before transfer");
            return base.BeforeTransfer(batch);
        }

        protected override LabeledBatch Transfer(LabeledBatch batch, Device device)
        {
            Note("transfer");
            return base.Transfer(batch, device);
        }

        protected override LabeledBatch AfterTransfer(LabeledBatch batch)
        {
            Note("after transfer");
            return base.AfterTransfer(batch);
        }

        protected override void Backward(TrainStep step, Tensor loss)
        {
            Note("backward");
            base.Backward(step, loss);
        }

        protected override void OptimizerStep(TrainStep step, RunOptimizer optimizer)
        {
            Note("optimizer step {");
            base.OptimizerStep(step, optimizer);
            Note("}");
        }

        protected override void ClipGradients(TrainStep step, RunOptimizer optimizer) => Note("clip");

        protected override void ZeroGradients(TrainStep step, RunOptimizer optimizer)
        {
            Note("zero gradients");
            base.ZeroGradients(step, optimizer);
        }

        protected override void ScheduleStep(TrainStep step, RunOptimizer optimizer)
        {
            Note("schedule step");
            base.ScheduleStep(step, optimizer);
        }
    }

    [Fact]
    public void Every_part_of_a_step_that_a_module_does_its_own_way()
    {
        using var folder = new TemporaryFolder();
        var calls = Run(c => new Overriding(c), FitPlainly, Fixture.Quiet(folder["run"]) with { MaxEpochs = null, MaxSteps = 1, Validate = Every.Never, Checkpoints = false });
        Assert.Equal(
            [
                "TrainEpochStart 0", "before transfer", "transfer", "after transfer", "TrainBatchStart 0", "training step", "BeforeBackward", "backward", "AfterBackward", "TrainBatchEnd 0",
                "optimizer step {", "BeforeOptimizerStep", "clip", "BeforeZeroGradients", "zero gradients", "schedule step", "}", "TrainStepEnd 0", "TrainEnd",
            ],
            OfModule(calls).SkipWhile(c => c != "TrainEpochStart 0").TakeWhile(c => c != "FitEnd"));
    }

    [Fact]
    public void A_manual_step_encloses_its_backward_pass_and_its_update()
    {
        using var folder = new TemporaryFolder();
        var calls = Run(c => new Manual(c), FitPlainly, Fixture.Quiet(folder["run"]) with { MaxEpochs = null, MaxSteps = 1, Validate = Every.Never, Checkpoints = false });
        Assert.Equal(
            ["TrainEpochStart 0", "TrainBatchStart 0", "manual step", "BeforeOptimizerStep", "BeforeZeroGradients", "TrainBatchEnd 0", "TrainStepEnd 0", "TrainEnd"],
            OfModule(calls).SkipWhile(c => c != "TrainEpochStart 0").TakeWhile(c => c != "FitEnd"));
    }

    [Fact]
    public void An_error_in_a_step_reaches_everybody_once_and_then_the_caller()
    {
        using var folder = new TemporaryFolder();
        var calls = Run(
            c => new RecordingModule(c) { Fails = step => step.Index == 1 },
            (trainer, model, set) => Assert.Equal("the step fails", Assert.Throws<InvalidOperationException>(() => FitPlainly(trainer, model, set)).Message),
            Fixture.Quiet(folder["run"]) with { Checkpoints = false });
        Assert.Equal(["training step", "cb Exception", "Exception", "cb Teardown Fit", "Teardown Fit"], calls.TakeLast(5));
        Assert.DoesNotContain("FitEnd", calls);
    }

    [Fact]
    public void A_resumed_fit_skips_the_sanity_check_and_goes_on_where_it_was()
    {
        using var folder = new TemporaryFolder();
        var options = Fixture.Quiet(folder["run"]) with { MaxEpochs = null, MaxSteps = 2, SanityValidationBatches = 1, Callbacks = [new ModelCheckpoint { InBackground = false }] };
        Run(c => new RecordingModule(c), FitPlainly, options);
        var calls = Run(
            c => new RecordingModule(c),
            (trainer, model, set) => trainer.Fit(model, new DataLoaders<LabeledBatch>(set.Batches(16), set.Batches(32)), Resume.Last),
            options with { MaxSteps = 3 });
        Assert.Equal(
            [
                "Setup Fit", "configure model", "configure optimizers", "FitStart", "TrainStart",
                "TrainBatchStart 2", "training step", "BeforeBackward", "AfterBackward", "TrainBatchEnd 2", "BeforeOptimizerStep", "BeforeZeroGradients", "TrainStepEnd 2",
                "evaluation mode", "ValidationStart",
            ],
            OfModule(calls).Take(15));
    }

    [Fact]
    public void Several_loaders_are_validated_one_after_another_within_one_validation()
    {
        using var folder = new TemporaryFolder();
        var calls = Run(
            c => new RecordingModule(c),
            (trainer, model, set) => trainer.Validate(model, LoaderSet.Of(("near", set.Batches(32)), ("far", set.Batches(48)))),
            Fixture.Quiet(folder["run"]));
        Assert.Equal(
            [
                "Setup Validate", "configure model", "evaluation mode", "ValidationStart", "ValidationEpochStart",
                "ValidationBatchStart near 0", "validation step", "ValidationBatchEnd near 0", "ValidationBatchStart near 1", "validation step", "ValidationBatchEnd near 1",
                "ValidationBatchStart far 0", "validation step", "ValidationBatchEnd far 0",
                "ValidationEpochEnd", "ValidationEnd", "training mode", "Teardown Validate",
            ],
            OfModule(calls));
    }

    [Fact]
    public void A_test_has_hooks_of_its_own()
    {
        using var folder = new TemporaryFolder();
        var calls = Run(c => new RecordingModule(c), (trainer, model, set) => trainer.Test(model, set.Batches(48)), Fixture.Quiet(folder["run"]));
        Assert.Equal(
            [
                "Setup Test", "configure model", "evaluation mode", "TestStart", "TestEpochStart", "TestBatchStart 0", "test step", "TestBatchEnd 0", "TestEpochEnd", "TestEnd", "training mode",
                "Teardown Test",
            ],
            OfModule(calls));
        Assert.Equal(OfModule(calls).Where(c => c.StartsWith("Test", StringComparison.Ordinal)), calls.Where(c => c.StartsWith("cb Test", StringComparison.Ordinal)).Select(c => c[3..]));
    }

    [Fact]
    public void Prediction_has_hooks_of_its_own()
    {
        using var folder = new TemporaryFolder();
        var calls = Run(
            c => new RecordingModule(c),
            (trainer, model, set) =>
            {
                foreach (var answer in trainer.Predict(model, set.Batches(32))) answer.Dispose();
            },
            Fixture.Quiet(folder["run"]));
        Assert.Equal(
            [
                "Setup Predict", "configure model", "evaluation mode", "PredictStart", "PredictEpochStart", "PredictBatchStart 0", "predict step", "PredictBatchEnd 0",
                "PredictBatchStart 1", "predict step", "PredictBatchEnd 1", "PredictEpochEnd", "PredictEnd", "training mode", "Teardown Predict",
            ],
            OfModule(calls));
    }

    [Fact]
    public void Callbacks_and_modules_have_the_same_hooks()
    {
        static IEnumerable<string> Hooks(Type type) => type.GetMethods().Where(m => m.Name.StartsWith("On", StringComparison.Ordinal) && m.IsVirtual).Select(m => m.Name).Order(StringComparer.Ordinal);
        Assert.Equal(Hooks(typeof(Callback)), Hooks(typeof(TrainingModule<LabeledBatch>)));
        Assert.Equal(Hooks(typeof(Callback)), Hooks(typeof(IRunHooks)));
    }
}
