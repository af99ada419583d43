using Microsoft.Extensions.Logging.Abstractions;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Raijin.Training.Tests.Logging;

public sealed class OpenTelemetryLoggerTests
{
    [Fact]
    public void The_sdk_collects_the_last_value_of_each_key_by_run_and_scope()
    {
        var exported = new List<OpenTelemetry.Metrics.Metric>();
        using var provider = Sdk.CreateMeterProviderBuilder().AddMeter(OpenTelemetryLogger.MeterName).AddInMemoryExporter(exported).Build();
        var logger = new OpenTelemetryLogger();
        logger.Attach(new LogSession(new RunDescription("digits-7"), NullLogger.Instance, TimeProvider.System, CancellationToken.None));
        logger.Open("folder", 0);
        logger.Write(new(LogScope.Step, 10, 0, TimeSpan.Zero, [new("train/loss", 0.5), new("lr/no decay", 0.1)]));
        logger.Write(new(LogScope.Step, 20, 0, TimeSpan.Zero, [new("train/loss", 0.25)]));
        logger.Write(new(LogScope.Epoch, 20, 0, TimeSpan.Zero, [new("train/loss", 0.4)]));
        provider.ForceFlush();

        Assert.Equal([("step", 0.25), ("epoch", 0.4)], Points("raijin.train.loss").Select(p => (Tag(p, "scope"), p.GetGaugeLastValueDouble())));
        Assert.Equal(0.1, Points("raijin.lr.no_decay").Single().GetGaugeLastValueDouble());
        Assert.Equal(20, Points("raijin.step").Single().GetGaugeLastValueLong());
        Assert.All(Points("raijin.train.loss"), p => Assert.Equal("digits-7", Tag(p, "run")));
        logger.Close();

        List<MetricPoint> Points(string name)
        {
            var points = new List<MetricPoint>();
            foreach (ref readonly var point in exported.Single(m => m.Name == name).GetMetricPoints()) points.Add(point);
            return points;
        }

        static string? Tag(MetricPoint point, string name)
        {
            foreach (var tag in point.Tags)
                if (tag.Key == name) return (string?)tag.Value;
            return null;
        }
    }
}
