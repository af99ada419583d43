using Raijin.Training;
using Spectre.Console.Rendering;

namespace Raijin;

/// <summary>One line of a <see cref="SimpleProfiler"/>'s table.</summary>
/// <param name="Name">The phase, or the hook: <c>ModelCheckpoint.OnTrainStepEnd</c>.</param>
/// <param name="IsPhase">Whether it is a phase of the loop.</param>
/// <param name="Count">How often it came.</param>
/// <param name="Total">Its time in all, without the hooks and regions within it, which have lines of their own.</param>
/// <param name="Mean">Its mean time.</param>
/// <param name="P95">The time that 95 % of its occurrences stayed within, to 3 %.</param>
/// <param name="Share">Its part of the run, in [0, 1]. The shares of all lines add up to 1.</param>
public sealed record ProfileLine(string Name, bool IsPhase, long Count, TimeSpan Total, TimeSpan Mean, TimeSpan P95, double Share);

/// <summary>
/// Where the time of a run goes: for each phase of the loop and each hook of each callback and of the module, its count, mean, total, share and 95th percentile. Printed at
/// the end and written to <c>profile/simple.txt</c> and <c>.json</c>. Costs two readings of the clock a phase and a hook.
/// </summary>
/// <remarks>Times are the host's: on an accelerator that computes on its own they say how long work took to be launched.</remarks>
public sealed class SimpleProfiler : Profiler
{
    readonly DurationHistogram[] _phases = [.. Enum.GetValues<ProfilePhase>().Select(_ => new DurationHistogram())];
    readonly List<(ProfileRegion Region, DurationHistogram Times)?> _regions = [];
    ProfileTarget _target = null!;

    /// <summary>The lines so far, the most expensive first.</summary>
    public IReadOnlyList<ProfileLine> Lines()
    {
        var parts = _phases.Select((times, i) => (Name: Enum.GetName((ProfilePhase)i)!.ToLowerInvariant(), IsPhase: true, Times: times))
            .Concat(_regions.OfType<(ProfileRegion Region, DurationHistogram Times)>().Select(r => (r.Region.Name, IsPhase: false, r.Times)))
            .Where(p => p.Times.Count > 0).ToList();
        var all = parts.Sum(p => p.Times.Mean * p.Times.Count);
        return [.. parts.Select(p => (Part: p, Total: p.Times.Mean * p.Times.Count)).OrderByDescending(p => p.Total).Select(p => new ProfileLine(
            p.Part.Name, p.Part.IsPhase, p.Part.Times.Count, ProfileSpan.Time(p.Total), ProfileSpan.Time(p.Part.Times.Mean), ProfileSpan.Time(p.Part.Times.Percentile(0.95)), all == 0 ? 0 : p.Total / all))];
    }

    /// <summary>The table as plain text.</summary>
    public override string ToString() => ProfileText.Render(Table());

    /// <inheritdoc/>
    protected internal override void OnStart(ProfileTarget target)
    {
        _target = target;
        _regions.Clear();
        foreach (var phase in _phases) phase.Clear();
    }

    /// <inheritdoc/>
    protected internal override void OnPhaseEnd(ProfilePhase phase, ProfileSpan span) => _phases[(int)phase].Add(span.OwnTicks);

    /// <inheritdoc/>
    protected internal override void OnRegionEnd(ProfileRegion region, ProfileSpan span)
    {
        ArgumentNullException.ThrowIfNull(region);
        while (_regions.Count <= region.Index) _regions.Add(null);
        var known = _regions[region.Index] ??= (region, new DurationHistogram());
        known.Times.Add(span.OwnTicks);
    }

    /// <inheritdoc/>
    protected internal override void OnEnd() => ProfileText.Publish(_target, "simple", [Table()], json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("lines");
        foreach (var line in Lines())
        {
            json.WriteStartObject();
            json.WriteString("name", line.Name);
            json.WriteString("kind", line.IsPhase ? "phase" : "hook");
            json.WriteNumber("count", line.Count);
            json.WriteNumber("totalSeconds", line.Total.TotalSeconds);
            json.WriteNumber("meanSeconds", line.Mean.TotalSeconds);
            json.WriteNumber("p95Seconds", line.P95.TotalSeconds);
            json.WriteNumber("share", line.Share);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    IRenderable Table()
    {
        var lines = Lines();
        var table = ProfileText.Table($"where {ReadableText.Timing(TimeSpan.FromTicks(lines.Sum(l => l.Total.Ticks)))} went", "phase or hook", "count", "mean", "p95", "total", "share");
        foreach (var line in lines)
            ProfileText.Row(table, line.Name, ReadableText.Count(line.Count), ReadableText.Timing(line.Mean), ReadableText.Timing(line.P95), ReadableText.Timing(line.Total), ReadableText.Percent(line.Share));
        return table;
    }
}
