using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Raijin.Charts;
using Raijin.Tensors;
using Raijin.Training;
using Spectre.Console.Rendering;

namespace Raijin;

/// <summary>
/// Where the memory of some steps goes: the peak of each phase and of each module's forward pass, what a module keeps for its backward pass, and a timeline. Printed, and written to
/// <c>profile/memory.txt</c>, <c>.json</c>, <c>.csv</c> and <c>.png</c>.
/// </summary>
/// <remarks>
/// Bytes are those that libtorch's allocators give out to the training thread and its backward passes, counted as they come and go (<see cref="AllocationMeter"/>), on top of the
/// model's parameters and buffers. Memory given out before the profiled steps and freed in them (the gradients of the step before) is not seen to go.
/// </remarks>
public sealed class MemoryProfiler : Profiler
{
    ProfileTarget _target = null!;
    MemoryCapture? _capture;
    long _firstStep;

    /// <summary>Steps left out at the beginning.</summary>
    /// <value>Default 1.</value>
    public int Skip
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = 1;

    /// <summary>Steps profiled.</summary>
    /// <value>Default 2; 1 and more.</value>
    public int Steps
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = 2;

    /// <summary>Moments kept in the timeline; further ones are counted only.</summary>
    /// <value>Default 20,000.</value>
    public int MaxSamples { get; init; } = 20_000;

    /// <summary>Modules shown in the table, those that raise memory most first.</summary>
    /// <value>Default 20.</value>
    public int TopModules { get; init; } = 20;

    /// <summary>Whether allocations are counted; null: where they can be.</summary>
    internal bool? Counts { get; init; }

    /// <summary>The report; null until the steps are over.</summary>
    public MemoryReport? Report { get; private set; }

    /// <inheritdoc/>
    protected internal override void OnStart(ProfileTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        _target = target;
        _firstStep = -1;
        Report = null;
    }

    /// <inheritdoc/>
    protected internal override void OnStepStart(long step, long epoch, long timestamp)
    {
        if (_firstStep < 0) _firstStep = step;
        if (step - _firstStep != Skip || _capture is not null) return;
        if (AllocationMeter.Unavailable is { } reason) _target.Logger?.LogWarning("Memory is read from the C library's heap, module by module, and peaks between two readings are missed: {Reason}.", reason);
        _capture = new MemoryCapture(_target.Model, _target.Ledger, Counts ?? AllocationMeter.Unavailable is null, MaxSamples);
    }

    /// <inheritdoc/>
    protected internal override void OnPhaseStart(ProfilePhase phase, long timestamp) => _capture?.PhaseStart(phase);

    /// <inheritdoc/>
    protected internal override void OnPhaseEnd(ProfilePhase phase, ProfileSpan span) => _capture?.PhaseEnd(phase);

    /// <inheritdoc/>
    protected internal override void OnStepEnd(long step, long timestamp)
    {
        if (_capture is null || step - _firstStep < Skip + Steps - 1) return;
        Report = _capture.Finish();
        _capture = null;
    }

    /// <inheritdoc/>
    protected internal override void OnEnd()
    {
        // A run that ends within the profiled steps leaves what there is.
        if (_capture is not null) Report = _capture.Finish();
        _capture = null;
        if (Report is not { } report)
        {
            _target.Logger?.LogWarning("No memory was profiled: the run ended within its first {Steps} steps.", Skip);
            return;
        }
        ProfileText.Publish(_target, "memory", Tables(report), json => WriteJson(json, report));
        if (_target.File("memory.csv") is not { } path) return;
        WriteCsv(path, report);
        Picture(report).Save(Path.ChangeExtension(path, ".png"));
    }

    /// <summary>The tables as plain text; empty before there is a report.</summary>
    public override string ToString() => Report is { } report ? ProfileText.Render(Tables(report)) : "";

