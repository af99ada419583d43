using System.Text.Json;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Profiling;

public sealed class FlopsProfilerTests
{
    static readonly JsonElement Recorded = JsonDocument.Parse(File.ReadAllText(Path.Combine(SharedData.Repository, "tests/Raijin.Training.Tests/Profiling/Recordings/flops.json"))).RootElement;

    static FlopsReport Profile(Func<Module<Tensor, Tensor>> make, bool seesOps, params long[] input)
    {
        using var tensor = rand(input);
        return CountedStep.Report(make, tensor, seesOps);
    }

    static FlopsReport Counted(Func<Module<Tensor, Tensor>> make, params long[] input) => Profile(make, seesOps: true, input);

    static ModuleCost Of(FlopsReport report, string name) => report.Modules.Single(m => m.Name == name);

    [Fact]
    public void A_convolutional_net_counts_what_PyTorch_counts()
    {
        var report = Counted(() => new FlopsModels.Cnn(), 4, 3, 16, 16);
        var recorded = Recorded.GetProperty("cnn");
        Assert.Equal(recorded.GetProperty("parameters").GetInt64(), report.Parameters);
        Assert.Equal(recorded.GetProperty("forward").GetInt64(), 2 * report.Model.Forward.Macs);
        // By hand, layer by layer.
        Assert.Equal(4 * 8 * 16 * 16 * 3 * 9, Of(report, "net.0").Forward.Macs);
        Assert.Equal(4 * 16 * 3 * 3 * 8 * 9, Of(report, "net.3").Forward.Macs);
        Assert.Equal(4 * 16 * 3 * 3 * 10, Of(report, "net.6").Forward.Macs);
        // ReLU compares each element once.
        Assert.Equal(new OpCost(0, 4 * 8 * 16 * 16), Of(report, "net.1").Forward);
        // Backward: weight and input; the first layer's input wants none.
        Assert.Equal(4 * 8 * 16 * 16 * 3 * 9, Of(report, "net.0").Backward!.Value.Macs);
        Assert.Equal(2 * 4 * 16 * 3 * 3 * 8 * 9, Of(report, "net.3").Backward!.Value.Macs);
    }

    [Fact]
    public void A_recurrent_net_counts_what_PyTorch_counts()
    {
        var report = Counted(() => new FlopsModels.Recurrent(), 7, 2, 6);
        var recorded = Recorded.GetProperty("lstm");
        Assert.Equal(recorded.GetProperty("parameters").GetInt64(), report.Parameters);
        Assert.Equal(recorded.GetProperty("forward").GetInt64(), 2 * report.Model.Forward.Macs);
        // The fused layer here makes the gradients of its input and of the state it began with, whether wanted or not; PyTorch's loop of products left those out.
        const long unwanted = 2 * (7 * 2 * 4 * 6 * 5 + 2 * 2 * 4 * 5 * 5);
        Assert.Equal(recorded.GetProperty("backward").GetInt64() + unwanted, 2 * report.Model.Backward!.Value.Macs);
        Assert.Equal(7 * 2 * 4 * (6 * 5 + 5 * 5 + 5 * 5 + 5 * 5), Of(report, "lstm").Forward.Macs);
    }

    [Fact]
    public void A_transformer_block_counts_what_PyTorch_counts_its_functional_products_too()
    {
        var report = Counted(() => new FlopsModels.Block(), 2, 5, 16);
        var recorded = Recorded.GetProperty("block");
        Assert.Equal(recorded.GetProperty("parameters").GetInt64(), report.Parameters);
        Assert.Equal(recorded.GetProperty("forward").GetInt64(), 2 * report.Model.Forward.Macs);
        Assert.Equal(recorded.GetProperty("backward").GetInt64(), 2 * report.Model.Backward!.Value.Macs);
        const long tokens = 2 * 5;
        Assert.Equal(tokens * 16 * 48, Of(report, "qkv").Forward.Macs);
        Assert.Equal(2 * tokens * 16 * 48, Of(report, "qkv").Backward!.Value.Macs);
        // Scores and mixing are the block's own.
        var inModules = report.Modules.Skip(1).Sum(m => m.Forward.Macs);
        Assert.Equal(2 * 4 * 5 * 5 * (4 + 4), report.Model.Forward.Macs - inModules);
    }

