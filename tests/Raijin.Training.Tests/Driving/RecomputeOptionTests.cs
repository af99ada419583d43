using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Driving;

public sealed class RecomputeOptionTests
{
    /// <summary>Two blocks that draw and count, and a head.</summary>
    sealed class Blocks : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _first = Sequential(Linear(8, 16), ReLU(), Dropout(0.25));
        readonly Module<Tensor, Tensor> _second = Sequential(Linear(16, 16), BatchNorm1d(16), ReLU());
        readonly Module<Tensor, Tensor> _head = Linear(16, 3);

        public int Calls { get; private set; }

        public Blocks()
        {
            RegisterComponents();
            ((Module<Tensor, Tensor>)_first.named_children().First().module).register_forward_pre_hook((_, x) => { Calls++; return x; });
        }

        Tensor Loss(LabeledBatch batch) => functional.cross_entropy(_head.call(_second.call(_first.call(batch.Inputs))), batch.Labels);

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => Loss(batch);

        protected override void ValidationStep(LabeledBatch batch, EvalStep step) => step.Log("val/loss", Loss(batch));

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, 1e-2);
    }

    static (Dictionary<string, float[]> Weights, FitResult Result, int Calls) Fit(TrainerOptions options)
    {
        using var set = Fixture.Blobs();
        var trainer = new Trainer(options with { Seed = 3, LeavesNothing = true });
        using var model = new Blocks();
        var result = trainer.Fit(model, set.Split(validation: 0.25).Batches(12));
        return (Fixture.Weights(model), result, model.Calls);
    }

    [Theory]
    [InlineData("float32", 1)]
    [InlineData("float32", 3)]
    [InlineData("bfloat16-autocast", 1)]
    [InlineData("bfloat16", 1)]
    public void A_fit_ends_with_the_bits_of_one_that_keeps(string precision, int accumulate)
    {
        var options = Fixture.Quiet() with { Precision = Precision.Parse(precision, null), AccumulateGradients = accumulate };
        var plain = Fit(options);
        var again = Fit(options with { Recompute = true });
        Fixture.AssertBitwise(plain.Weights, again.Weights);
        Assert.Equal(plain.Result.Metrics["val/loss"], again.Result.Metrics["val/loss"]);
        // Two epochs of 6 batches compute twice; those of 2 to validate do not.
        Assert.Equal((16, 28), (plain.Calls, again.Calls));
    }

    [Fact]
    public void After_a_fit_the_module_is_as_before()
    {
        using var set = Fixture.Blobs();
        using var model = new Blocks();
        new Trainer(Fixture.Quiet() with { MaxEpochs = 1, LeavesNothing = true, Recompute = true }).Fit(model, set.Batches(12));
        var calls = model.Calls;
        using var scope = NewDisposeScope();
        Backward.Run(((Module<Tensor, Tensor>)model.named_children().First().module).call(rand(2, 8)).sum());
        Assert.Equal(calls + 1, model.Calls);
    }

    [Fact]
    public void Where_there_is_one_block_nothing_is_saved_and_that_is_said()
    {
        using var set = Fixture.Blobs();
        using var model = new SmallClassifier();
        var logger = new ListLogger();
        new Trainer(Fixture.Quiet() with { MaxEpochs = 1, LeavesNothing = true, Recompute = true, Logger = logger }).Fit(model, set.Batches(12));
        Assert.Contains(logger.Messages, m => m.StartsWith("recompute: SmallClassifier has 1 unit(s)", StringComparison.Ordinal));
    }

    [Fact]
    public void Profiles_count_the_second_time_apart()
    {
        Assert.SkipWhen(OpRecorder.Unavailable is not null, OpRecorder.Unavailable ?? "");
        var (plain, again) = (new FlopsProfiler(), new FlopsProfiler());
        Fit(Fixture.Quiet() with { Profiler = plain });
        Fit(Fixture.Quiet() with { Profiler = again, Recompute = true });
        Assert.Equal(plain.Report!.Modules.Select(m => (m.Name, m.Calls, m.Forward.Macs)), again.Report!.Modules.Select(m => (m.Name, m.Calls, m.Forward.Macs)));
        var blocks = plain.Report.Modules.Where(m => m.Name is "_first" or "_second").Sum(m => m.Forward.Macs);
        Assert.True(blocks > 0);
        Assert.Equal(plain.Report.Model.Backward!.Value.Macs, again.Report.Model.Backward!.Value.Macs);
        Assert.Equal((0, blocks), (plain.Report.Model.Recomputed.Macs, again.Report.Model.Recomputed.Macs));
    }

    [Fact]
    public void A_summary_shows_one_forward_pass()
    {
        using var scope = NewDisposeScope();
        using var model = new Blocks();
        using var fabric = Fabric.Launch(new FabricOptions { Device = DeviceChoice.Cpu, Recompute = true });
        fabric.Setup(model);
        using var inspection = ModelInspection.Of(model);
        var body = model.named_children().Take(2).Select(c => (Module<Tensor, Tensor>)c.module).ToList();
        fabric.Backward(body[1].call(body[0].call(rand(4, 8))).sum());
        Assert.Equal(2 * 4 * ((8 * 16) + (16 * 16)), inspection.Read().Flops);
        Assert.Equal(2, model.Calls);
    }
}
