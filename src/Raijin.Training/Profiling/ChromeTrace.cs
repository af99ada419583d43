// The Trace Event Format of Chrome and Perfetto: a JSON object whose traceEvents are complete events (ph X: ts and dur in microseconds), metadata (M) that names
// processes and threads, and flows (s, f) between an op and its backward node.

using System.Diagnostics;
using System.Text.Json;
using Raijin.Tensors;

namespace Raijin.Training;

/// <summary>What a span of the loop is.</summary>
enum TraceKind
{
    Phase,
    Hook,
    Step,
}

/// <summary>A span of the loop, in ticks of <see cref="Stopwatch"/>.</summary>
readonly record struct TraceSpan(TraceKind Kind, string Name, long Began, long Ended, long Step)
{
    public long Epoch { get; init; }
}

/// <summary>What one file holds.</summary>
/// <param name="Spans">The loop's, in the order of their ends.</param>
/// <param name="Ops">libtorch's ops; null where they can't be seen.</param>
/// <param name="Began">The zero of time.</param>
/// <param name="Thread">The training thread's managed id.</param>
/// <param name="LostSpans">Spans that found no room.</param>
sealed record TraceWindow(IReadOnlyList<TraceSpan> Spans, OpTrace? Ops, long Began, int Thread, long LostSpans);

/// <summary>Writes a trace.</summary>
static class ChromeTrace
{
    const int Process = 0;

    public static void Write(Stream file, TraceWindow window)
    {
        using var json = new Utf8JsonWriter(file);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartArray("traceEvents");
        Name(json, "process_name", 0, "raijin");
        Name(json, "thread_name", window.Thread, "training");
        foreach (var span in Epochs(window.Spans)) WriteSpan(json, window, span, "epoch", span.Name);
        foreach (var span in window.Spans)
            WriteSpan(json, window, span, span.Kind.ToString().ToLowerInvariant(), span.Kind == TraceKind.Step ? $"step {span.Step}" : span.Name);
        if (window.Ops is { } ops)
        {
            var phases = window.Spans.Where(s => s.Kind == TraceKind.Phase).OrderBy(s => s.Began).ToArray();
            foreach (var thread in ops.Threads)
            {
                if (thread.ThreadId != window.Thread) Name(json, "thread_name", thread.ThreadId, $"thread {thread.ThreadId}");
                foreach (var op in thread.Records) WriteOp(json, window, thread, op, phases);
            }
            WriteFlows(json, window, ops);
        }
        json.WriteEndArray();
        json.WriteStartObject("raijin");
        json.WriteNumber("droppedOps", window.Ops?.Dropped ?? 0);
        json.WriteNumber("droppedSpans", window.LostSpans);
        json.WriteBoolean("hasOps", window.Ops is not null);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Steps of one epoch next to each other make its span.</summary>
    static IEnumerable<TraceSpan> Epochs(IReadOnlyList<TraceSpan> spans)
    {
        TraceSpan? open = null;
        foreach (var step in spans.Where(s => s.Kind == TraceKind.Step))
        {
            if (open is { } other && other.Epoch != step.Epoch)
            {
                yield return other;
                open = null;
            }
            open = open is { } same ? same with { Ended = step.Ended } : step with { Name = $"epoch {step.Epoch}" };
        }
        if (open is { } last) yield return last;
    }

    static void WriteSpan(Utf8JsonWriter json, TraceWindow window, TraceSpan span, string category, string name)
    {
        Begin(json, "X", category, name, window.Thread, window, span.Began);
        json.WriteNumber("dur", Microseconds(span.Ended - span.Began));
        json.WriteEndObject();
    }

    static void WriteOp(Utf8JsonWriter json, TraceWindow window, ThreadOps thread, in OpRecord op, TraceSpan[] phases)
    {
        if (op.Began < window.Began) return;
        Begin(json, "X", op.Kind == OpKind.Op ? "op" : "backward", op.Name, thread.ThreadId, window, op.Began);
        json.WriteNumber("dur", Microseconds(op.Ticks));
        json.WriteStartObject("args");
        if (PhaseAt(phases, op.Began) is { } phase) json.WriteString("phase", phase);
        if (op.Sequence >= 0) json.WriteNumber("sequence", op.Sequence);
        if (op.Inputs >= 0)
        {
            json.WriteStartArray("shapes");
            foreach (var argument in thread.Inputs(op))
            {
                json.WriteStartArray();
                foreach (var size in argument.Shape ?? []) json.WriteNumberValue(size);
                json.WriteEndArray();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>From the op that made a backward node to the node.</summary>
    static void WriteFlows(Utf8JsonWriter json, TraceWindow window, OpTrace ops)
    {
        foreach (var (op, opThread, node, nodeThread) in BackwardLinks.Of(ops))
        {
            if (op.Began < window.Began) continue;
            Begin(json, "s", "forward-backward", "backward", opThread, window, op.Began);
            json.WriteNumber("id", node.Sequence);
            json.WriteEndObject();
            Begin(json, "f", "forward-backward", "backward", nodeThread, window, node.Began);
            json.WriteNumber("id", node.Sequence);
            json.WriteString("bp", "e");
            json.WriteEndObject();
        }
    }

    static string? PhaseAt(TraceSpan[] phases, long timestamp)
    {
        var (low, high) = (0, phases.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (phases[middle].Began <= timestamp) low = middle + 1;
            else high = middle;
        }
        return low > 0 && timestamp < phases[low - 1].Ended ? phases[low - 1].Name : null;
    }

    static void Name(Utf8JsonWriter json, string what, int thread, string name)
    {
        json.WriteStartObject();
        json.WriteString("ph", "M");
        json.WriteString("name", what);
        json.WriteNumber("pid", Process);
        json.WriteNumber("tid", thread);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static void Begin(Utf8JsonWriter json, string kind, string category, string name, int thread, TraceWindow window, long timestamp)
    {
        json.WriteStartObject();
        json.WriteString("ph", kind);
        json.WriteString("cat", category);
        json.WriteString("name", name);
        json.WriteNumber("pid", Process);
        json.WriteNumber("tid", thread);
        json.WriteNumber("ts", Microseconds(timestamp - window.Began));
    }

    static double Microseconds(long ticks) => Math.Round(ticks * 1e6 / Stopwatch.Frequency, 3);
}
