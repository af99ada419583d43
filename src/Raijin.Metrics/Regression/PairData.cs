using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>All predictions and targets, [N, n] float64 each: what ranks need. 16 bytes a sample and output.</summary>
sealed record PairData : Accumulation<Comparison>
{
    public PairData(int outputs)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        Outputs = outputs;
    }

    public int Outputs { get; }

    public override void Declare(MetricStates states)
    {
        states.Add("predictions", Reduction.Concatenate, zeros([0, Outputs], ScalarType.Float64));
        states.Add("targets", Reduction.Concatenate, zeros([0, Outputs], ScalarType.Float64));
        states.AddFaults("finite predictions and targets");
    }

    public override void Check(in Comparison batch)
    {
        RegressionAccumulation.RefuseWeights(in batch, "a correlation of ranks");
        var predictions = HostTensor.Sizes(batch.Predictions);
        var targets = HostTensor.Sizes(batch.Targets);
        if (predictions.Length == 0 || Outputs > 1 && (predictions.Length != 2 || predictions[1] != Outputs))
            ShapeMismatchException.Throw("predictions", Outputs > 1 ? $"[B, {Outputs}]" : "[B, ...]", RegressionAccumulation.Shape(predictions));
        if (!predictions.SequenceEqual(targets))
            ShapeMismatchException.Throw("targets", $"{RegressionAccumulation.Shape(predictions)} as the predictions", RegressionAccumulation.Shape(targets));
        RegressionAccumulation.CheckNumbers(in batch);
    }

    // Which rows are finite is not known before the device is waited for, so they go in and Compute refuses all.
    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        var rows = batch.Predictions.NumberOfElements / Outputs;
        if (rows == 0) return;
        var predictions = batch.Predictions.to(ScalarType.Float64).reshape(rows, Outputs);
        var targets = batch.Targets.to(ScalarType.Float64, batch.Predictions.device).reshape(rows, Outputs);
        var wrong = predictions.isfinite().logical_not();
        states.Faults!.Note(0, wrong | targets.isfinite().logical_not(), where(wrong, predictions, targets));
        states[0].Append(predictions);
        states[1].Append(targets);
    }

    /// <summary>The columns of each output.</summary>
    public static IEnumerable<(double[] Predictions, double[] Targets)> Read(MetricStates states)
    {
        var (predictions, targets) = (states[0].ToArray<double>(), states[1].ToArray<double>());
        var outputs = (int)states[0].Value.shape[1];
        return Enumerable.Range(0, outputs).Select(j => (Column(predictions, outputs, j), Column(targets, outputs, j)));
    }

    static double[] Column(double[] values, int outputs, int output)
    {
        if (outputs == 1) return values;
        var column = new double[values.Length / outputs];
        for (var i = 0; i < column.Length; i++) column[i] = values[i * outputs + output];
        return column;
    }
}
