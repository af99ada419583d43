using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel.Tests;

/// <summary>The arithmetic of predicted times, by a machine whose speeds are round numbers.</summary>
public sealed class TimePlanTests
{
    // 1 GFLOP/s at every side, 1 GB/s, 10 µs a call, exchanges of 1 ms and 100 MB/s.
    internal static readonly MachineCalibration Machine = new()
    {
        Ranks = 2,
        Threads = 1,
        Transport = TransportKind.InProcess,
        Products = new(new([10, 1000], [2e-6, 2]), 1e-10),
        BFloat16Products = new(new([10, 1000], [1e-6, 1]), 5e-11),
        Attention = new([1, 1000], [1e-9, 1e-9]),
        AttentionBackward = new([1, 1000], [2e-9, 2e-9]),
        Moves = new([1e-3, 1e9], [1e-12, 1]),
        Functions = new([1e-3, 1e9], [2e-12, 2]),
        Norms = new([1e-3, 1e9], [3e-12, 3]),
        Randoms = new([1e-3, 1e9], [4e-12, 4]),
        Updates = new([1, 1e9], [1e-9, 1]),
        OpSeconds = 1e-5,
        FreshSeconds = 1e-9,
        Exchanges = new Dictionary<CollectiveKind, CostCurve>
        {
            [CollectiveKind.AllReduce] = new([1e5, 1e9], [1e-3, 10]),
            [CollectiveKind.ReduceScatter] = new([1e5, 1e9], [1e-3, 10]),
            [CollectiveKind.AllGather] = new([1e5, 1e9], [1e-3, 10]),
        },
        DiskReadRate = 1e9,
        DiskWriteRate = 5e8,
    };

    static readonly StepWork Work = new()
    {
        Samples = 4,
        Forward = [new(WorkKind.Product, 1e6, 1e7, 4e5, 50), new(WorkKind.Function, 0, 1e6, 2e6, 0), new(WorkKind.Norm, 0, 1e6, 0, 0), new(WorkKind.Random, 0, 1e6, 0, 0)],
        Backward = [new(WorkKind.Product, 2e6, 0, 4e7, 5000), new(WorkKind.Attention, 1e6, 0, 0, 64), new(WorkKind.Move, 0, 3e6, 3e6, 0)],
        ForwardCalls = 20,
        BackwardCalls = 30,
        ActivationBytes = 100,
        PeakBytes = 200,
    };

    [Fact]
    public void A_curve_is_constant_below_straight_between_and_proportional_above()
    {
        var curve = new CostCurve([10, 1000], [1, 100]);
        Assert.Equal([1, 1, 10, 100, 1000], ((double[])[0.1, 10, 100, 1000, 10000]).Select(curve.At), (a, b) => Math.Abs(a - b) < 1e-9);
    }

    [Fact]
    public void A_step_is_the_sum_of_its_parts()
    {
        var shape = ModelShape.Even(1_000_000, 2);
        var plan = TimePlan.Of(Work, shape, Zero.Stage0, 2, Machine);
        AssertSeconds(2e-4 + 1e-3 + 1e-3 + 2e-3 + 3e-3 + 4e-3, plan.Forward);
        // Of what it makes only the 40 MB are more than the heap keeps.
        AssertSeconds(3e-4 + 2e-3 + 2e-3 + 3e-3 + 0.04, plan.Backward);
        // Two units of 2 MB at 100 MB/s, and 8 MB copied.
        AssertSeconds(0.04 + 0.008, plan.Exchange);
        AssertSeconds(0.028, plan.Update);
        Assert.Equal(plan.Forward + plan.Backward + plan.Exchange + plan.Update, plan.Total);
    }

    [Fact]
    public void Arithmetic_of_16_bits_has_its_own_speed_and_stages_that_divide_gradients_get_large_blocks_anew()
    {
        var shape = ModelShape.Even(1_000_000, 2);
        var plan = TimePlan.Of(Work, shape, Zero.Stage2, 2, Machine);
        AssertSeconds(2e-4 + 1e-3 + 1e-3 + 2e-3 + 3e-3 + 4e-3 + 2e-3, plan.Forward);
        AssertSeconds(3e-4 + 2e-3 + 2e-3 + 3e-3 + 0.04 + 3e-3, plan.Backward);
        var half = TimePlan.Of(Work, shape, Zero.Stage0, 2, Machine, new() { Precision = Precision.BFloat16 });
        AssertSeconds(2e-4 + 5e-4 + 5e-4 + 2e-3 + 3e-3 + 4e-3, half.Forward);
    }

    [Fact]
    public void Microbatches_compute_again_and_add_and_stages_divide_the_update()
    {
        var shape = ModelShape.Even(1_000_000, 2);
        var (one, two) = (TimePlan.Of(Work, shape, Zero.Stage2, 2, Machine), TimePlan.Of(Work, shape, Zero.Stage2, 2, Machine, new() { Microbatches = 2 }));
        AssertSeconds(2 * one.Forward.TotalSeconds, two.Forward);
        AssertSeconds((2 * one.Backward.TotalSeconds) + 0.012, two.Backward);
        // Gradients for each microbatch, parameters once.
        AssertSeconds(0.04 + 0.04 + 0.008, one.Exchange);
        AssertSeconds(0.08 + 0.04 + 0.016, two.Exchange);
        AssertSeconds(0.014, one.Update);
    }

