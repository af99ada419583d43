using Raijin.Collectives;
using Raijin.Parallel;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Tuning;

/// <summary>The search for throughput: what it chooses is decided without a clock; what it runs, on real ranks, is judged by what is tried and agreed, never by times.</summary>
public sealed class ThroughputTests : IDisposable
{
    static readonly MachineCalibration Machine = new()
    {
        Ranks = 2,
        Threads = 1,
        Transport = TransportKind.InProcess,
        Products = new(new([10, 1000], [2e-6, 2]), 0),
        BFloat16Products = new(new([10, 1000], [2e-6, 2]), 0),
        Attention = new([1], [1e-9]),
        AttentionBackward = new([1], [1e-9]),
        Moves = new([1, 1e9], [1e-9, 1]),
        Functions = new([1, 1e9], [1e-9, 1]),
        Norms = new([1, 1e9], [1e-9, 1]),
        Randoms = new([1, 1e9], [1e-9, 1]),
        Updates = new([1, 1e9], [1e-9, 1]),
        OpSeconds = 1e-6,
        FreshSeconds = 0,
        Exchanges = new Dictionary<CollectiveKind, CostCurve> { [CollectiveKind.AllReduce] = new([1], [1e-6]), [CollectiveKind.ReduceScatter] = new([1], [1e-6]), [CollectiveKind.AllGather] = new([1], [1e-6]) },
    };

    readonly LabeledDataset _set = Fixture.Blobs(128);

    public void Dispose() => _set.Dispose();

    sealed class Model : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Sequential(Linear(8, 16), ReLU(), Linear(16, 3));