    [Fact]
    public void Times_of_modules_lie_within_their_parents()
    {
        var report = Counted(() => new FlopsModels.Cnn(), 4, 3, 16, 16);
        Assert.Equal([("", 0), ("net", 1), ("net.0", 2)], report.Modules.Take(3).Select(m => (m.Name, m.Depth)));
        var net = Of(report, "net");
        var layers = report.Modules.Where(m => m.Depth == 2).ToList();
        Assert.Equal(7, layers.Count);
        Assert.All(layers, l => Assert.Equal(1, l.Calls));
        Assert.True(layers.Sum(l => l.ForwardTime.Ticks) <= net.ForwardTime.Ticks + layers.Count && net.ForwardTime <= report.ForwardTime);
        Assert.True(layers.Sum(l => l.BackwardTime!.Value.Ticks) <= report.BackwardTime.Ticks + layers.Count);
        Assert.All(layers.Where(l => l.Parameters > 0), l => Assert.True(l.BackwardTime > TimeSpan.Zero, l.Name));
        Assert.Contains(report.Ops, o => o.Name == "aten::convolution_backward" && o.Count == 2);
    }

    [Fact]
    public void Where_ops_cannot_be_seen_the_forward_pass_is_estimated_from_kinds_of_modules()
    {
        var report = Profile(() => new FlopsModels.Cnn(), seesOps: false, 4, 3, 16, 16);
        Assert.False(report.IsCounted);
        Assert.Equal(Recorded.GetProperty("cnn").GetProperty("forward").GetInt64(), report.Model.Forward.Flops);
        Assert.Null(report.Model.Backward);
        Assert.All(report.Modules, m => Assert.Null(m.BackwardTime));
        Assert.Empty(report.Ops);
        Assert.True(report.FlopsPerSecond > 0);
    }

    [Fact]
    public void What_is_called_twice_counts_twice()
    {
        var report = Counted(() =>
        {
            var shared = Linear(4, 4);
            return Sequential(("first", shared), ("again", shared));
        }, 3, 4);
        Assert.Equal((2, 2 * 3 * 16), (Of(report, "first").Calls, Of(report, "first").Forward.Macs));
        Assert.DoesNotContain(report.Modules, m => m.Name == "again");
    }

    [Fact]
    public void Beside_a_trace_it_takes_the_first_step_after()
    {
        Assert.SkipWhen(OpRecorder.Unavailable is not null, OpRecorder.Unavailable ?? "");
        var (trace, flops) = (new TraceProfiler(), new FlopsProfiler());
        ProfiledFit.Weights(Profiler.Of(trace, flops));
        Assert.Equal(5, flops.Report!.Step);
    }

