using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Driving;

/// <summary>Manual optimisation: several optimizers, accumulation, toggling, clipping and schedules in the order the step says.</summary>
public sealed class ManualStepTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(64);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    sealed class Two(Action<Two, LabeledBatch, ManualStep> act) : TrainingModule<LabeledBatch>
    {
        public Module<Tensor, Tensor> First { get; } = Linear(8, 3);

        public Module<Tensor, Tensor> Second { get; } = Linear(8, 3);

        public Tensor Loss(Module<Tensor, Tensor> of, LabeledBatch batch) => functional.cross_entropy(of.call(batch.Inputs), batch.Labels);

        protected override void ManualStep(LabeledBatch batch, ManualStep step) => act(this, batch, step);

        protected override OptimizerSetup ConfigureOptimizers() =>
            Optimizers.Several(Optimizers.Sgd(First, 0.1).With(Schedules.StepDecay(2, 0.5)), Optimizers.Sgd(Second, 0.2));
    }

    FitResult Fit(Two model, Func<TrainerOptions, TrainerOptions>? change = null, Resume? resume = null)
    {
        var options = Fixture.Quiet(_folder["run"]) with { MaxEpochs = 1, Checkpoints = false };
        return new Trainer(change?.Invoke(options) ?? options).Fit(model, _set.Batches(new LoaderOptions { BatchSize = 8, Shuffle = false }), resume);
    }

    [Fact]
    public void Accumulated_losses_make_the_update_of_their_mean()
    {
        using var scope = NewDisposeScope();
        var updated = new List<bool>();
        using var model = new Two((m, batch, step) => updated.Add(step.Accumulate(m.Second, 4, () => m.Loss(m.Second, batch)).Updated));
        using var byHand = new Two((_, _, _) => { });
        byHand.load_state_dict(model.state_dict());
        Fit(model);

        var all = _set.All();
        using var optimizer = optim.SGD(byHand.Second.parameters(), 0.2);
        for (var update = 0; update < 2; update++)
        {
            for (var i = 0; i < 4; i++)
            {
                var rows = ((update * 4 + i) * 8)..((update * 4 + i + 1) * 8);
                (functional.cross_entropy(byHand.Second.call(all.Inputs[rows]), all.Labels[rows]) / 4).backward();
            }
            optimizer.step();
            optimizer.zero_grad();
        }
        Assert.Equal([false, false, false, true, false, false, false, true], updated);
        Fixture.AssertBitwise(Fixture.Weights(byHand), Fixture.Weights(model));
    }

    [Fact]
    public void A_run_stopped_between_two_updates_resumes_to_the_same_bits()
    {
        static void Act(Two m, LabeledBatch batch, ManualStep step) => step.Accumulate(m.Second, 3, () => m.Loss(m.Second, batch));
        using var whole = new Two(Act);
        using var parts = new Two(Act);
        parts.load_state_dict(whole.state_dict());
        Fit(whole, o => o with { Output = _folder["whole"], MaxEpochs = 3 });
        // A checkpoint is asked for after each step, but only those without waiting gradients are taken.
        TrainerOptions Each(TrainerOptions o) => o with { Checkpoints = true, Callbacks = [new ModelCheckpoint { Save = Every.Steps(1), InBackground = false, KeepLast = 20 }] };
        Fit(parts, o => Each(o) with { MaxEpochs = 1 });
        var saved = Directory.EnumerateDirectories(Path.Combine(_folder["run"], "checkpoints")).Select(Path.GetFileName).Order(StringComparer.Ordinal);
        Assert.Equal(["step-00000003", "step-00000006", "step-00000008"], saved);
        using var resumed = new Two(Act);
        var result = new Trainer(Each(Fixture.Quiet(_folder["other"]) with { MaxEpochs = 3 })).Fit(
            resumed, _set.Batches(new LoaderOptions { BatchSize = 8, Shuffle = false }), Resume.From(Path.Combine(_folder["run"], "checkpoints", "step-00000006")));
        Assert.Equal(24, result.Steps);
        Fixture.AssertBitwise(Fixture.Weights(whole), Fixture.Weights(resumed));
    }

    [Fact]
    public void Only_the_toggled_optimizers_parameters_have_gradients()
    {
        bool[] seen = [];
        using var model = new Two((m, batch, step) =>
        {
            using (step.Toggle(m.First)) seen = [.. m.First.parameters().Concat(m.Second.parameters()).Select(p => p.requires_grad)];
            seen = [.. seen, .. m.Second.parameters().Select(p => p.requires_grad)];
        });
        Fit(model, o => o with { MaxEpochs = null, MaxSteps = 1 });
        Assert.Equal([true, true, false, false, true, true], seen);
    }

    [Fact]
    public void Schedules_move_with_their_own_optimizers_updates()
    {
        List<(double First, double Second)> rates = [];
        using var model = new Two((m, batch, step) =>
        {
            step.Update(m.First, () => m.Loss(m.First, batch));
            if (step.Index % 2 == 0) step.Update(m.Second, () => m.Loss(m.Second, batch));
            rates.Add((Math.Round(step.OptimizerOf(m.First).Groups[0].LearningRate, 9), step.OptimizerOf(m.Second).Groups[0].LearningRate));
        });
        Fit(model, o => o with { MaxEpochs = null, MaxSteps = 4, ClipGradients = Clip.Norm(1) });
        Assert.Equal([(0.1, 0.2), (0.05, 0.2), (0.05, 0.2), (0.025, 0.2)], rates);
    }

    [Fact]
    public void A_step_that_moves_two_optimizers_is_one_step_and_two_updates()
    {
        (long, long, long) counted = default;
        using var model = new Two((m, batch, step) =>
        {
            step.Update(m.First, () => m.Loss(m.First, batch));
            step.Update(m.Second, () => m.Loss(m.Second, batch));
        });
        Fit(model, o => o with { Callbacks = [new LambdaCallback { TrainEnd = run => counted = (run.Step, run.Updates, run.Batches) }] });
        Assert.Equal((8, 16, 8), counted);
    }

    [Fact]
    public void Nobody_elses_module_has_an_optimizer()
    {
        using var stranger = Linear(1, 1);
        using var model = new Two((m, batch, step) => step.OptimizerOf(stranger));
        Assert.Contains("there are optimizers of Linear, Linear", Assert.Throws<ArgumentException>(() => Fit(model)).Message);
    }
}
