using Raijin.Testing;

namespace Raijin.Training.Tests.Callbacks;

public sealed class GradientAccumulationSchedulerTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(56);
    readonly TemporaryFolder _folder = new();
    readonly SmallClassifier _model = new() { Optimizer = m => Optimizers.AdamW(m, 1e-2) };

    public void Dispose()
    {
        _model.Dispose();
        _set.Dispose();
        _folder.Dispose();
    }

    static GradientAccumulationScheduler Scheduler => new(new Dictionary<long, int> { [1] = 3, [3] = 7 });

    TrainerOptions Options => Fixture.Quiet(_folder["run"]) with { MaxEpochs = 4, Checkpoints = false, Callbacks = [Scheduler] };

    [Fact]
    public void Each_epoch_has_the_steps_of_its_factor_and_the_plan_knows_them_all()
    {
        List<long> steps = [];
        var options = Options with { Callbacks = [Scheduler, new LambdaCallback { TrainEpochEnd = e => steps.Add(e.Run.Step) }] };
        var data = new DataLoaders<LabeledBatch>(_set.Batches(8));
        var plan = new Trainer(options).Plan(_model, data);
        // Seven batches: 7 steps, then 3 (3 + 3 + 1), 3, and 1.
        Assert.Equal((14, 7L, 3L, 1L), (plan.EstimatedSteps, plan.StepsIn(0), plan.StepsIn(2), plan.StepsIn(3)));
        var result = new Trainer(options).Fit(_model, data);
        Assert.Equal([7, 10, 13, 14], steps);
        Assert.Equal(14, result.Steps);
    }

    [Fact]
    public void A_run_resumed_after_a_change_goes_on_with_it()
    {
        using var whole = new SmallClassifier { Optimizer = m => Optimizers.AdamW(m, 1e-2) };
        whole.load_state_dict(_model.state_dict());
        new Trainer(Options with { Output = _folder["whole"], Checkpoints = true }).Fit(whole, _set.Batches(8));
        new Trainer(Options with { MaxEpochs = 2, Checkpoints = true }).Fit(_model, _set.Batches(8));
        using var resumed = new SmallClassifier { Optimizer = m => Optimizers.AdamW(m, 1e-2) };
        new Trainer(Options with { Checkpoints = true }).Fit(resumed, _set.Batches(8), Resume.Last);
        Fixture.AssertBitwise(Fixture.Weights(whole), Fixture.Weights(resumed));
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        var data = new DataLoaders<LabeledBatch>(_set.Batches(8));
        Assert.Contains("leave one of them out", Assert.Throws<InvalidOptionsException>(() => new Trainer(Options with { AccumulateGradients = 2 }).Plan(_model, data)).Message);
        Assert.Contains("0 microbatches from epoch 2", Assert.Throws<InvalidOptionsException>(() => new Trainer(Options with { Callbacks = [new GradientAccumulationScheduler(new Dictionary<long, int> { [2] = 0 })] }).Plan(_model, data)).Message);
    }
}