    [Fact]
    public void State_on_a_disk_is_read_and_written_once()
    {
        var shape = ModelShape.Even(1_000_000, 2);
        var strategy = Zero.Stage1 with { OffloadOptimizer = Tier.Disk("scratch") };
        // 500,000 × 8 bytes at 1 GB/s and at 500 MB/s.
        AssertSeconds(0.004 + 0.008, TimePlan.Of(Work, shape, strategy, 2, Machine).Disk);
        var error = Assert.Throws<InvalidOptionsException>(() => TimePlan.Of(Work, shape, strategy, 2, Machine with { DiskReadRate = null }));
        Assert.Contains("no disk was calibrated", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<InvalidOptionsException>(() => TimePlan.Of(Work, shape, Zero.Stage0, 2, Machine with { Exchanges = new Dictionary<CollectiveKind, CostCurve>() }));
        Assert.Contains("calibrate it with 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_recorded_step_has_the_arithmetic_of_its_layers_and_that_of_other_batches_follows_from_two()
    {
        if (StepRecording.Unavailable is { } reason) Assert.Skip(reason);
        using var net = Sequential(Linear(32, 64), GELU(), Linear(64, 8));
        var (two, four, sixteen) = (Record(net, 2), Record(net, 4), Record(net, 16));
        const double weights = (32 * 64) + (64 * 8);
        Assert.Equal(2 * 16 * weights, sixteen.Forward.Sum(op => op.Flops));
        // Of the first layer's inputs there is no gradient.
        Assert.Equal(2 * 16 * (weights + (64 * 8)), sixteen.Backward.Sum(op => op.Flops));
        var derived = StepWork.At(two, four, 16);
        Assert.Equal(sixteen.Forward.Count + sixteen.Backward.Count, derived.Forward.Count + derived.Backward.Count);
        foreach (var (expected, actual) in sixteen.Forward.Concat(sixteen.Backward).Zip(derived.Forward.Concat(derived.Backward)))
        {
            Assert.Equal(expected.Kind, actual.Kind);
            Assert.Equal(expected.Flops, actual.Flops, 1e-6);
            Assert.Equal(expected.Bytes, actual.Bytes, 1e-6);
            Assert.Equal(expected.MadeBytes, actual.MadeBytes, 1e-6);
            Assert.Equal(expected.Side, actual.Side, 1e-6);
        }
        Assert.InRange(derived.ActivationBytes, 1, 2 * sixteen.ActivationBytes);
    }

    [Fact]
    public void Steps_of_other_ops_tell_nothing_of_each_other()
    {
        var other = Work with { Samples = 8, Forward = [Work.Forward[0]] };
        Assert.Throws<ArgumentException>(() => StepWork.At(Work, other, 16));
        Assert.Throws<ArgumentException>(() => StepWork.At(Work, Work, 16));
    }

    [Fact]
    public void A_calibration_comes_back_from_its_file()
    {
        using var folder = new TemporaryFolder();
        Machine.Write(folder["machine.json"]);
        var read = MachineCalibration.Read(folder["machine.json"]);
        Assert.Equal((Machine.Ranks, Machine.OpSeconds, Machine.FreshSeconds, Machine.DiskReadRate), (read.Ranks, read.OpSeconds, read.FreshSeconds, read.DiskReadRate));
        Assert.Equal(Machine.Exchanges[CollectiveKind.AllGather].At(1e6), read.Exchanges[CollectiveKind.AllGather].At(1e6));
        Assert.Equal(Machine.Products.Arithmetic.At(77), read.Products.Arithmetic.At(77));
        Assert.Equal(Machine.Products.ByteSeconds, read.Products.ByteSeconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[1, 2]")]
    public void A_file_that_is_no_calibration_is_refused(string text)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["machine.json"], text);
        Assert.Contains("is no calibration", Assert.Throws<InvalidOptionsException>(() => MachineCalibration.Read(folder["machine.json"])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"freshSeconds\": 1E-09", "\"freshSeconds\": -1", "freshSeconds")]
    [InlineData("\"byteSeconds\": 1E-10", "\"byteSeconds\": -1", "byteSeconds")]
    [InlineData("\"ranks\": 2", "\"ranks\": -2", "-2 ranks")]
    [InlineData("\"products\": {", "\"products\": null, \"x\": {", "products is missing")]
    public void Numbers_that_can_not_be_are_named(string said, string instead, string expected)
    {
        using var folder = new TemporaryFolder();
        Machine.Write(folder["machine.json"]);
        var text = File.ReadAllText(folder["machine.json"]);
        Assert.Contains(said, text, StringComparison.Ordinal);
        File.WriteAllText(folder["machine.json"], text.Replace(said, instead, StringComparison.Ordinal));
        Assert.Contains(expected, Assert.Throws<InvalidOptionsException>(() => MachineCalibration.Read(folder["machine.json"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ranks_measure_together_and_have_the_same_numbers()
    {
        var machines = World.Run(2, world => { set_num_threads(1); return MachineCalibration.Measure(world.Group); });
        Assert.Equal(2, machines[0].Ranks);
        Assert.Equal(machines[0].Products.Arithmetic.Seconds, machines[1].Products.Arithmetic.Seconds);
        Assert.Equal(machines[0].Exchanges[CollectiveKind.AllReduce].Seconds, machines[1].Exchanges[CollectiveKind.AllReduce].Seconds);
        Assert.All(machines[0].Exchanges.Values, curve => Assert.All(curve.Seconds, seconds => Assert.True(seconds > 0)));
    }

    static StepWork Record(Module<Tensor, Tensor> net, int samples) => StepRecording.Record(samples, () => net.call(ones(samples, 32)).sum(), () =>
    {
        foreach (var parameter in net.parameters()) GradientAccess.ClearGradient(parameter);
    });

    static void AssertSeconds(double expected, TimeSpan actual) => Assert.Equal(expected, actual.TotalSeconds, 1e-6);
}
