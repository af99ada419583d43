using System.Diagnostics.Metrics;
using System.Text;

namespace Raijin;

/// <summary>
/// Publishes logged values as gauges of the meter <see cref="MeterName"/>, for whatever listens to .NET metrics: the OpenTelemetry SDK and its exporters,
/// <c>dotnet-counters</c>, a <see cref="MeterListener"/>.
/// </summary>
/// <remarks>
/// <c>train/loss</c> is the gauge <c>raijin.train.loss</c>, with the tags <c>run</c> (the run's name) and <c>scope</c> (<c>step</c> or <c>epoch</c>);
/// <c>raijin.step</c> is the step. Exporters take the last value when they collect: what comes between is not theirs to see.
/// </remarks>
public sealed class OpenTelemetryLogger : RunLogger
{
    /// <summary>The meter's name, to be given to <c>AddMeter</c>.</summary>
    public const string MeterName = "Raijin.Training";

    const string Prefix = "raijin.";
    const int LongestName = 255;

    readonly Dictionary<string, Gauge<double>> _gauges = new(StringComparer.Ordinal);
    Meter? _meter;
    Gauge<long>? _step;
    KeyValuePair<string, object?> _run;

    /// <inheritdoc/>
    public override string? Location => null;

    /// <inheritdoc/>
    public override void Open(string directory, long fromStep)
    {
        _gauges.Clear();
        _meter = MakeMeter();
        _step = _meter.CreateGauge<long>(Prefix + "step", "{step}", "Optimizer steps done.");
        _run = new("run", Session.Run.Name);
    }

    /// <inheritdoc/>
    public override void Write(LogRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        _step!.Record(record.Step, _run);
        var scope = new KeyValuePair<string, object?>("scope", record.Scope == LogScope.Step ? "step" : "epoch");
        foreach (var (key, value) in record.Values)
        {
            if (!_gauges.TryGetValue(key, out var gauge)) _gauges.Add(key, gauge = _meter!.CreateGauge<double>(NameOf(key), description: key));
            gauge.Record(value, _run, scope);
        }
    }

    /// <inheritdoc/>
    public override void Close()
    {
        _meter?.Dispose();
        _meter = null;
    }

    static Meter MakeMeter() => new(MeterName, typeof(OpenTelemetryLogger).Assembly.GetName().Version?.ToString(3));

    /// <summary>An instrument's name has letters, digits, and <c>_ . -</c> only, and at most 255 of them.</summary>
    static string NameOf(string key)
    {
        var name = new StringBuilder(Prefix);
        foreach (var c in key) name.Append(char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' ? c : c == '/' ? '.' : '_');
        return name.ToString(0, Math.Min(name.Length, LongestName));
    }
}