    IReadOnlyList<IRenderable> Tables(MemoryReport report)
    {
        var phases = ProfileText.Table($"peak {ReadableText.Bytes(report.Peak)} in {report.PeakPhase.ToString().ToLowerInvariant()}, {ReadableText.Bytes(report.ModelBytes)} of it parameters and buffers", Headings("phase"));
        foreach (var phase in report.Phases) Add(phases, phase);
        var modules = ProfileText.Table("modules, forward", Headings("module"));
        foreach (var module in report.Modules.Take(TopModules)) Add(modules, module);
        if (report.Holdings is not [var first, ..]) return [phases, modules];
        var held = ProfileText.Table("held by the engine at the end of", ["phase", .. first.Bytes.Select(kind => kind.Key == BufferKind.OptimizerState ? "state" : kind.Key.ToString().ToLowerInvariant()), "total"]);
        foreach (var phase in report.Holdings)
            ProfileText.Row(held, [phase.Phase.ToString().ToLowerInvariant(), .. phase.Bytes.Select(kind => ReadableText.Bytes(kind.Value)), ReadableText.Bytes(phase.Total)]);
        return [phases, modules, held];

        static string[] Headings(string first) => [first, "count", "peak", "rise", "kept", "allocated"];
        static void Add(Spectre.Console.Table table, MemoryUse use) =>
            ProfileText.Row(table, use.Name, ReadableText.Count(use.Count), ReadableText.Bytes(use.Peak), ReadableText.Bytes(use.PeakRise), Signed(use.Kept), ReadableText.Bytes((long)use.Allocated));
        static string Signed(double bytes) => bytes < 0 ? "-" + ReadableText.Bytes((long)-bytes) : ReadableText.Bytes((long)bytes);
    }

    static void WriteJson(Utf8JsonWriter json, MemoryReport report)
    {
        json.WriteStartObject();
        json.WriteBoolean("counted", report.IsCounted);
        json.WriteNumber("modelBytes", report.ModelBytes);
        json.WriteNumber("peakBytes", report.Peak);
        json.WriteString("peakPhase", report.PeakPhase.ToString().ToLowerInvariant());
        json.WriteNumber("lostSamples", report.LostSamples);
        Uses("phases", report.Phases);
        Uses("modules", report.Modules);
        json.WriteStartArray("holdings");
        foreach (var phase in report.Holdings)
        {
            json.WriteStartObject();
            json.WriteString("phase", phase.Phase.ToString().ToLowerInvariant());
            foreach (var (kind, bytes) in phase.Bytes) json.WriteNumber(JsonNamingPolicy.CamelCase.ConvertName(kind.ToString()) + "Bytes", bytes);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();

        void Uses(string name, IReadOnlyList<MemoryUse> uses)
        {
            json.WriteStartArray(name);
            foreach (var use in uses)
            {
                json.WriteStartObject();
                json.WriteString("name", use.Name);
                json.WriteNumber("count", use.Count);
                json.WriteNumber("peakBytes", use.Peak);
                json.WriteNumber("peakRiseBytes", use.PeakRise);
                json.WriteNumber("keptBytes", use.Kept);
                json.WriteNumber("allocatedBytes", use.Allocated);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
    }

    static void WriteCsv(string path, MemoryReport report)
    {
        using var file = new StreamWriter(path, append: false, new UTF8Encoding(false)) { NewLine = "\n" };
        file.WriteLine("microseconds,live_bytes,peak_bytes,tensors,phase,place");
        foreach (var sample in report.Timeline)
            file.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{sample.Time.TotalMicroseconds:F1},{sample.Live},{sample.Peak},{sample.Tensors},{sample.Phase.ToString().ToLowerInvariant()},{sample.Place}"));
    }

    static LineChart Picture(MemoryReport report)
    {
        var times = report.Timeline.Select(s => s.Time.TotalMilliseconds).ToArray();
        var top = report.Timeline.MaxBy(s => s.Peak);
        const double MiB = 1 << 20;
        return new LineChart
        {
            Title = "memory of the profiled steps",
            XLabel = "ms",
            YLabel = "MiB",
            Curves =
            [
                new Curve("peak since the reading before", times, [.. report.Timeline.Select(s => s.Peak / MiB)]) { Style = CurveStyle.Faint },
                new Curve("alive", times, [.. report.Timeline.Select(s => s.Live / MiB)]),
            ],
            Marks = top is null ? [] : [new Mark(top.Time.TotalMilliseconds, top.Peak / MiB, top.Place)],
        };
    }
}
