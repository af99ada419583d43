using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Training.Tests.Driving;

/// <summary>What single options of the trainer do to a fit, and what a plan says of them beforehand.</summary>
public sealed class TrainerOptionTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(96);
    readonly TemporaryFolder _folder = new();
    readonly SmallClassifier _model = new() { Optimizer = m => Optimizers.AdamW(m, 1e-2) };

    public void Dispose()
    {
        _model.Dispose();
        _set.Dispose();
        _folder.Dispose();
    }

    TrainerOptions Options => Fixture.Quiet(_folder["run"]) with { Checkpoints = false, MaxEpochs = 2 };

    // Six batches.
    DataLoaders<LabeledBatch> Data => new(_set.Batches(16), _set.Batches(16));

    RunPlan Plan(TrainerOptions options) => new Trainer(options).Plan(_model, Data);

    [Fact]
    public void Training_is_limited_by_a_count_or_by_a_share_and_the_plan_knows_the_steps()
    {
        Assert.Equal((6, 12), (Plan(Options).BatchesPerEpoch!.Value, Plan(Options).EstimatedSteps!.Value));
        Assert.Equal((2, 4), (Plan(Options with { LimitTrain = Limit.Batches(2) }).BatchesPerEpoch!.Value, Plan(Options with { LimitTrain = Limit.Batches(2) }).EstimatedSteps!.Value));
        Assert.Equal(3, Plan(Options with { LimitTrain = Limit.Fraction(0.5) }).BatchesPerEpoch);
        // Four and two microbatches make two steps of an epoch.
        Assert.Equal(4, Plan(Options with { AccumulateGradients = 4 }).EstimatedSteps);
        Assert.Equal(7, Plan(Options with { MaxSteps = 7 }).EstimatedSteps);
        Assert.Null(Plan(Options with { MaxEpochs = null, MaxTime = TimeSpan.FromHours(1) }).EstimatedSteps);

        var result = new Trainer(Options with { LimitTrain = Limit.Fraction(0.5) }).Fit(_model, Data);
        Assert.Equal((6, 96), (result.Steps, result.Samples));
    }

    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(2, 0, 12)]
    [InlineData(0, 5, 5)]
    public void A_stop_is_not_obeyed_before_the_least_that_was_asked_for(long minEpochs, long minSteps, long steps)
    {
        var options = Options with { MaxEpochs = 10, MinEpochs = minEpochs, MinSteps = minSteps, Callbacks = [new LambdaCallback { TrainStepEnd = s => s.Run.RequestStop("enough") }] };
        var result = new Trainer(options).Fit(_model, Data);
        Assert.Equal((steps, "enough"), (result.Steps, result.StopReason));
    }

    sealed class Clock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }

    [Fact]
    public void The_time_is_up_at_the_end_of_a_step_over_all_resumes()
    {
        var clock = new Clock();
        var tick = new LambdaCallback { TrainBatchStart = _ => clock.Seconds += 10 };
        var options = Options with { MaxEpochs = null, Checkpoints = true, Time = clock, Callbacks = [tick] };
        var result = new Trainer(options with { MaxTime = TimeSpan.FromSeconds(25) }).Fit(_model, Data);
        Assert.Equal((3, "maxTime = 00:00:25 reached"), (result.Steps, result.StopReason));
        Assert.Equal(5, new Trainer(options with { MaxTime = TimeSpan.FromSeconds(50) }).Fit(_model, Data, Resume.Last).Steps);
    }

    [Fact]
    public void A_fast_development_run_leaves_nothing_behind()
    {
        var result = new Trainer(Options with { FastDevRun = 2, MaxEpochs = null, Checkpoints = true, Loggers = null }).Fit(_model, Data);
        Assert.Equal((2, 1), (result.Steps, result.Epochs));
        Assert.Null(result.Directory);
        Assert.False(Directory.Exists(_folder["run"]));
    }

    [Fact]
    public void What_has_no_effect_is_said_beforehand()
    {
        Assert.Contains(Plan(Options with { Benchmark = true }).Warnings, w => w.Contains("benchmark is set", StringComparison.Ordinal));
        Assert.Contains(Plan(Options with { MaxRestarts = 2 }).Warnings, w => w.StartsWith("maxRestarts is set, but the trainer has started no ranks", StringComparison.Ordinal));
        Assert.Contains(Plan(Options with { OverfitBatches = Limit.Batches(1), LimitTrain = Limit.Batches(2) }).Warnings, w => w.Contains("limitTrain", StringComparison.Ordinal));
        Assert.Contains("at most 12 steps", Plan(Options).ToString());
    }

    [Fact]
    public void The_last_batch_of_an_epoch_is_known_by_its_number()
    {
        var last = new List<long>();
        var options = Options with { Callbacks = [new LambdaCallback { TrainBatchStart = s => { if (s.Batch == s.Run.Plan.BatchesPerEpoch - 1) last.Add(s.Epoch * 100 + s.Index); } }] };
        new Trainer(options).Fit(_model, Data);
        Assert.Equal([5, 111], last);
    }

    [Fact]
    public void The_validation_that_the_end_adds_is_marked()
    {
        var extra = new List<bool>();
        new Trainer(Options with { MaxEpochs = null, MaxSteps = 5, Validate = Every.Steps(2), Callbacks = [new LambdaCallback { ValidationEnd = e => extra.Add(e.IsExtra) }] }).Fit(_model, Data);
        Assert.Equal([false, false, true], extra);
    }

    sealed class Reducing : TrainingModuleOfBlobs
    {
        protected override void ValidationStep(LabeledBatch batch, EvalStep step)
        {
            foreach (var reduce in Enum.GetValues<Reduce>()) step.Log($"val/{reduce}", step.Index + 1.0, reduce);
            step.Log("val/weighted", step.Index + 1.0, weight: step.Index == 0 ? 3 : 1);
        }
    }

    abstract class TrainingModuleOfBlobs : TrainingModule<LabeledBatch>
    {
        readonly TorchSharp.Modules.Linear _layer = nn.Linear(8, 3);

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => nn.functional.cross_entropy(_layer.call(batch.Inputs), batch.Labels);

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);
    }

    [Fact]
    public void Values_of_an_evaluation_become_one_as_asked()
    {
        using var model = new Reducing();
        // Batches of 40, 40 and 16 samples, which log 1, 2 and 3.
        var result = new Trainer(Options).Validate(model, _set.Batches(new LoaderOptions { BatchSize = 40, Shuffle = false, Remainder = Remainder.Exact }));
        Assert.Equal((1 * 40 + 2 * 40 + 3 * 16) / 96.0, result["val/Mean"], 1e-12);
        Assert.Equal((6, 1, 3, 3), (result["val/Sum"], result["val/Min"], result["val/Max"], result["val/Last"]));
        Assert.Equal((3 + 2 + 3) / 5.0, result["val/weighted"], 1e-12);
    }

    [Fact]
    public void Restarts_need_a_folder_and_a_number_of_ranks_that_is_allowed()
    {
        // Refused before any rank is started.
        var error = Assert.Throws<InvalidOptionsException>(() => new Trainer(Options with { Devices = 2, MaxRestarts = 1, Output = null }));
        Assert.Equal("trainer.output", Assert.Single(error.Faults).Key);
        Assert.Contains("is not set, but maxRestarts = 1", error.Faults[0].Message, StringComparison.Ordinal);
        Assert.Equal(
            ["trainer.maxRestarts: = -1; allowed: 0 and more", "trainer.elasticRanks: = 1, 2, 4 has not devices = 3: add it, or start another number"],
            (Options with { Devices = 3, MaxRestarts = -1, ElasticRanks = [1, 2, 4] }).Faults().Select(fault => $"{fault.Key}: {fault.Message}"));
    }
}
