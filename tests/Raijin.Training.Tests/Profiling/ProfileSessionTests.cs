using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Profiling;

/// <summary>Writes down what it is told.</summary>
sealed class EventProfiler : Profiler
{
    public List<string> Events { get; } = [];

    public List<(string Name, ProfileSpan Span)> Spans { get; } = [];

    protected internal override void OnStart(ProfileTarget target) => Events.Add("start");

    protected internal override void OnStepStart(long step, long epoch, long timestamp) => Events.Add($"step {step} of epoch {epoch}");

    protected internal override void OnStepEnd(long step, long timestamp) => Events.Add($"end of step {step}");

    protected internal override void OnPhaseStart(ProfilePhase phase, long timestamp) => Events.Add($"{phase}");

    protected internal override void OnPhaseEnd(ProfilePhase phase, ProfileSpan span)
    {
        Events.Add($"end of {phase}");
        Spans.Add((phase.ToString(), span));
    }

    protected internal override void OnRegionStart(ProfileRegion region, long timestamp) => Events.Add(region.Name);

    protected internal override void OnRegionEnd(ProfileRegion region, ProfileSpan span)
    {
        Events.Add($"end of {region.Name}");
        Spans.Add((region.Name, span));
    }

    protected internal override void OnEnd() => Events.Add("end");
}

public sealed class ProfileSessionTests
{
    static ProfileTarget Target(Module model) => new() { Model = model };

    [Fact]
    public void Every_moment_belongs_to_one_phase()
    {
        using var model = Linear(1, 1);
        var profiler = new EventProfiler();
        using (var session = profiler.Start(Target(model)))
        {
            session.StepStart(7, epoch: 2);
            session.Mark(ProfilePhase.Fetch);
            session.Mark(ProfilePhase.Forward);
            session.StepEnd();
        }
        Assert.Equal(["start", "Setup", "end of Setup", "step 7 of epoch 2", "Loop", "end of Loop", "Fetch", "end of Fetch", "Forward", "end of Forward", "end of step 7", "Loop", "end of Loop", "end"], profiler.Events);
        for (var i = 1; i < profiler.Spans.Count; i++) Assert.Equal(profiler.Spans[i - 1].Span.Ended, profiler.Spans[i].Span.Began);
    }

    [Fact]
    public void What_is_measured_within_is_taken_from_what_is_around_once()
    {
        using var model = Linear(1, 1);
        var profiler = new EventProfiler();
        using (var session = profiler.Start(Target(model)))
        using (session.Measure(session.Region("outer")))
        using (session.Measure(session.Region("inner"))) { }

        var (inner, outer, phase) = (profiler.Spans[0].Span, profiler.Spans[1].Span, profiler.Spans[2].Span);
        Assert.Equal(["inner", "outer", "Setup"], profiler.Spans.Select(s => s.Name));
        Assert.Equal((0, inner.Ticks, outer.Ticks), (inner.Within, outer.Within, phase.Within));
        Assert.Equal(phase.Ticks, inner.OwnTicks + outer.OwnTicks + phase.OwnTicks);
    }

    [Fact]
    public void Hooks_are_wrapped_in_place_named_after_their_class_and_end_when_they_throw()
    {
        using var model = Linear(1, 1);
        var profiler = new EventProfiler();
        var (first, second) = (new Target1(), new Target1());
        List<Action<int>> hooks = [first.OnEvent, second.OnEvent];
        using (var session = profiler.Start(Target(model)))
        {
            session.Wrap(hooks);
            hooks[0](1);
            hooks[1](2);
            Assert.Throws<InvalidOperationException>(() => hooks[1](-1));
        }
        Assert.Equal((1, 2), (first.Last, second.Last));
        Assert.Equal(["Target1.OnEvent", "end of Target1.OnEvent", "Target1.OnEvent (2)", "end of Target1.OnEvent (2)", "Target1.OnEvent (2)", "end of Target1.OnEvent (2)"], profiler.Events.Where(e => e.Contains("Target1")));
    }

    [Fact]
    public void Without_a_profiler_a_run_calls_the_hooks_themselves()
    {
        using var model = new SmallClassifier();
        var monitor = new LearningRateMonitor();
        var plain = HookTable.Of([monitor], model);
        Assert.All(plain.Log, hook => Assert.Same(monitor, hook.Target));

        using var session = new EventProfiler().Start(Target(model));
        var profiled = HookTable.Of([monitor], model);
        profiled.ProfileIn(session);
        Assert.Equal(plain.Log.Count, profiled.Log.Count);
        Assert.All(profiled.Log, hook => Assert.NotSame(monitor, hook.Target));
    }

    [Fact]
    public void A_profiler_serves_one_run_at_a_time_and_then_another()
    {
        using var model = Linear(1, 1);
        var profiler = new EventProfiler();
        using (profiler.Start(Target(model))) Assert.Throws<InvalidOperationException>(() => profiler.Start(Target(model)));
        using (profiler.Start(Target(model))) { }
        Assert.Equal(2, profiler.Events.Count(e => e == "end"));
    }

    [Fact]
    public void A_profile_that_cannot_be_written_is_a_warning()
    {
        using var model = Linear(1, 1);
        using var folder = new Testing.TemporaryFolder();
        var logger = new ListLogger();
        File.WriteAllText(Path.Combine(folder.Path, "profile"), "in the way");
        using (new SimpleProfiler().Start(new ProfileTarget { Model = model, Folder = folder.Path, Logger = logger })) { }
        Assert.Contains("could not be written", Assert.Single(logger.Messages));
    }

    [Fact]
    public void Several_profilers_are_told_the_same()
    {
        using var model = Linear(1, 1);
        var (first, second) = (new EventProfiler(), new EventProfiler());
        using (var session = Profiler.Of(first, second).Start(Target(model)))
        {
            session.StepStart(0);
            session.Mark(ProfilePhase.Forward);
            using (session.Measure(session.Region("mine"))) { }
            session.StepEnd();
        }
        Assert.Equal(first.Events, second.Events);
        Assert.Contains("mine", first.Events);
    }

    sealed class Target1
    {
        public int Last { get; private set; }

        public void OnEvent(int value)
        {
            if (value < 0) throw new InvalidOperationException();
            Last = value;
        }
    }
}