    [Fact]
    public void A_fit_leaves_a_report_of_the_step_asked_for_in_its_folder()
    {
        using var folder = new TemporaryFolder();
        var profiler = new FlopsProfiler { Step = 3 };
        ProfiledFit.Weights(profiler, folder.Path);
        var report = profiler.Report!;
        Assert.Equal(3, report.Step);
        Assert.True(report.ForwardTime > TimeSpan.Zero && report.BackwardTime > TimeSpan.Zero && report.OptimizerTime > TimeSpan.Zero);
        Assert.Equal(8 * (8 * 16 + 16 * 3), report.Model.Forward.Macs);
        Assert.Equal(profiler.ToString(), File.ReadAllText(Path.Combine(folder.Path, "profile", "flops.txt")));

        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder.Path, "profile", "flops.json")));
        Assert.Equal(report.Model.Forward.Macs, json.RootElement.GetProperty("modules")[0].GetProperty("forwardMacs").GetInt64());
        Assert.Equal(report.IsCounted, json.RootElement.GetProperty("counted").GetBoolean());
    }

    [Fact]
    public void Steps_that_are_not_profiled_have_no_hooks_no_recording_and_allocate_nothing()
    {
        using var scope = NewDisposeScope();
        var model = Linear(4, 3);
        var hooks = Hooks(model);
        var profiler = new FlopsProfiler { Step = 21 };
        using (var session = profiler.Start(new ProfileTarget { Model = model }))
        {
            for (var step = 0; step < 10; step++) Step(session, step);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var step = 10; step < 20; step++) Step(session, step);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
            Assert.Equal((hooks, false), (Hooks(model), OpRecorder.IsRecording));
            Step(session, 20);
            Step(session, 21);
            Assert.Equal(21, profiler.Report!.Step);
            before = GC.GetAllocatedBytesForCurrentThread();
            for (var step = 22; step < 30; step++) Step(session, step);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
        Assert.Equal((hooks, false), (Hooks(model), OpRecorder.IsRecording));
        foreach (var parameter in model.parameters()) parameter.Dispose();

        static void Step(ProfileSession session, int step)
        {
            session.StepStart(step);
            session.Mark(ProfilePhase.Forward);
            session.Mark(ProfilePhase.Backward);
            session.Mark(ProfilePhase.Optimizer);
            session.Mark(ProfilePhase.Loop);
            session.StepEnd();
        }

        // TorchSharp keeps hooks in private dictionaries.
        static int Hooks(Module module) => module.GetType().BaseType!.BaseType!.GetFields(System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)
            .Where(f => f.Name.Contains("hook", StringComparison.OrdinalIgnoreCase)).Sum(f => ((System.Collections.ICollection)f.GetValue(module)!).Count);
    }

    [Fact]
    public void The_text_says_what_is_largest_at_each_depth_and_leaves_out_what_is_not_asked_for()
    {
        using var input = rand(4, 3, 16, 16);
        var report = CountedStep.Report(() => new FlopsModels.Cnn(), input);
        Assert.Equal(["Cnn"], report.KindsAt(0).Select(k => k.Type));
        var convolutions = report.KindsAt(2).Single(k => k.Type == "Conv2d");
        Assert.Equal((2, Of(report, "net.0").Forward.Macs + Of(report, "net.3").Forward.Macs), (convolutions.Modules, convolutions.Forward.Macs));
        Assert.Equal(Of(report, "net.0").Parameters + Of(report, "net.3").Parameters, convolutions.Parameters);
        Assert.Empty(report.KindsAt(3));

        var all = Text(report, null, 1, 10, detailed: true);
        Assert.Contains("Linear  1,450", all, StringComparison.Ordinal);
        Assert.Contains("Conv2d ×2  263k", all, StringComparison.Ordinal);
        Assert.DoesNotContain("Linear  1,450", Text(report, null, 0, 10, detailed: true), StringComparison.Ordinal);
        Assert.DoesNotContain("modules, what is in them", Text(report, null, 1, 10, detailed: false), StringComparison.Ordinal);
        Assert.DoesNotContain("ops, without", Text(report, null, 1, 0, detailed: true), StringComparison.Ordinal);
        Assert.DoesNotContain("Conv2d", Text(report, 1, 3, 10, detailed: true), StringComparison.Ordinal);

        static string Text(FlopsReport report, int? depth, int topModules, int topOps, bool detailed) => ProfileText.Render(FlopsTable.Of(report, depth, topModules, topOps, detailed));
    }

    [Fact]
    public void An_output_file_is_written_when_the_step_is_over_and_nothing_is_printed()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var printed = new StringWriter();
        var model = Linear(4, 3);
        var profiler = new FlopsProfiler { Step = 0, OutputFile = folder["made/here/flops.txt"] };
        using (var session = profiler.Start(new ProfileTarget { Model = model, Console = Display.TestConsole.Plain(printed) }))
        {
            session.StepStart(0);
            session.StepEnd();
            Assert.Equal(profiler.ToString(), File.ReadAllText(folder["made/here/flops.txt"]));
        }
        Assert.True(File.Exists(folder["made/here/flops.json"]));
        Assert.Equal("", printed.ToString());
        foreach (var parameter in model.parameters()) parameter.Dispose();
    }

    [Fact]
    public void Bad_numbers_are_refused_where_they_are_given()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new FlopsProfiler { Step = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new FlopsProfiler { TopModules = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new FlopsProfiler { TopOps = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new FlopsProfiler { Depth = -1 });
    }
}
