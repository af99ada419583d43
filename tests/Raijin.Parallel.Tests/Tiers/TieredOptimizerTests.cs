using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Raijin.Parallel.Tests.Tiers;

public sealed class TieredOptimizerTests : IDisposable
{
    // Runs of small pieces, one that fills tiles alone, odd tails.
    static readonly (string, long)[] Sizes = [("a.bias", 7), ("a.weight", 3000), ("wte", 50_001), ("b.bias", 1), ("b.weight", 20_000), ("c", 1024), ("d", 33_333)];

    // 3 leases of 4 slots × 8 KiB: most of the state is elsewhere.
    const long SmallLeases = 3 * 4 * 8192 * 2;

    readonly TemporaryFolder _folder = new();

    public static IReadOnlyList<OptimizerAlgorithm> Elementwise { get; } =
    [
        new Sgd(), new Sgd(Momentum: 0.9, Dampening: 0.1), new Sgd(Momentum: 0.9, Nesterov: true) { Maximize = true }, new Adam(), new Adam(AmsGrad: true), new AdamW(), new Lion(),
        new Adagrad(LearningRateDecay: 0.1, InitialAccumulator: 0.5), new RmsProp(Momentum: 0.9, Centered: true), new NAdam(), new RAdam(Beta2: 0.9), new Adamax(), new Adadelta(),
        new Rprop(), new Asgd(), new ScheduleFreeAdamW(),
    ];

    public static TheoryData<int, ScalarType, double> Cases
    {
        get
        {
            var cases = new TheoryData<int, ScalarType, double>();
            for (var i = 0; i < Elementwise.Count; i++)
            {
                cases.Add(i, ScalarType.Float32, 1);
                cases.Add(i, ScalarType.BFloat16, 0.6);
            }
            cases.Add(5, ScalarType.Float16, 0.9);
            cases.Add(5, ScalarType.Float32, 0);
            return cases;
        }
    }

    TieredOptimizerOptions Options(double ratio = 1) => new() { Folder = _folder.Path, LeaseBytes = SmallLeases, OffloadRatio = ratio };

