using System.Globalization;
using Spectre.Console.Rendering;

namespace Raijin.Training;

/// <summary>A <see cref="FlopsReport"/> as tables: the step, its modules, its ops.</summary>
static class FlopsTable
{
    public static IReadOnlyList<IRenderable> Of(FlopsReport report, int? depth, int topOps) =>
        report.Ops.Count == 0 ? [Step(report), Modules(report, depth)] : [Step(report), Modules(report, depth), Ops(report, topOps)];

    static IRenderable Step(FlopsReport report)
    {
        var how = report.IsCounted ? "counted op by op" : "forward estimated by module";
        var table = ProfileText.Table(string.Create(CultureInfo.InvariantCulture, $"step {report.Step}, {how}"), "part", "MACs", "FLOPs", "time", "FLOP/s");
        var (forward, backward) = (report.Model.Forward, report.Model.Backward);
        Part("forward", forward, report.ForwardTime);
        Part("backward", backward, report.BackwardTime);
        Part("optimizer", null, report.OptimizerTime);
        return table;

        void Part(string name, Raijin.Tensors.OpCost? cost, TimeSpan time) =>
            ProfileText.Row(table, name, cost is { } c ? ReadableText.Quantity(c.Macs) : "", cost is { } f ? ReadableText.Quantity(f.Flops) : "", ReadableText.Timing(time),
                cost is { } rate && time > TimeSpan.Zero ? ReadableText.Quantity(rate.Flops / time.TotalSeconds) : "");
    }

    static IRenderable Modules(FlopsReport report, int? depth)
    {
        var table = ProfileText.Table("modules, what is in them included", "module", "type", "parameters", "calls", "MACs", "FLOPs", "share", "forward", "backward", "time share");
        var whole = report.Model;
        var time = Total(whole);
        foreach (var module in report.Modules)
        {
            if (module.Depth > depth) continue;
            var name = module.Depth == 0 ? "model" : new string(' ', 2 * (module.Depth - 1)) + module.Name[(module.Name.LastIndexOf('.') + 1)..];
            ProfileText.Row(table, name, module.Type, Count(module.Parameters), Count(module.Calls), Quantity(module.Forward.Macs), Quantity(module.Forward.Flops),
                module.Forward.Flops > 0 ? ReadableText.Percent((double)module.Forward.Flops / whole.Forward.Flops) : "",
                Time(module.ForwardTime), module.BackwardTime is { } backward ? Time(backward) : "",
                time > TimeSpan.Zero ? ReadableText.Percent(Total(module) / time) : "");
        }
        return table;

        static TimeSpan Total(ModuleCost module) => module.ForwardTime + (module.BackwardTime ?? TimeSpan.Zero);
        static string Count(long count) => count > 0 ? ReadableText.Count(count) : "";
        static string Quantity(long quantity) => quantity > 0 ? ReadableText.Quantity(quantity) : "";
        static string Time(TimeSpan time) => time > TimeSpan.Zero ? ReadableText.Timing(time) : "";
    }

    static IRenderable Ops(FlopsReport report, int top)
    {
        var table = ProfileText.Table("ops, without what they call", "op", "count", "own time", "share", "MACs", "FLOPs");
        var all = report.Ops.Sum(o => o.OwnTime.TotalSeconds);
        foreach (var op in report.Ops.Take(top))
            ProfileText.Row(table, op.Name, ReadableText.Count(op.Count), ReadableText.Timing(op.OwnTime), all > 0 ? ReadableText.Percent(op.OwnTime.TotalSeconds / all) : "",
                op.Cost.Macs > 0 ? ReadableText.Quantity(op.Cost.Macs) : "", op.Cost.Flops > 0 ? ReadableText.Quantity(op.Cost.Flops) : "");
        return table;
    }
}
