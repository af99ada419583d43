using System.Text.Json;
using Raijin.Testing;
using Raijin.Tensors;

namespace Raijin.Training.Tests.Profiling;

public sealed class TraceProfilerTests
{
    sealed record Event(string Kind, string Category, string Name, int Thread, double Start, double Length, string? Phase, long? Id, string? Shapes)
    {
        public double End => Start + Length;
    }

    static List<Event> Trace(TraceProfiler profiler)
    {
        using var folder = new TemporaryFolder();
        ProfiledFit.Weights(profiler, folder.Path, new TrainingTimer());
        return [.. profiler.Files.SelectMany(Read)];
    }

    static List<Event> Read(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(file));
        return [.. json.RootElement.GetProperty("traceEvents").EnumerateArray().Select(e => new Event(
            e.GetProperty("ph").GetString()!,
            e.TryGetProperty("cat", out var c) ? c.GetString()! : "",
            e.GetProperty("name").GetString()!,
            e.GetProperty("tid").GetInt32(),
            e.TryGetProperty("ts", out var ts) ? ts.GetDouble() : 0,
            e.TryGetProperty("dur", out var dur) ? dur.GetDouble() : 0,
            e.TryGetProperty("args", out var args) && args.TryGetProperty("phase", out var phase) ? phase.GetString() : null,
            e.TryGetProperty("id", out var id) ? id.GetInt64() : null,
            args.ValueKind == JsonValueKind.Object && args.TryGetProperty("shapes", out var shapes) ? shapes.GetRawText() : null))];
    }

    [Fact]
    public void Active_steps_are_there_with_their_phases_and_hooks_and_no_others()
    {
        var profiler = new TraceProfiler();
        var events = Trace(profiler);
        Assert.Equal("trace-00000002.json", Path.GetFileName(Assert.Single(profiler.Files)));
        Assert.Equal(["step 2", "step 3", "step 4"], events.Where(e => e.Category == "step").Select(e => e.Name));
        Assert.Equal("epoch 0", Assert.Single(events, e => e.Category == "epoch").Name);
        foreach (var phase in new[] { "fetch", "transfer", "forward", "backward", "optimizer" })
            Assert.Equal(3, events.Count(e => e.Category == "phase" && e.Name == phase));
        Assert.Equal(3, events.Count(e => e.Category == "hook" && e.Name == "TrainingTimer.OnTrainStepEnd"));
    }

    [Fact]
    public void Spans_and_ops_of_a_thread_nest_and_lie_in_their_step()
    {
        var events = Trace(new TraceProfiler()).Where(e => e.Kind == "X").ToList();
        Assert.All(events, e => Assert.True(e.Start >= 0 && e.Length >= 0, $"{e}"));
        // Microseconds are written to the nanosecond.
        const double Rounding = 0.002;
        foreach (var thread in events.GroupBy(e => e.Thread))
        {
            var open = new Stack<Event>();
            foreach (var e in thread.OrderBy(e => e.Start).ThenByDescending(e => e.End))
            {
                while (open.TryPeek(out var before) && before.End <= e.Start + Rounding) open.Pop();
                if (open.TryPeek(out var around)) Assert.True(e.End <= around.End + Rounding, $"{e} crosses the end of {around}");
                open.Push(e);
            }
        }
        var steps = events.Where(e => e.Category == "step").ToList();
        Assert.All(events.Where(e => e.Category == "phase" && e.Name == "backward"), e => Assert.Contains(steps, s => s.Start - Rounding <= e.Start && e.End <= s.End + Rounding));
    }

    [Fact]
    public void Ops_of_the_model_are_counted_in_forward_and_backward()
    {
        Assert.SkipWhen(OpRecorder.Unavailable is not null, OpRecorder.Unavailable ?? "");
        var events = Trace(new TraceProfiler { Shapes = true });
        // Two linear layers, a ReLU and a loss, three steps.
        Assert.Equal(3 * 2, events.Count(e => e.Name == "aten::addmm" && e.Phase == "forward"));
        Assert.Equal(3, events.Count(e => e.Name == "aten::relu" && e.Phase == "forward"));
        Assert.Equal(3, events.Count(e => e.Name == "aten::nll_loss_forward" && e.Phase == "forward"));
        Assert.Equal(3 * 2, events.Count(e => e.Category == "backward" && e.Kind == "X" && e.Name == "AddmmBackward0" && e.Phase == "backward"));
        Assert.DoesNotContain(events, e => e.Name.EndsWith("Backward0", StringComparison.Ordinal) && e.Kind == "X" && e.Phase != "backward");
        Assert.Contains("[8,8]", events.First(e => e.Name == "aten::addmm").Shapes);
    }

    [Fact]
    public void Arrows_lead_from_an_op_to_its_backward_node()
    {
        Assert.SkipWhen(OpRecorder.Unavailable is not null, OpRecorder.Unavailable ?? "");
        var events = Trace(new TraceProfiler { Schedule = new() { Active = 1 } });
        var (starts, ends) = (events.Where(e => e.Kind == "s").ToDictionary(e => e.Id!.Value), events.Where(e => e.Kind == "f").ToDictionary(e => e.Id!.Value));
        Assert.NotEmpty(starts);
        Assert.Equal(starts.Keys.Order(), ends.Keys.Order());
        foreach (var (id, start) in starts)
        {
            Assert.True(start.Start < ends[id].Start, $"{start} after {ends[id]}");
            Assert.Contains(events, e => e.Category == "op" && e.Start == start.Start);
            Assert.Contains(events, e => e.Category == "backward" && e.Kind == "X" && e.Start == ends[id].Start);
        }
    }

    [Fact]
    public void Each_repetition_makes_a_file_and_an_unfinished_one_leaves_what_there_is()
    {
        var profiler = new TraceProfiler { Schedule = new() { Wait = 2, Warmup = 1, Active = 7, Repeat = 0 } };
        var events = Trace(profiler);
        Assert.Equal(["trace-00000003.json", "trace-00000013.json", "trace-00000023.json"], profiler.Files.Select(f => Path.GetFileName(f)));
        Assert.Equal([3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 18, 19, 23], events.Where(e => e.Category == "step").Select(e => int.Parse(e.Name[5..], System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void Nothing_is_recorded_after_the_end()
    {
        Assert.SkipWhen(OpRecorder.Unavailable is not null, OpRecorder.Unavailable ?? "");
        Trace(new TraceProfiler { Schedule = new() { Wait = 22, Warmup = 1, Active = 5 } });
        using var recorder = OpRecorder.Start();
        Assert.Equal(0, recorder.Stop().Count);
    }
}