    [Theory, MemberData(nameof(Cases))]
    public void Steps_are_bitwise_those_in_memory(int algorithm, ScalarType dtype, double ratio)
    {
        using var here = new Pieces(Sizes, 1, dtype);
        using var there = new Pieces(Sizes, 1, dtype);
        using var memory = new FusedOptimizer(Elementwise[algorithm], here.Groups);
        using var tiered = new TieredOptimizer(Elementwise[algorithm], there.Groups, Options(ratio));
        for (var step = 0; step < 6; step++)
        {
            // One piece comes late, another is left out once: counts and state are each parameter's own.
            here.SetGradients(step, i => i != 3 || step > 1);
            there.SetGradients(step, i => i != 3 || step > 1);
            foreach (var groups in (IReadOnlyList<ParameterGroup>[])[here.Groups, there.Groups]) groups[0].LearningRate = 0.01 / (step + 1);
            Assert.Equal(memory.MeasureGradients(), tiered.MeasureGradients());
            memory.Step(0.5, clipValue: 2);
            tiered.Step(0.5, clipValue: 2);
        }
        Assert.Equal(memory.Updates, tiered.Updates);
        AssertSame(here, there);
        AssertSame(memory.CaptureState(), tiered.CaptureState());
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_state_goes_from_memory_to_the_tier_and_back(ScalarType dtype)
    {
        using var here = new Pieces(Sizes, 1, dtype);
        using var there = new Pieces(Sizes, 1, dtype);
        using var memory = new FusedOptimizer(new NAdam(), here.Groups);
        for (var step = 0; step < 3; step++)
        {
            here.SetGradients(step);
            memory.Step();
        }
        foreach (var (mine, theirs) in here.Parameters.Zip(there.Parameters)) Copy(mine, theirs);
        using (var tiered = new TieredOptimizer(new NAdam(), there.Groups, Options(0.7)))
        {
            Assert.True(tiered.LoadState(memory.CaptureState()).IsEmpty);
            AssertSame(memory.CaptureState(), tiered.CaptureState());
            Step(3);
            AssertSame(here, there);
            using var again = new FusedOptimizer(new NAdam(), there.Groups);
            again.LoadState(tiered.CaptureState());
            AssertSame(memory.CaptureState(), again.CaptureState());

            void Step(int seed)
            {
                here.SetGradients(seed);
                there.SetGradients(seed);
                memory.Step();
                tiered.Step();
            }
        }
    }

    [Fact]
    public void A_state_that_does_not_fit_is_refused_and_nothing_changes()
    {
        using var pieces = new Pieces(Sizes, 1);
        using var others = new Pieces([.. Sizes.Select(s => (s.Item1, s.Item2 + 1))], 1);
        using var tiered = new TieredOptimizer(new Adam(), pieces.Groups, Options());
        using var other = new FusedOptimizer(new Adam(), others.Groups);
        pieces.SetGradients(0);
        others.SetGradients(0);
        tiered.Step();
        other.Step();
        var before = tiered.CaptureState().Tensors.Select(t => Pieces.Bits(t.Tensor)).ToList();
        Assert.Throws<OptimizerStateMismatchException>(() => tiered.LoadState(other.CaptureState()));
        Assert.Equal(before, tiered.CaptureState().Tensors.Select(t => Pieces.Bits(t.Tensor)));
        // What does not fit starts anew.
        Assert.Equal(2 * Sizes.Length, tiered.LoadState(other.CaptureState(), strict: false).Shapes.Count);
        Assert.Empty(tiered.CaptureState().Scalars.ParameterUpdates);
        Assert.All(tiered.CaptureState().Tensors, t => Assert.All(Pieces.Bits(t.Tensor), b => Assert.Equal(0, b)));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Evaluation_weights_come_and_go(ScalarType dtype)
    {
        using var here = new Pieces(Sizes, 1, dtype);
        using var there = new Pieces(Sizes, 1, dtype);
        using var memory = new FusedOptimizer(new ScheduleFreeAdamW(), here.Groups);
        using var tiered = new TieredOptimizer(new ScheduleFreeAdamW(), there.Groups, Options(0.8));
        for (var step = 0; step < 3; step++)
        {
            here.SetGradients(step);
            there.SetGradients(step);
            memory.Step();
            tiered.Step();
            memory.UseEvaluationWeights();
            tiered.UseEvaluationWeights();
            AssertSame(here, there);
            Assert.Throws<InvalidOperationException>(() => tiered.Step());
            memory.UseTrainingWeights();
            tiered.UseTrainingWeights();
            AssertSame(here, there);
        }
        AssertSame(memory.CaptureState(), tiered.CaptureState());
    }

    [Fact]
    public void State_larger_than_its_memory_trains_within_it()
    {
        (string, long)[] sizes = [("wte", 1_000_000), ("a", 300_000), ("b", 10), ("c", 700_000)];
        using var here = new Pieces(sizes, 1);
        using var there = new Pieces(sizes, 1);
        using var memory = new FusedOptimizer(new AdamW(), here.Groups);
        using var tiered = new TieredOptimizer(new AdamW(), there.Groups, Options() with { LeaseBytes = 1 << 20 });
        const long State = 2_000_010 * 8;
        for (var step = 0; step < 3; step++)
        {
            here.SetGradients(step);
            there.SetGradients(step);
            memory.Step();
            tiered.Step();
        }
        AssertSame(here, there);
        Assert.InRange(tiered.LeaseBytes, 1, 1 << 20);
        Assert.Equal(0, tiered.ResidentBytes);
        Assert.InRange(tiered.NumTiles, 15, 50);
        // Everything is read but the first time, and written each time; parts end on pages.
        var pages = (3 * 2 * 4096) + State;
        Assert.InRange(tiered.BytesWritten, 3 * State, 3 * pages);
        Assert.InRange(tiered.BytesRead, 2 * State, 2 * pages);
        Assert.InRange(tiered.FileBytes, State, pages);
    }

    [Fact]
    public void The_ratio_says_what_is_read()
    {
        (string, long)[] sizes = [("a", 400_000), ("b", 600_000)];
        using var pieces = new Pieces(sizes, 1);
        using var tiered = new TieredOptimizer(new Adam(), pieces.Groups, Options(0.25));
        for (var step = 0; step < 2; step++)
        {
            pieces.SetGradients(step);
            tiered.Step();
        }
        Assert.InRange(tiered.BytesRead, 250_000 * 8, 252_000 * 8);
        Assert.InRange(tiered.ResidentBytes, 748_000 * 8, 750_000 * 8);
    }

    [Fact]
    public void Reading_ahead_changes_no_bits()
    {
        using var here = new Pieces(Sizes, 1);
        using var there = new Pieces(Sizes, 1);
        using var memory = new FusedOptimizer(new Adam(), here.Groups);
        using var tiered = new TieredOptimizer(new Adam(), there.Groups, Options());
        for (var step = 0; step < 4; step++)
        {
            tiered.ReadAhead();
            here.SetGradients(step, i => i >= step);
            there.SetGradients(step, i => i >= step);
            memory.Step();
            tiered.Step();
        }
        AssertSame(here, there);
    }

    [Fact]
    public void A_file_cut_short_fails_the_step_and_all_that_follow()
    {
        using var pieces = new Pieces(Sizes, 1);
        using var tiered = new TieredOptimizer(new Adam(), pieces.Groups, Options());
        for (var step = 0; step < 2; step++)
        {
            pieces.SetGradients(step);
            tiered.Step();
        }
        _ = tiered.CaptureState();
        OpenFiles.CutShort(_folder.Path, 8192);
        Assert.Contains("was cut short", Assert.Throws<IOException>(() => tiered.CaptureState()).Message, StringComparison.Ordinal);
        var error = Assert.Throws<IOException>(() => tiered.Step());
        Assert.Contains("was cut short", error.Message, StringComparison.Ordinal);
        Assert.Contains(_folder.Path, error.Message, StringComparison.Ordinal);
        Assert.Contains("failed midway", Assert.Throws<InvalidOperationException>(() => tiered.Step()).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => tiered.CaptureState());
    }

    [Fact]
    public void A_tier_that_cannot_be_had_is_known_at_once()
    {
        using var pieces = new Pieces(Sizes, 1);
        File.WriteAllText(_folder["file"], "");
        Assert.Throws<IOException>(() => new TieredOptimizer(new Adam(), pieces.Groups, Options() with { Folder = _folder["file"] }));
        var faults = Assert.Throws<InvalidOptionsException>(() => new TieredOptimizer(new Adam(), pieces.Groups, new() { Folder = " ", LeaseBytes = 100, OffloadRatio = 1.5, DiskThreads = 0 })).Faults;
        Assert.Equal(["tier.folder", "tier.leaseBytes", "tier.offloadRatio", "tier.diskThreads"], faults.Select(f => f.Key));
    }

    [Fact]
    public void Groups_may_be_empty_and_all_of_them()
    {
        using var here = new Pieces(Sizes, 1);
        using var there = new Pieces(Sizes, 1);
        using var memory = new FusedOptimizer(new AdamW(), here.Groups);
        using var tiered = new TieredOptimizer(new AdamW(), [.. there.Groups, new("none", [], 0.1)], Options());
        here.SetGradients(0);
        there.SetGradients(0);
        memory.Step();
        tiered.Step();
        AssertSame(here, there);
        Assert.Contains("none", tiered.CaptureState().Scalars.Groups.Select(g => g.Name));
        using var nothing = new TieredOptimizer(new AdamW(), [new("none", [], 0.1)], Options());
        nothing.Step();
        Assert.Equal((0, 0, 0), (nothing.Updates, nothing.FileBytes, nothing.CaptureState().Tensors.Count));
    }

    [Fact]
    public void A_parameter_that_was_moved_is_refused()
    {
        using var pieces = new Pieces([("big", 200_000), ("b", 10)], 1);
        using var tiered = new TieredOptimizer(new Adam(), pieces.Groups, Options());
        pieces.SetGradients(0);
        tiered.Step();
        using (var other = new Parameter(zeros(200_000))) TensorBox.Point(pieces.Parameters[0], other);
        pieces.SetGradients(1);
        Assert.Contains("'big' was exchanged", Assert.Throws<InvalidOperationException>(() => tiered.Step()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_lies_in_the_folder_while_it_trains_or_after()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere the file keeps its name until it is closed.");
        using var pieces = new Pieces(Sizes, 1);
        using (var tiered = new TieredOptimizer(new Adam(), pieces.Groups, Options() with { Folder = _folder["made/on/demand"] }))
        {
            pieces.SetGradients(0);
            tiered.Step();
            Assert.True(tiered.FileBytes > 0);
            Assert.Empty(Directory.GetFiles(_folder["made/on/demand"]));
        }
        Assert.False(Directory.Exists(_folder["made"]));
    }

    public void Dispose() => _folder.Dispose();

    static void Copy(Tensor from, Tensor to)
    {
        using var none = no_grad();
        to.copy_(from);
    }

    static void AssertSame(Pieces expected, Pieces actual)
    {
        foreach (var (index, (one, two)) in expected.Parameters.Zip(actual.Parameters).Index())
            Assert.True(Pieces.Bits(one).AsSpan().SequenceEqual(Pieces.Bits(two)), $"{expected.Sizes[index].Name} differs");
    }

    static void AssertSame(OptimizerState expected, OptimizerState actual)
    {
        Assert.Equal(expected.Scalars.ParameterUpdates.OrderBy(p => p.Key), actual.Scalars.ParameterUpdates.OrderBy(p => p.Key));
        Assert.Equal(expected.Scalars.Groups, actual.Scalars.Groups);
        Assert.Equal(expected.Scalars.Updates, actual.Scalars.Updates);
        Assert.Equal(expected.Scalars.Carried?.Keys.Order(), actual.Scalars.Carried?.Keys.Order());
        Assert.Equal(expected.Tensors.Select(t => t.Key), actual.Tensors.Select(t => t.Key));
        foreach (var (one, two) in expected.Tensors.Zip(actual.Tensors))
        {
            Assert.Equal(one.Tensor.shape, two.Tensor.shape);
            Assert.True(Pieces.Bits(one.Tensor).AsSpan().SequenceEqual(Pieces.Bits(two.Tensor)), $"{one.Key} differs");
        }
    }
}
