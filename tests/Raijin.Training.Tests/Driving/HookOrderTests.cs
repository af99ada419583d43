using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Driving;

/// <summary>The order of everything a run calls, as literal lists.</summary>
public sealed class HookOrderTests
{
    sealed class Recorder(List<string> calls) : Callback
    {
        public override void OnFitStart(TrainingRun run) => calls.Add("cb fit start");
        public override void OnFitEnd(TrainingRun run) => calls.Add("cb fit end");
        public override void OnException(TrainingRun run, Exception error) => calls.Add("cb exception");
        public override void OnTrainEpochStart(TrainEpoch epoch) => calls.Add($"cb epoch {epoch.Index} start");
        public override void OnTrainEpochEnd(TrainEpoch epoch) => calls.Add($"cb epoch {epoch.Index} end");
        public override void OnTrainBatchStart(TrainStep step) => calls.Add($"cb batch {step.Batch} start");
        public override void OnTrainBatchEnd(TrainStep step) => calls.Add($"cb batch {step.Batch} end");
        public override void OnBeforeBackward(TrainStep step, Tensor loss) => calls.Add("cb before backward");
        public override void OnAfterBackward(TrainStep step) => calls.Add("cb after backward");
        public override void OnBeforeOptimizerStep(TrainStep step) => calls.Add("cb before optimizer");
        public override void OnTrainStepEnd(TrainStep step) => calls.Add($"cb step {step.Index} end");
        public override void OnValidationStart(EvalEpoch epoch) => calls.Add($"cb {epoch.Phase} start");
        public override void OnValidationBatchEnd(EvalStep step) => calls.Add($"cb {step.Phase} batch {step.Index} end");
        public override void OnValidationEnd(EvalEpoch epoch) => calls.Add($"cb {epoch.Phase} end");
        public override void OnCheckpointSaved(TrainingRun run, CheckpointInfo checkpoint) => calls.Add($"cb saved {checkpoint.Step}");
    }

    sealed class Model(List<string> calls) : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Linear(8, 3);

        public bool Fails { get; init; }

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            calls.Add("training step");
            if (Fails) throw new InvalidOperationException("the step fails");
            return functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);
        }

        protected override void ValidationStep(LabeledBatch batch, EvalStep step) => calls.Add("validation step");
        protected override void OnTrainStepEnd(TrainStep step) => calls.Add($"module step {step.Index} end");
        protected override void OnValidationEnd(EvalEpoch epoch) => calls.Add($"module {epoch.Phase} end");
        protected override OptimizerSetup ConfigureOptimizers()
        {
            calls.Add("configure optimizers");
            return Optimizers.Sgd(this, 0.1);
        }
    }

    static List<string> Run(TrainerOptions options, bool fails = false)
    {
        using var set = Fixture.Blobs(48);
        var calls = new List<string>();
        using var model = new Model(calls) { Fails = fails };
        var run = () => new Trainer(options with { Callbacks = [.. options.Callbacks, new Recorder(calls)] }).Fit(model, new DataLoaders<LabeledBatch>(set.Batches(16), set.Batches(32)));
        if (fails) Assert.Throws<InvalidOperationException>(run);
        else run();
        return calls;
    }

    [Fact]
    public void An_epoch_of_accumulated_steps_with_sanity_check_validation_and_checkpoint()
    {
        using var folder = new TemporaryFolder();
        var calls = Run(Fixture.Quiet(folder["run"]) with { MaxEpochs = 1, AccumulateGradients = 2, SanityValidationBatches = 1, Callbacks = [new ModelCheckpoint { InBackground = false }] });
        Assert.Equal(
            [
                "configure optimizers", "cb fit start",
                "cb Sanity start", "validation step", "cb Sanity batch 0 end", "cb Sanity end", "module Sanity end",
                "cb epoch 0 start",
                "cb batch 0 start", "training step", "cb before backward", "cb after backward", "cb batch 0 end",
                "cb batch 1 start", "training step", "cb before backward", "cb after backward", "cb batch 1 end",
                "cb before optimizer", "cb step 0 end", "module step 0 end",
                "cb batch 2 start", "training step", "cb before backward", "cb after backward", "cb batch 2 end",
                "cb before optimizer", "cb step 1 end", "module step 1 end",
                "cb Validation start", "validation step", "cb Validation batch 0 end", "validation step", "cb Validation batch 1 end", "cb Validation end", "module Validation end",
                "cb epoch 0 end", "cb saved 2", "cb fit end",
            ],
            calls);
    }

    [Fact]
    public void Validation_in_the_middle_of_an_epoch_and_at_the_end_of_training()
    {
        using var folder = new TemporaryFolder();
        var calls = Run(Fixture.Quiet(folder["run"]) with { MaxEpochs = null, MaxSteps = 4, Validate = Every.Steps(3), Checkpoints = false });
        Assert.Equal(
            ["cb step 0 end", "cb step 1 end", "cb step 2 end", "cb Validation end", "cb epoch 0 end", "cb step 3 end", "cb Validation end", "cb fit end"],
            calls.Where(c => c is "cb Validation end" or "cb epoch 0 end" or "cb fit end" || c.StartsWith("cb step", StringComparison.Ordinal)));
    }

    [Fact]
    public void An_error_in_a_step_reaches_every_callback_and_then_the_caller()
    {
        using var folder = new TemporaryFolder();
        var calls = Run(Fixture.Quiet(folder["run"]) with { Checkpoints = false }, fails: true);
        Assert.Equal("cb exception", calls[^1]);
        Assert.DoesNotContain("cb fit end", calls);
    }
}