        public Action<LabeledBatch>? OnStep { get; init; }

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            OnStep?.Invoke(batch);
            return functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);
        }

        public Func<Model, OptimizerSetup>? Optimizer { get; init; }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizer?.Invoke(this) ?? Optimizers.AdamW(this, 1e-3);
    }

    [Fact]
    public void Candidates_keep_the_global_batch()
    {
        var finder = new ThroughputFinder { GlobalBatch = 48, Threads = [1, 2] };
        var candidates = finder.Candidates(2);
        Assert.All(candidates, c => Assert.Equal(24, c.MicroBatch * c.Accumulation));
        Assert.Equal([24, 12, 6, 3], candidates.Select(c => c.MicroBatch).Distinct());
        Assert.Equal(4 * 4 * 2, candidates.Count);
        Assert.All(finder.Candidates(1), c => Assert.Equal(0, c.Stage));
        Assert.Equal(2 * candidates.Count, (finder with { Recompute = [false, true] }).Candidates(2).Count);
        Assert.All(finder.Candidates(2, recompute: true), c => Assert.True(c.Recompute));
    }

    [Fact]
    public void Everything_wrong_is_said_at_once()
    {
        var finder = new ThroughputFinder { GlobalBatch = 7, MicroBatches = [0], Stages = [4], UnitBytes = [0], OffloadRatios = [2], Threads = [0], Trials = 0, Steps = 0, WarmupSteps = 0, StopRatio = 1, MemoryLimitBytes = 0 };
        var error = Assert.Throws<InvalidOptionsException>(() => finder.Candidates(2));
        Assert.Equal(12, error.Faults.Count);
        Assert.Contains("none divides the 4 samples of a rank (8 / 2)", Assert.Throws<InvalidOptionsException>(() => new ThroughputFinder { GlobalBatch = 8, MicroBatches = [3] }.Candidates(2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_next_is_what_promises_most_after_the_errors_of_its_neighbours()
    {
        ThroughputTrial Planned(int micro, int stage, double seconds) => new(new(micro, 8 / micro, stage, 1, 0, null), seconds, 1, ThroughputState.NotMeasured);
        ThroughputTrial[] candidates = [Planned(8, 0, 1.0), Planned(4, 0, 1.1), Planned(8, 1, 1.2), Planned(4, 1, 1.25), Planned(1, 3, 9) with { State = ThroughputState.TooLarge }];
        var selection = new ThroughputSelection(candidates, trials: 3);
        Assert.Equal(candidates[0], selection.Next());
        // Twice as slow as predicted: so will its neighbours be, and the order stays.
        selection.End(candidates[0] with { State = ThroughputState.Measured, Seconds = 2 });
        Assert.Equal(candidates[1], selection.Next());
        // A failure costs no trial and teaches nothing.
        selection.End(candidates[1] with { State = ThroughputState.Failed, Problem = "full" });
        Assert.Null(selection.Next()); // 2.4 is more than the best's 2 and doubt
        selection = new ThroughputSelection(candidates, trials: 3);
        selection.End(candidates[0] with { State = ThroughputState.Stopped, Seconds = 2 });
        selection.End(candidates[2] with { State = ThroughputState.Measured, Seconds = 1.2 });
        // Stage 1 does what was predicted of it, stage 0 does not.
        Assert.Equal(candidates[3], selection.Next());
        Assert.Equal(candidates[2].Candidate, selection.Best!.Candidate);
        Assert.Equal(candidates.Length, selection.All().Count);
        Assert.Equal(ThroughputState.TooLarge, selection.All()[^1].State);
    }

    [Fact]
    public void Where_the_model_missed_two_by_the_same_nothing_that_promises_less_is_measured()
    {
        ThroughputTrial Planned(int micro, double seconds) => new(new(micro, 8 / micro, 0, 1, 0, null), seconds, 1, ThroughputState.NotMeasured);
        ThroughputTrial[] candidates = [Planned(8, 1.0), Planned(4, 1.01), Planned(2, 1.02)];
        ThroughputSelection After(double first, double second)
        {
            var selection = new ThroughputSelection(candidates, trials: 3);
            selection.End(candidates[0] with { State = ThroughputState.Measured, Seconds = first });
            selection.End(candidates[1] with { State = ThroughputState.Measured, Seconds = second });
            return selection;
        }
        Assert.Null(After(2, 2.03).Next());
        // 3 % and 8 % more than predicted: it may be wrong by as much again.
        Assert.Equal(candidates[2], After(1.03, 1.09).Next());
    }

    [Fact]
    public void A_recorded_step_knows_its_arithmetic_its_parameters_and_what_its_optimizer_keeps()
    {
        if (StepRecording.Unavailable is { } reason) Assert.Skip(reason);
        var step = new Trainer(Fixture.Quiet()).RecordStep(() => new Model(), DataModule.Of<LabeledBatch>(_set.Batches(16)));
        Assert.Equal((16, 8L * 16 + 16 + 16 * 3 + 3), (step.Work.Samples, step.Shape.NumParameters));
        Assert.Equal(2.0 * 16 * ((8 * 16) + (16 * 3)), step.Work.Forward.Sum(op => op.Flops));
        Assert.Equal(8, step.StateBytes);
        Assert.InRange(step.Work.ForwardCalls, 5, 100);
        Assert.InRange(step.Work.ActivationBytes, 4 * 16 * (16 + 3), 100_000);
        Assert.Equal(4, new Trainer(Fixture.Quiet()).RecordStep(() => new Model { Optimizer = m => Optimizers.Sgd(m, 1e-3, momentum: 0.9) }, DataModule.Of<LabeledBatch>(_set.Batches(16))).StateBytes);
        var few = Assert.Throws<InvalidOptionsException>(() => new Trainer(Fixture.Quiet()).RecordStep(() => new Model(), DataModule.Of<LabeledBatch>(_set.Batches(128))));
        Assert.Contains("holds too few samples", few.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ranks_agree_on_every_trial_and_on_the_result()
    {
        if (StepRecording.Unavailable is { } reason) Assert.Skip(reason);
        var results = Search(_ => null, new() { GlobalBatch = 16, Stages = [0, 2, 3], Exhaustive = true, Calibration = Machine, Steps = 2, WarmupSteps = 1 });
        Assert.Equal(12, results[0].Trials.Count);
        Assert.All(results[0].Trials, t => Assert.Equal(ThroughputState.Measured, t.State));
        Assert.Equal(results[0].Best, results[1].Best);
        Assert.Equal(results[0].Trials, results[1].Trials);
    }

    [Fact]
    public void A_rank_that_runs_out_of_memory_fails_the_trial_everywhere_and_not_the_search()
    {
        if (StepRecording.Unavailable is { } reason) Assert.Skip(reason);
        var results = Search(
            rank => batch => { if (rank == 1 && batch.Count > 4) throw new OutOfMemoryException(); },
            new() { GlobalBatch = 16, Stages = [0, 3], Exhaustive = true, Calibration = Machine, Steps = 2, WarmupSteps = 1 });
        foreach (var result in results)
        {
            Assert.Equal(2, result.Trials.Count(t => t.State == ThroughputState.Failed));
            Assert.All(result.Trials.Where(t => t.Candidate.MicroBatch == 8), t => Assert.StartsWith("rank 1: ", t.Problem, StringComparison.Ordinal));
            Assert.InRange(result.Best!.Candidate.MicroBatch, 1, 4);
        }
    }

    [Fact]
    public void Units_that_compute_again_are_traced_and_tried_as_such()
    {
        if (StepRecording.Unavailable is { } reason) Assert.Skip(reason);
        var result = Search(_ => null, new() { GlobalBatch = 16, MicroBatches = [8], Stages = [0, 3], UnitBytes = [600], Recompute = [false, true], Exhaustive = true, Calibration = Machine, Steps = 1, WarmupSteps = 1 })[0];
        Assert.All(result.Trials, t => Assert.Equal(ThroughputState.Measured, t.State));
        foreach (var stage in result.Trials.GroupBy(t => t.Candidate.Stage))
            Assert.True(stage.Single(t => t.Candidate.Recompute).PredictedSeconds > stage.Single(t => !t.Candidate.Recompute).PredictedSeconds);
    }

    [Fact]
    public void What_memory_has_no_room_for_is_not_tried()
    {
        if (StepRecording.Unavailable is { } reason) Assert.Skip(reason);
        var tried = 0;
        var results = Search(_ => _ => Interlocked.Increment(ref tried), new() { GlobalBatch = 16, Calibration = Machine, MemoryLimitBytes = 100 });
        Assert.All(results, r => Assert.Null(r.Best));
        Assert.All(results[0].Trials, t => Assert.Equal(ThroughputState.TooLarge, t.State));
        Assert.InRange(tried, 1, 8); // the two traces on the first rank
    }

    [Fact]
    public void Another_failure_ends_the_search_on_all_ranks()
    {
        if (StepRecording.Unavailable is { } reason) Assert.Skip(reason);
        var finder = new ThroughputFinder { GlobalBatch = 16, Calibration = Machine, Steps = 1, WarmupSteps = 1 };
        var error = Assert.Throws<ThroughputTrialException>(() => Search(rank => _ => { if (rank == 1) throw new InvalidDataException("a broken sample"); }, finder));
        Assert.Contains("rank 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("a broken sample", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_search_goes_on_from_its_journal_and_refuses_that_of_another()
    {
        if (StepRecording.Unavailable is { } reason) Assert.Skip(reason);
        using var folder = new TemporaryFolder();
        var finder = new ThroughputFinder { GlobalBatch = 16, Calibration = Machine with { Ranks = 1 }, Exhaustive = true, Steps = 1, WarmupSteps = 1, Journal = folder["trials.jsonl"] };
        var first = Alone(finder, null);
        var lines = File.ReadAllLines(finder.Journal);
        Assert.Equal(1 + first.Trials.Count, lines.Length);
        // Killed while the last line was written.
        File.WriteAllText(finder.Journal, string.Join('\n', lines[..^1]) + "\n" + lines[^1][..10]);
        var ended = new List<ThroughputTrial>();
        var again = Alone(finder, ended.Add);
        Assert.Single(ended);
        Assert.Equal(first.Trials.SkipLast(1), again.Trials.SkipLast(1));
        Assert.Contains("journal of another search", Assert.Throws<InvalidOptionsException>(() => Alone(finder with { GlobalBatch = 8 }, null)).Message, StringComparison.Ordinal);
        File.WriteAllText(finder.Journal, "not json\n");
        Assert.Contains("is no journal", Assert.Throws<InvalidOptionsException>(() => Alone(finder, null)).Message, StringComparison.Ordinal);
    }

    FoundThroughput Alone(ThroughputFinder finder, Action<ThroughputTrial>? onTrial) =>
        new Trainer(Fixture.Quiet()).FindThroughput(() => new Model(), size => DataModule.Of<LabeledBatch>(_set.Batches(size)), finder, onTrial);

    FoundThroughput[] Search(Func<int, Action<LabeledBatch>?> onStep, ThroughputFinder finder) => World.Run(2, world =>
        new Trainer(Fixture.Quiet(), world).FindThroughput(() => new Model { OnStep = onStep(world.Rank) }, size => DataModule.Of<LabeledBatch>(_set.Batches(size)), finder));
}
