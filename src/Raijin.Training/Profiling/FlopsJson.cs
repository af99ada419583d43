using System.Text.Json;
using Raijin.Tensors;

namespace Raijin.Training;

/// <summary>A <see cref="FlopsReport"/> as JSON; docs/design/profiling.md has its schema.</summary>
static class FlopsJson
{
    public static void Write(Utf8JsonWriter json, FlopsReport report)
    {
        json.WriteStartObject();
        json.WriteNumber("step", report.Step);
        json.WriteBoolean("counted", report.IsCounted);
        json.WriteNumber("dropped", report.NumDropped);
        json.WriteNumber("ranks", report.Ranks);
        json.WriteNumber("parameters", report.Parameters);
        WriteCost(json, "forward", report.Model.Forward);
        if (report.Model.Backward is { } backward) WriteCost(json, "backward", backward);
        WriteCost(json, "recomputed", report.Model.Recomputed);
        WriteCost(json, "optimizer", report.Optimizer);
        json.WriteNumber("forwardSeconds", report.ForwardTime.TotalSeconds);
        json.WriteNumber("backwardSeconds", report.BackwardTime.TotalSeconds);
        json.WriteNumber("reduceSeconds", report.ReduceTime.TotalSeconds);
        json.WriteNumber("optimizerSeconds", report.OptimizerTime.TotalSeconds);
        json.WriteNumber("stepSeconds", report.StepTime.TotalSeconds);
        json.WriteNumber("flopsPerSecond", report.FlopsPerSecond);
        if (report.Samples is { } samples) json.WriteNumber("samples", samples);
        if (report.SamplesPerSecond is { } rate) json.WriteNumber("samplesPerSecond", rate);
        json.WriteStartArray("depths");
        for (var depth = 0; report.KindsAt(depth) is { Count: > 0 } kinds; depth++) WriteDepth(json, kinds);
        json.WriteEndArray();
        json.WriteStartArray("modules");
        foreach (var module in report.Modules) WriteModule(json, module);
        json.WriteEndArray();
        json.WriteStartArray("ops");
        foreach (var op in report.Ops) WriteOp(json, op);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static void WriteDepth(Utf8JsonWriter json, IReadOnlyList<ModuleKindCost> kinds)
    {
        json.WriteStartArray();
        foreach (var kind in kinds)
        {
            json.WriteStartObject();
            json.WriteString("type", kind.Type);
            json.WriteNumber("modules", kind.Modules);
            json.WriteNumber("parameters", kind.Parameters);
            WriteCost(json, "forward", kind.Forward);
            json.WriteNumber("forwardSeconds", kind.ForwardTime.TotalSeconds);
            if (kind.BackwardTime is { } backward) json.WriteNumber("backwardSeconds", backward.TotalSeconds);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void WriteModule(Utf8JsonWriter json, ModuleCost module)
    {
        json.WriteStartObject();
        json.WriteString("name", module.Name);
        json.WriteString("type", module.Type);
        json.WriteNumber("depth", module.Depth);
        json.WriteNumber("parameters", module.Parameters);
        json.WriteNumber("calls", module.Calls);
        WriteCost(json, "forward", module.Forward);
        json.WriteNumber("forwardSeconds", module.ForwardTime.TotalSeconds);
        if (module.Backward is { } backward)
        {
            WriteCost(json, "backward", backward);
            json.WriteNumber("backwardSeconds", module.BackwardTime!.Value.TotalSeconds);
        }
        if (module.Recomputed != default) WriteCost(json, "recomputed", module.Recomputed);
        json.WriteEndObject();
    }

    static void WriteOp(Utf8JsonWriter json, OpTotal op)
    {
        json.WriteStartObject();
        json.WriteString("name", op.Name);
        json.WriteNumber("count", op.Count);
        json.WriteNumber("macs", op.Cost.Macs);
        json.WriteNumber("flops", op.Cost.Flops);
        json.WriteNumber("ownSeconds", op.OwnTime.TotalSeconds);
        json.WriteEndObject();
    }

    static void WriteCost(Utf8JsonWriter json, string part, OpCost cost)
    {
        json.WriteNumber(part + "Macs", cost.Macs);
        json.WriteNumber(part + "Flops", cost.Flops);
    }
}
