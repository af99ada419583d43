using System.Text.Json.Nodes;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Driving;

public sealed class LoopOptionTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    sealed class Model : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Linear(8, 3);

        public List<long[]> Trained { get; } = [];

        public List<long[]> Validated { get; } = [];

        public Func<LabeledBatch, TrainStep, Tensor, Tensor?> Each { get; init; } = (_, _, loss) => loss;

        protected override Tensor? TrainingStep(LabeledBatch batch, TrainStep step)
        {
            Trained.Add(batch.Labels.data<long>().ToArray());
            return Each(batch, step, functional.cross_entropy(_net.call(batch.Inputs), batch.Labels));
        }

        protected override void ValidationStep(LabeledBatch batch, EvalStep step) => Validated.Add(batch.Labels.data<long>().ToArray());

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);
    }

    TrainerOptions Options => Fixture.Quiet(_folder["run"]) with { MaxEpochs = 2, Checkpoints = false };

    [Fact]
    public void Overfitting_sees_the_same_batches_in_every_epoch_and_validates_on_them()
    {
        using var model = new Model();
        new Trainer(Options with { OverfitBatches = Limit.Batches(2) }).Fit(model, new DataLoaders<LabeledBatch>(_set.Batches(8), _set.Batches(48)));
        Assert.Equal(4, model.Trained.Count);
        Assert.Equal(model.Trained[..2], model.Trained[2..]);
        Assert.Equal(model.Trained, model.Validated);
        Assert.NotEqual(model.Trained[0], model.Trained[1]);
    }

    [Fact]
    public void A_step_without_a_loss_changes_nothing_and_is_not_counted()
    {
        using var model = new Model { Each = (_, step, loss) => step.Batch == 1 ? null : loss };
        var result = new Trainer(Options with { MaxEpochs = 1 }).Fit(model, _set.Batches(16));
        Assert.Equal((2, 48), (result.Steps, result.Samples));
    }

    [Fact]
    public void A_window_of_which_microbatches_give_no_loss_has_the_mean_of_those_that_do()
    {
        // Windows of three, of which only the first gives a loss, against steps of one that do the same.
        using var part = new Model { Each = (_, step, loss) => step.Microbatch == 0 ? loss : null };
        using var alone = new Model { Each = (_, step, loss) => step.Batch % 3 == 0 ? loss : null };
        alone.load_state_dict(part.state_dict());
        var loader = _set.Batches(new LoaderOptions { BatchSize = 8, Shuffle = false });
        new Trainer(Options with { AccumulateGradients = 3 }).Fit(part, loader);
        new Trainer(Options with { Output = _folder["alone"] }).Fit(alone, loader);
        foreach (var (name, expected) in Fixture.Weights(alone))
            Assert.Equal(expected, Fixture.Weights(part)[name], (a, b) => Math.Abs(a - b) <= 1e-6f * Math.Max(1, Math.Abs(a)));
    }

    [Fact]
    public void A_step_may_end_its_epoch()
    {
        using var model = new Model
        {
            Each = (_, step, loss) =>
            {
                if (step.Batch == 1) step.EndEpoch();
                return loss;
            },
        };
        var result = new Trainer(Options).Fit(model, _set.Batches(8));
        Assert.Equal((4, 32), (result.Steps, result.Samples));
        Assert.Equal("maxEpochs = 2 reached", result.StopReason);
    }

    sealed class Counters : Callback
    {
        public (long Batches, long Steps, long Updates, long Samples, long Tokens) Last { get; private set; }

        public override void OnTrainEnd(TrainingRun run) => Last = (run.Batches, run.Step, run.Updates, run.Samples, run.Tokens);
    }

    [Fact]
    public void Batches_steps_updates_samples_and_tokens_are_counted_apart_and_resumed()
    {
        using var model = new Model
        {
            Each = (batch, step, loss) =>
            {
                step.CountTokens(batch.Count * 5);
                return loss;
            },
        };
        var counters = new Counters();
        var options = Options with { AccumulateGradients = 2, Checkpoints = true, Callbacks = [counters] };
        new Trainer(options with { MaxEpochs = 1 }).Fit(model, _set.Batches(16));
        Assert.Equal((3, 2, 2, 48, 240), counters.Last);
        new Trainer(options).Fit(model, _set.Batches(16), Resume.Last);
        Assert.Equal((6, 4, 4, 96, 480), counters.Last);
    }

    [Fact]
    public void An_op_without_a_deterministic_algorithm_is_named()
    {
        using var model = new Model
        {
            Each = (_, _, loss) =>
            {
                Put(zeros(4), tensor(new long[] { 1, 1 }), tensor(new[] { 1f, 2f }));
                return loss;
            },
        };
        var error = Assert.Throws<NondeterministicOpException>(() => new Trainer(Options with { Deterministic = Determinism.Error }).Fit(model, _set.Batches(16)));
        Assert.Equal("put_", error.Op);
        new Trainer(Options with { Output = _folder["off"], MaxEpochs = 1 }).Fit(model, _set.Batches(16));
    }

    static readonly AtenOp PutOp = AtenOp.Declare("aten::put_(Tensor(a!) self, Tensor index, Tensor source, bool accumulate=False) -> Tensor(a!)");

    static void Put(Tensor target, Tensor index, Tensor source)
    {
        using var call = new AtenCall(PutOp, stackalloc ulong[4]);
        call.Push(target);
        call.Push(index);
        call.Push(source);
        call.Push(false);
        call.Invoke();
        call.TakeTensor().Dispose();
    }

    [Fact]
    public void Options_that_cannot_be_are_refused_together()
    {
        using var model = new Model();
        var stream = Dataset.Stream(_ => Enumerable.Range(0, 4)).Batches(new LoaderOptions { BatchSize = 2, Shuffle = false }, _ => _set.Gather(0));
        var error = Assert.Throws<InvalidOptionsException>(() => new Trainer(Options with { Validate = Every.PartOfEpoch(0.5), ReloadLoaders = Every.Steps(3), SanityValidationBatches = -2 }).Plan(model, stream));
        Assert.Equal(["trainer.sanityValidationBatches", "trainer.reloadLoaders", "trainer.validate"], error.Faults.Select(f => f.Key));
    }

    sealed class Late : TrainingModule<LabeledBatch>
    {
        Module<Tensor, Tensor>? _net;

        public int Marks { get; private set; }

        public Module<Tensor, Tensor> Net => _net!;

        protected override void ConfigureModel() => _net = Linear(8, 3);

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            Marks++;
            return functional.cross_entropy(_net!.call(batch.Inputs).to(float32), batch.Labels);
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);

        protected override JsonObject? SaveState() => new() { ["marks"] = Marks };

        protected override void LoadState(JsonObject state) => Marks = (int)state["marks"]!;
    }

    [Fact]
    public void Layers_made_late_have_the_runs_dtype_and_are_trained()
    {
        using var model = new Late();
        new Trainer(Options with { Precision = Precision.BFloat16 }).Fit(model, _set.Batches(16));
        Assert.All(model.Net.parameters(), p => Assert.Equal(ScalarType.BFloat16, p.dtype));
        Assert.Equal(ScalarType.Float32, get_default_dtype());
    }

    [Fact]
    public void A_modules_own_state_is_resumed()
    {
        using var model = new Late();
        new Trainer(Options with { MaxEpochs = 1, Checkpoints = true }).Fit(model, _set.Batches(16));
        using var other = new Late();
        new Trainer(Options with { Checkpoints = true }).Fit(other, _set.Batches(16), Resume.Last);
        Assert.Equal(6, other.Marks);
    }

    sealed class Remembering : Callback
    {
        Tensor? _kept;

        public float[] Values => _kept!.data<float>().ToArray();

        public override void OnFitStart(TrainingRun run) => _kept ??= tensor(new float[] { 1, 2, 3 }).DetachFromDisposeScope();

        public override IReadOnlyList<KeyValuePair<string, Tensor>> SaveTensors() => [new("kept", _kept!)];

        public override void LoadTensors(IReadOnlyDictionary<string, Tensor> tensors) => _kept = tensors["kept"].clone().mul_(2).DetachFromDisposeScope();

        public override void OnTeardown(RunSetup setup) => Free = _kept!;

        public Tensor? Free { get; private set; }
    }

    [Fact]
    public void A_callbacks_tensors_are_resumed()
    {
        using var model = new Model();
        var first = new Remembering();
        new Trainer(Options with { MaxEpochs = 1, Checkpoints = true, Callbacks = [first] }).Fit(model, _set.Batches(16));
        var second = new Remembering();
        new Trainer(Options with { Checkpoints = true, Callbacks = [second] }).Fit(model, _set.Batches(16), Resume.Last);
        Assert.Equal([2f, 4f, 6f], second.Values);
        first.Free!.Dispose();
        second.Free!.Dispose();
    }

    sealed class Own : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Linear(8, 3);

        public Counters Counted { get; } = new();

        protected override IReadOnlyList<Callback> ConfigureCallbacks() => [Counted];

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);
    }

    [Fact]
    public void A_modules_own_callback_takes_the_place_of_the_trainers_of_its_class()
    {
        using var model = new Own();
        var given = new Counters();
        new Trainer(Options with { Callbacks = [given] }).Fit(model, _set.Batches(16));
        Assert.Equal(6, model.Counted.Last.Steps);
        Assert.Equal(0, given.Last.Steps);
    }
}
