using System.Numerics;
using Raijin.Charts;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>All predictions and targets, [N, n] float64 each: what ranks need. 16 bytes a sample and output.</summary>
sealed record PairData(int Outputs) : RegressionAccumulation(Outputs)
{
    internal const int MaxPoints = 5000;

    public override void Check(in Comparison batch)
    {
        RefuseWeights(in batch, "a correlation of ranks");
        base.Check(in batch);
    }

    protected override void DeclareStates(MetricStates states)
    {
        states.Add("predictions", Reduction.Concatenate, zeros([0, Outputs], ScalarType.Float64));
        states.Add("targets", Reduction.Concatenate, zeros([0, Outputs], ScalarType.Float64));
    }

    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch) => HostRows.TryRun(states, in batch, this, default(AppendKernel));

    // What can't be counted is not known before the device is waited for: it goes in as (1, 1), and Compute refuses all.
    protected override void AddRows(MetricStates states, RegressionRows rows)
    {
        states[0].Append(rows.Predictions);
        states[1].Append(rows.Targets);
    }

    /// <summary>The columns of each output.</summary>
    public static IEnumerable<(double[] Predictions, double[] Targets)> Read(MetricStates states)
    {
        var (predictions, targets) = (states[0].ToArray<double>(), states[1].ToArray<double>());
        var outputs = (int)states[0].Value.shape[1];
        return Enumerable.Range(0, outputs).Select(j => (Column(predictions, outputs, j), Column(targets, outputs, j)));
    }

    /// <summary>Predictions over targets, a set of points each output; of many samples every so-many-th, in the order they came.</summary>
    public static Chart Plot(MetricStates states, string title) => new ScatterChart
    {
        Title = title,
        XLabel = "target",
        YLabel = "prediction",
        Points = [.. Read(states).Select((c, j) => new PointSet(states[0].Value.shape[1] == 1 ? "" : $"output {j}", Thinned(c.Targets), Thinned(c.Predictions)))],
    };

    static double[] Thinned(double[] values)
    {
        var step = (values.Length + MaxPoints - 1) / MaxPoints;
        return step <= 1 ? values : [.. Enumerable.Range(0, values.Length / step).Select(i => values[i * step])];
    }

    static double[] Column(double[] values, int outputs, int output)
    {
        if (outputs == 1) return values;
        var column = new double[values.Length / outputs];
        for (var i = 0; i < column.Length; i++) column[i] = values[i * outputs + output];
        return column;
    }
}

/// <summary>Appends rows to states 0 and 1 as float64.</summary>
readonly struct AppendKernel : IRowKernel
{
    const int Chunk = 512;

    public void Run<T>(MetricStates states, HostRows<T> rows)
        where T : unmanaged, INumber<T>
    {
        rows = rows.Finite(states.Faults!);
        Append(states[0], rows.Predictions, rows.Outputs);
        Append(states[1], rows.Targets, rows.Outputs);
    }

    static void Append<T>(MetricState state, ReadOnlySpan<T> values, int outputs)
        where T : unmanaged, INumber<T>
    {
        Span<double> chunk = outputs <= Chunk ? stackalloc double[Chunk] : new double[outputs];
        var whole = chunk.Length / outputs * outputs;
        for (var start = 0; start < values.Length; start += whole)
        {
            var count = Math.Min(whole, values.Length - start);
            VectorLoops.Widen(values.Slice(start, count), chunk);
            state.Append<double>(chunk[..count]);
        }
    }
}
