using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Optimization;

public sealed class OptimizerSetupTests
{
    sealed class Block : Module<Tensor, Tensor>
    {
        readonly Module<Tensor, Tensor> _first = Linear(4, 8);
        readonly LearnedNorm _own = new();
        readonly Module<Tensor, Tensor> _batch = BatchNorm1d(8);
        readonly Module<Tensor, Tensor> _layer = LayerNorm([2, 4]);
        readonly TorchSharp.Modules.LSTM _lstm = LSTM(8, 4);
        readonly Module<Tensor, Tensor> _head = Linear(4, 2);

        public Block() : base("Block") => RegisterComponents();

        public override Tensor forward(Tensor input) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                foreach (var child in (Module[])[_first, _own, _batch, _layer, _lstm, _head]) child.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>A norm of the user's own: its type's name says so.</summary>
    sealed class LearnedNorm : Module<Tensor, Tensor>
    {
        readonly TorchSharp.Modules.Parameter scale = Parameter(ones(8));
        readonly TorchSharp.Modules.Parameter mix = Parameter(ones(8, 2));

        public LearnedNorm() : base("LearnedNorm") => RegisterComponents();

        public override Tensor forward(Tensor input) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                scale.Dispose();
                mix.Dispose();
            }
            base.Dispose(disposing);
        }
    }

    static Dictionary<string, (string[] Names, ParameterGroup Group)> Groups(OptimizerSetup setup) =>
        setup.Requests[0].Groups().ToDictionary(g => g.Parameters.Name, g => (g.Parameters.Parameters.Select(p => p.Key).Order(StringComparer.Ordinal).ToArray(), g.Parameters));

    [Fact]
    public void One_word_takes_decay_off_norms_and_biases_and_off_nothing_else()
    {
        using var block = new Block();
        var groups = Groups(Optimizers.AdamW(block).NoDecayOnNormsAndBiases());
        Assert.Equal(["default", "no decay"], groups.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(["_first.weight", "_head.weight", "_lstm.weight_hh_l0", "_lstm.weight_ih_l0"], groups["default"].Names);
        Assert.Equal(["_batch.bias", "_batch.weight", "_first.bias", "_head.bias", "_layer.bias", "_layer.weight", "_lstm.bias_hh_l0", "_lstm.bias_ih_l0", "_own.mix", "_own.scale"], groups["no decay"].Names);
        Assert.Equal((0.01, 0.0), (groups["default"].Group.WeightDecay, groups["no decay"].Group.WeightDecay));
    }

    [Fact]
    public void Decay_taken_off_holds_inside_groups_of_their_own_rate_too()
    {
        using var block = new Block();
        foreach (var setup in (OptimizerSetup[])
                 [
                     Optimizers.AdamW(block, 0.1).Group("head", ["_head.*"], 10, weightDecay: 0.5).NoDecayOn("*.bias").NoDecayOn("_batch.*"),
                     Optimizers.AdamW(block, 0.1).NoDecayOn("*.bias", "_batch.*").Group("head", ["_head.*"], 10, weightDecay: 0.5),
                 ])
        {
            var groups = Groups(setup);
            Assert.Equal(("_head.weight", 1.0, 0.5), (Assert.Single(groups["head"].Names), groups["head"].Group.LearningRate, groups["head"].Group.WeightDecay));
            Assert.Equal(("_head.bias", 1.0, 0.0), (Assert.Single(groups["head, no decay"].Names), groups["head, no decay"].Group.LearningRate, groups["head, no decay"].Group.WeightDecay));
            Assert.Contains("_batch.weight", groups["no decay"].Names);
        }
    }

    [Fact]
    public void Without_decay_there_is_none_to_take_off()
    {
        using var block = new Block();
        Assert.Equal(["default"], Groups(Optimizers.Sgd(block, 0.1).NoDecayOnNormsAndBiases()).Keys);
    }

    [Fact]
    public void Groups_follow_their_own_schedules_and_the_others_the_optimizers()
    {
        using var block = new Block();
        // snippet: groups
        var setup = Optimizers.AdamW(block, learningRate: 1e-3, weightDecay: 0.1)
            .NoDecayOnNormsAndBiases()
            .Group("head", ["_head.*"], learningRateScale: 10, schedule: Schedules.Warmup(100))
            .With(Schedules.WarmupCosine(warmupSteps: 500, minimum: 0.1))
            .With(Schedules.ReduceOnPlateau(Best.Min("val/loss"), factor: 0.5, patience: 3));
        // end snippet
        var schedules = setup.Requests[0].Groups().ToDictionary(g => g.Parameters.Name, g => g.Schedule);
        Assert.Equal(Schedules.Warmup(100), schedules["head"]);
        Assert.Equal(Schedules.Warmup(100), schedules["head, no decay"]);
        Assert.Equal(Schedules.WarmupCosine(500, 0.1), schedules["default"]);
        Assert.Equal(Schedules.WarmupCosine(500, 0.1), schedules["no decay"]);
    }

    [Fact]
    public void A_pattern_that_matches_nothing_is_warned_of()
    {
        using var block = new Block();
        var log = new ListLogger();
        using var fabric = Fabric.Launch(new() { Device = DeviceChoice.Cpu, Logger = log });
        fabric.SetupOptimizers(Optimizers.AdamW(block).NoDecayOn("*.bais").NoDecayOnNormsAndBiases().Group("head", ["_head.*", "tail.*"], 2));
        Assert.Equal(2, log.Messages.Count);
        Assert.Contains(log.Messages, m => m.Contains("*.bais", StringComparison.Ordinal) && m.Contains("matches no parameter of Block", StringComparison.Ordinal));
        Assert.Contains(log.Messages, m => m.Contains("tail.*", StringComparison.Ordinal));
    }

    [Fact]
    public void What_a_schedule_needs_and_the_run_has_not_is_reported_all_at_once()
    {
        using var block = new Block();
        using var fabric = Fabric.Launch(new() { Device = DeviceChoice.Cpu });
        var error = Assert.Throws<InvalidOptionsException>(() => fabric.SetupOptimizers(
            Optimizers.Sgd(block, 0.1).With(Schedules.OneCycle()).Group("head", ["_head.*"], schedule: Schedules.PerEpoch(Schedules.StepDecay(30)))));
        Assert.Equal(3, error.Faults.Count);
        Assert.Contains("maxSteps", error.Message, StringComparison.Ordinal);
        Assert.Contains("counts epochs", error.Message, StringComparison.Ordinal);
        Assert.Contains("cycleMomentum: false", error.Message, StringComparison.Ordinal);
    }
}
