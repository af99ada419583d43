// R rows, n outputs. With one output every element of a batch [B, ...] is a row of its own; with n the batch is [B, n].

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>Where numbers may lie.</summary>
enum Sign
{
    Any,
    NotNegative,
    Positive,
}

/// <summary>Where a metric's predictions and targets may lie; elsewhere they are reported.</summary>
readonly record struct RegressionDomain(Sign Predictions, Sign Targets)
{
    public bool IsAll => this == default;

    public override string ToString() => string.Join(" and ", new[] { Text("predictions", Predictions), Text("targets", Targets) }.Where(t => t.Length > 0));

    static string Text(string what, Sign sign) => sign switch
    {
        Sign.NotNegative => $"{what} of at least 0",
        Sign.Positive => $"{what} above 0",
        _ => "",
    };
}

/// <summary>A batch as columns of float64. Rows that can't be counted are (1, 1), which lies in every domain, and weigh nothing.</summary>
/// <param name="Predictions">[R, n].</param>
/// <param name="Targets">[R, n].</param>
/// <param name="Weights">[R, 1].</param>
readonly record struct RegressionRows(Tensor Predictions, Tensor Targets, Tensor Weights);

/// <summary>What all accumulations of real predictions beside real targets have in common: shapes, weights, and values that can't be counted.</summary>
abstract record RegressionAccumulation : Accumulation<Comparison>
{
    internal const int NotFinite = 0, NegativeWeight = 1, OutOfDomain = 2;

    protected RegressionAccumulation(int outputs)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        Outputs = outputs;
    }

    public int Outputs { get; }

    internal virtual RegressionDomain Domain => default;

    protected abstract void DeclareStates(MetricStates states);

    protected abstract void AddRows(MetricStates states, RegressionRows rows);

    public sealed override void Declare(MetricStates states)
    {
        DeclareStates(states);
        if (Domain.IsAll) states.AddFaults("finite predictions and targets", "weights of at least 0");
        else states.AddFaults("finite predictions and targets", "weights of at least 0", Domain.ToString());
    }

    public override void Check(in Comparison batch)
    {
        var predictions = HostTensor.Sizes(batch.Predictions);
        var targets = HostTensor.Sizes(batch.Targets);
        if (predictions.Length == 0 || Outputs > 1 && (predictions.Length != 2 || predictions[1] != Outputs))
            ShapeMismatchException.Throw("predictions", Outputs > 1 ? $"[B, {Outputs}]" : "[B, ...]", ShapeText.Of(predictions));
        if (!predictions.SequenceEqual(targets)) ShapeMismatchException.Throw("targets", $"{ShapeText.Of(predictions)} as the predictions", ShapeText.Of(targets));
        CheckNumbers(in batch);
        CheckWeights(in batch, predictions[0]);
    }

    internal static void CheckNumbers(in Comparison batch)
    {
        if (batch.Predictions.is_complex() || batch.Targets.is_complex())
            ShapeMismatchException.Throw("predictions and targets", "real numbers", $"{batch.Predictions.dtype} and {batch.Targets.dtype}");
    }

    internal static void CheckWeights(in Comparison batch, long samples)
    {
        if (batch.Weights is not { } weights) return;
        var sizes = HostTensor.Sizes(weights);
        if (sizes.Length != 1 || sizes[0] != samples || weights.is_complex()) ShapeMismatchException.Throw("weights", $"[{samples}], one a sample", $"{ShapeText.Of(sizes)} {weights.dtype}");
    }

    internal static void RefuseWeights(in Comparison batch, string metric)
    {
        if (batch.Weights is { } weights) ShapeMismatchException.Throw("weights", $"none, as {metric} weighs all samples alike", ShapeText.Of(HostTensor.Sizes(weights)));
    }

    protected internal sealed override void Add(MetricStates states, in Comparison batch)
    {
        var device = batch.Predictions.device;
        var rows = batch.Predictions.NumberOfElements / Outputs;
        if (rows == 0) return;
        var predictions = batch.Predictions.to(ScalarType.Float64).reshape(rows, Outputs);                             // [R, n]
        var targets = batch.Targets.to(ScalarType.Float64, device).reshape(rows, Outputs);
        var predictionWrong = predictions.isfinite().logical_not();
        var wrong = predictionWrong | targets.isfinite().logical_not();
        states.Faults!.Note(NotFinite, wrong, where(predictionWrong, predictions, targets));
        if (!Domain.IsAll)
        {
            var below = Below(predictions, Domain.Predictions);
            var outside = (below | Below(targets, Domain.Targets)) & wrong.logical_not();
            states.Faults.Note(OutOfDomain, outside, where(below, predictions, targets));
            wrong |= outside;
        }
        var left = wrong.any(1, keepdim: true);                                                                       // [R, 1]
        var weights = left.logical_not().to(ScalarType.Float64);
        if (batch.Weights is not null)
        {
            var given = Spread(batch.Weights.to(ScalarType.Float64, device), rows);
            var negative = given.ge(0).logical_not() | given.isinf();
            states.Faults.Note(NegativeWeight, negative, given);
            left |= negative;
            weights = where(left, 0.0, given);
        }
        AddRows(states, new(where(left, 1.0, predictions), where(left, 1.0, targets), weights));
    }

    /// <summary>Weights [B] as [R, 1]: each is that of all R / B elements of its sample.</summary>
    static Tensor Spread(Tensor weights, long rows) => weights.reshape(-1, 1).expand(weights.shape[0], rows / weights.shape[0]).reshape(rows, 1);

    static Tensor Below(Tensor values, Sign sign) => sign switch
    {
        Sign.NotNegative => values.lt(0),
        Sign.Positive => values.le(0),
        _ => zeros_like(values, dtype: ScalarType.Bool),
    };
}
