using System.Globalization;
using Raijin.Tensors;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Raijin.Training;

/// <summary>A <see cref="FlopsReport"/> as tables: the step, what is largest at each depth, the modules, the ops.</summary>
static class FlopsTable
{
    public static IReadOnlyList<IRenderable> Of(FlopsReport report, int? depth, int topModules, int topOps, bool detailed)
    {
        var parts = new List<IRenderable> { Step(report), Facts(report) };
        if (topModules > 0) parts.Add(Top(report, depth, topModules));
        if (detailed) parts.Add(Modules(report, depth));
        if (topOps > 0 && report.Ops.Count > 0) parts.Add(Ops(report, topOps));
        return parts;
    }

    static Spectre.Console.Table Step(FlopsReport report)
    {
        var how = report.IsCounted ? "counted op by op" : "forward estimated by module";
        var where = report.Ranks > 1 ? string.Create(CultureInfo.InvariantCulture, $", on rank 0 of {report.Ranks}") : "";
        var table = ProfileText.Table(string.Create(CultureInfo.InvariantCulture, $"step {report.Step}, {how}{where}"), "part", "MACs", "FLOPs", "time", "FLOP/s");
        var (forward, backward, recomputed) = (report.Model.Forward, report.Model.Backward, report.Model.Recomputed);
        Part("forward", forward, report.ForwardTime);
        Part("backward", backward, report.BackwardTime);
        // Within backward's time.
        if (recomputed != default) Part("recomputed", recomputed, TimeSpan.Zero);
        if (report.ReduceTime > TimeSpan.Zero) Part("reduce", null, report.ReduceTime);
        Part("optimizer", report.Optimizer == default ? null : report.Optimizer, report.OptimizerTime);
        Part("step", backward is { } both ? forward + both + report.Optimizer : null, report.StepTime);
        return table;

        void Part(string name, OpCost? cost, TimeSpan time) =>
            ProfileText.Row(table, name, Quantity(cost?.Macs ?? 0), Quantity(cost?.Flops ?? 0), Time(time), cost is { } rate && time > TimeSpan.Zero ? ReadableText.Quantity(rate.Flops / time.TotalSeconds) : "");
    }

    static Text Facts(FlopsReport report)
    {
        var facts = new List<string> { $"{ReadableText.Count(report.Parameters)} parameters" };
        if (report.SamplesPerSecond is { } rate)
            facts.Add($"{ReadableText.Count(report.Samples!.Value)} samples{(report.Ranks > 1 ? " over all ranks" : "")}, {ReadableText.Quantity(rate)} a second");
        if (report.NumDropped > 0) facts.Add($"{ReadableText.Count(report.NumDropped)} ops found no room in the recording and are not counted");
        return new Text($"  {string.Join("; ", facts)}\n\n");
    }

    static Spectre.Console.Table Top(FlopsReport report, int? depth, int top)
    {
        var table = ProfileText.Table("largest at each depth, by class", "depth", "parameters", "forward MACs", "time");
        for (var at = 0; at <= (depth ?? int.MaxValue) && report.KindsAt(at) is { Count: > 0 } kinds; at++)
        {
            var byParameters = Named(kinds, k => k.Parameters, k => ReadableText.Count(k.Parameters));
            var byMacs = Named(kinds, k => k.Forward.Macs, k => ReadableText.Quantity(k.Forward.Macs));
            var byTime = Named(kinds, k => Whole(k).Ticks, k => ReadableText.Timing(Whole(k)));
            for (var row = 0; row < Math.Max(byParameters.Count, Math.Max(byMacs.Count, byTime.Count)); row++)
                ProfileText.Row(table, row == 0 ? at.ToString(CultureInfo.InvariantCulture) : "", byParameters.ElementAtOrDefault(row) ?? "", byMacs.ElementAtOrDefault(row) ?? "", byTime.ElementAtOrDefault(row) ?? "");
        }
        return table;

        List<string> Named(IReadOnlyList<ModuleKindCost> kinds, Func<ModuleKindCost, long> size, Func<ModuleKindCost, string> shown) =>
            [.. kinds.Where(k => size(k) > 0).OrderByDescending(size).Take(top).Select(k => $"{k.Type}{(k.Modules > 1 ? string.Create(CultureInfo.InvariantCulture, $" ×{k.Modules}") : "")}  {shown(k)}")];

        static TimeSpan Whole(ModuleKindCost kind) => kind.ForwardTime + (kind.BackwardTime ?? TimeSpan.Zero);
    }

    static Spectre.Console.Table Modules(FlopsReport report, int? depth)
    {
        var table = ProfileText.Table("modules, what is in them included", "module", "type", "parameters", "calls", "MACs", "share", "FLOPs", "forward", "FLOP/s", "backward", "time share");
        var whole = report.Model;
        var time = Total(whole);
        foreach (var module in report.Modules)
        {
            if (module.Depth > depth) continue;
            var name = module.Depth == 0 ? "model" : new string(' ', 2 * (module.Depth - 1)) + module.Name[(module.Name.LastIndexOf('.') + 1)..];
            ProfileText.Row(table, name, module.Type, Count(module.Parameters), Count(module.Calls),
                Quantity(module.Forward.Macs), module.Forward.Macs > 0 ? ReadableText.Percent((double)module.Forward.Macs / whole.Forward.Macs) : "", Quantity(module.Forward.Flops),
                Time(module.ForwardTime), module.Forward.Flops > 0 && module.ForwardTime > TimeSpan.Zero ? ReadableText.Quantity(module.Forward.Flops / module.ForwardTime.TotalSeconds) : "",
                Time(module.BackwardTime ?? TimeSpan.Zero), time > TimeSpan.Zero ? ReadableText.Percent(Total(module) / time) : "");
        }
        return table;

        static TimeSpan Total(ModuleCost module) => module.ForwardTime + (module.BackwardTime ?? TimeSpan.Zero);
    }

    static Spectre.Console.Table Ops(FlopsReport report, int top)
    {
        var table = ProfileText.Table("ops, without what they call", "op", "count", "own time", "share", "MACs", "FLOPs");
        var all = report.Ops.Sum(o => o.OwnTime.TotalSeconds);
        foreach (var op in report.Ops.Take(top))
            ProfileText.Row(table, op.Name, ReadableText.Count(op.Count), ReadableText.Timing(op.OwnTime), all > 0 ? ReadableText.Percent(op.OwnTime.TotalSeconds / all) : "", Quantity(op.Cost.Macs), Quantity(op.Cost.Flops));
        return table;
    }

    // What is none is left empty.
    static string Count(long count) => count > 0 ? ReadableText.Count(count) : "";

    static string Quantity(long quantity) => quantity > 0 ? ReadableText.Quantity(quantity) : "";

    static string Time(TimeSpan time) => time > TimeSpan.Zero ? ReadableText.Timing(time) : "";
}
