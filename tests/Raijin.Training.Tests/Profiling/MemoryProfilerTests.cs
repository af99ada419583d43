using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Profiling;

public sealed class MemoryProfilerTests
{
    [Fact]
    public void A_module_keeps_its_output_and_its_peak_holds_what_it_used_on_the_way()
    {
        Assert.SkipWhen(AllocationMeter.Unavailable is not null, AllocationMeter.Unavailable ?? "");
        using var scope = NewDisposeScope();
        var model = Sequential(("linear", Linear(64, 128, hasBias: false)), ("wasteful", new Wasteful()));
        var profiler = new MemoryProfiler { Skip = 0, Steps = 1 };
        using (var session = profiler.Start(new ProfileTarget { Model = model }))
        {
            session.StepStart(0);
            session.Mark(ProfilePhase.Forward);
            model.call(rand(32, 64));
            session.Mark(ProfilePhase.Loop);
            session.StepEnd();
        }
        foreach (var parameter in model.parameters()) parameter.Dispose();

        var report = profiler.Report!;
        Assert.True(report.IsCounted);
        Assert.Equal(64 * 128 * 4, report.ModelBytes);
        const long output = 32 * 128 * 4;
        var linear = report.Modules.Single(m => m.Name == "linear");
        Assert.Equal((1, output, output), (linear.Count, linear.PeakRise, linear.Kept));
        var wasteful = report.Modules.Single(m => m.Name == "wasteful");
        Assert.Equal((output + Wasteful.Bytes, output, output + Wasteful.Bytes), (wasteful.PeakRise, wasteful.Kept, wasteful.Allocated));
        Assert.Equal("wasteful", report.Modules[0].Name);
        // Input, the linear layer's output, then the wasteful one's.
        Assert.Equal(report.ModelBytes + 32 * 64 * 4 + 2 * output + Wasteful.Bytes, report.Peak);
        Assert.Equal(ProfilePhase.Forward, report.PeakPhase);
        Assert.Equal(report.Peak, report.Phases.Single(p => p.Name == "forward").Peak);
        Assert.Equal(report.Peak, report.Timeline.Max(s => s.Peak));
    }

    [Fact]
    public void A_fit_leaves_tables_a_timeline_and_a_picture_in_its_folder()
    {
        using var folder = new TemporaryFolder();
        var profiler = new MemoryProfiler();
        ProfiledFit.Weights(profiler, folder.Path);
        var report = profiler.Report!;
        Assert.Subset(report.Phases.Select(p => p.Name).ToHashSet(), new HashSet<string> { "fetch", "forward", "backward", "optimizer" });
        Assert.Equal(2, report.Phases.Single(p => p.Name == "forward").Count);
        Assert.True(report.Peak >= report.ModelBytes);
        for (var i = 1; i < report.Timeline.Count; i++) Assert.True(report.Timeline[i].Time >= report.Timeline[i - 1].Time);

        var profile = Path.Combine(folder.Path, "profile");
        Assert.Equal(profiler.ToString(), File.ReadAllText(Path.Combine(profile, "memory.txt")));
        Assert.Equal(1 + report.Timeline.Count, File.ReadAllLines(Path.Combine(profile, "memory.csv")).Length);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(Path.Combine(profile, "memory.png")).Take(4));
    }

    [Fact]
    public void Where_allocations_cannot_be_counted_the_heap_is_read()
    {
        var profiler = new MemoryProfiler { Counts = false };
        ProfiledFit.Weights(profiler);
        Assert.False(profiler.Report!.IsCounted);
        Assert.Equal(TensorLedger.NativeBytes is not null, profiler.Report.Peak > 0);
        Assert.Equal(2, profiler.Report.Phases.Single(p => p.Name == "backward").Count);
    }

    [Fact]
    public void A_timeline_is_bounded()
    {
        var profiler = new MemoryProfiler { MaxSamples = 5 };
        ProfiledFit.Weights(profiler);
        Assert.Equal(5, profiler.Report!.Timeline.Count);
        Assert.True(profiler.Report.LostSamples > 0);
    }

    /// <summary>Doubles its input, and makes and frees a block on the way.</summary>
    sealed class Wasteful() : Module<Tensor, Tensor>("Wasteful")
    {
        public const long Bytes = 100_000 * 4;

        public override Tensor forward(Tensor x)
        {
            var result = x.clone();
            using (zeros(100_000)) { }
            return result;
        }
    }
}
