// Σ w·f(p, y) and Σ w, one record for each f. The fused kernel of the host adds in float64 whatever the tensors' type.

using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>Sums of an error of each prediction: "errors" [n], and "weight" [], how much was summed.</summary>
abstract record ErrorSums(int Outputs) : RegressionAccumulation(Outputs)
{
    protected abstract Tensor Error(Tensor predictions, Tensor targets);

    protected sealed override void DeclareStates(MetricStates states)
    {
        states.Add("errors", Reduction.Sum, zeros([Outputs], ScalarType.Float64));
        states.Add("weight", Reduction.Sum, zeros([], ScalarType.Float64));
    }

    protected sealed override void AddRows(MetricStates states, RegressionRows rows)
    {
        states[0].Value.add_((Error(rows.Predictions, rows.Targets) * rows.Weights).sum(dim: 0));
        states[1].Value.add_(rows.Weights.sum());
    }

    public static double[] Mean(MetricStates states)
    {
        var (errors, weight) = (states[0].ToArray<double>(), states[1].ToArray<double>()[0]);
        return [.. errors.Select(e => e / weight)];
    }
}

sealed record SquaredErrors(int Outputs) : ErrorSums(Outputs)
{
    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch) => HostRows.TryRun(states, in batch, this, default(ErrorKernel<SquaredTerm>));

    protected override Tensor Error(Tensor predictions, Tensor targets) => (predictions - targets).square();
}

sealed record AbsoluteErrors(int Outputs) : ErrorSums(Outputs)
{
    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch) => HostRows.TryRun(states, in batch, this, default(ErrorKernel<AbsoluteTerm>));

    protected override Tensor Error(Tensor predictions, Tensor targets) => (predictions - targets).abs();
}

sealed record PercentageErrors(int Outputs) : ErrorSums(Outputs)
{
    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch) => HostRows.TryRun(states, in batch, this, default(ErrorKernel<PercentageTerm>));

    protected override Tensor Error(Tensor predictions, Tensor targets) => (predictions - targets).abs() / targets.abs().clamp(PercentageTerm.Epsilon);
}

sealed record SymmetricPercentageErrors(int Outputs) : ErrorSums(Outputs)
{
    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch) => HostRows.TryRun(states, in batch, this, default(ErrorKernel<SymmetricPercentageTerm>));

    protected override Tensor Error(Tensor predictions, Tensor targets) =>
        2 * (predictions - targets).abs() / (targets.abs() + predictions.abs()).clamp(PercentageTerm.Epsilon);
}

sealed record SquaredLogErrors(int Outputs) : ErrorSums(Outputs)
{
    internal override RegressionDomain Domain => new(Sign.NotNegative, Sign.NotNegative);

    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch) => HostRows.TryRun(states, in batch, this, default(ErrorKernel<SquaredLogTerm>));

    protected override Tensor Error(Tensor predictions, Tensor targets) => (predictions.log1p() - targets.log1p()).square();
}

sealed record LogCoshErrors(int Outputs) : ErrorSums(Outputs)
{
    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch) => HostRows.TryRun(states, in batch, this, default(ErrorKernel<LogCoshTerm>));

    // Near 0 log(1 + 2 sinh²(e/2)), which loses nothing; beyond, |e| + log(1 + exp(-2|e|)) - log 2, which overflows nowhere.
    protected override Tensor Error(Tensor predictions, Tensor targets)
    {
        var error = (predictions - targets).abs();
        var near = (2 * (error.clamp_max(1) / 2).sinh().square()).log1p();
        return where(error.lt(1), near, error + (-2 * error).exp().log1p() - Math.Log(2));
    }
}

sealed record PowersOfErrors(double Power, int Outputs) : ErrorSums(Outputs)
{
    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch) => HostRows.TryRun(states, in batch, this, new ErrorKernel<PowerTerm>(new(Power)));

    protected override Tensor Error(Tensor predictions, Tensor targets) => (predictions - targets).abs().pow(Power);
}

sealed record TweedieDeviances(double Power, int Outputs) : ErrorSums(Outputs)
{
    internal override RegressionDomain Domain => Power switch
    {
        0 => default,
        < 0 => new(Sign.Positive, Sign.Any),
        < 2 => new(Sign.Positive, Sign.NotNegative),
        _ => new(Sign.Positive, Sign.Positive),
    };

    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch) => HostRows.TryRun(states, in batch, this, new ErrorKernel<TweedieTerm>(new(Power)));

    protected override Tensor Error(Tensor predictions, Tensor targets) => Power switch
    {
        0 => (predictions - targets).square(),
        1 => 2 * (xlogy(targets, targets / predictions) - targets + predictions),
        2 => 2 * ((predictions / targets).log() + targets / predictions - 1),
        _ => 2 * (targets.clamp(0).pow(2 - Power) / ((1 - Power) * (2 - Power)) - targets * predictions.pow(1 - Power) / (1 - Power) + predictions.pow(2 - Power) / (2 - Power)),
    };
}

/// <summary>Sums of absolute errors over sums of absolute targets: "errors" [n] and "scale" [n].</summary>
sealed record ScaledErrors(int Outputs) : RegressionAccumulation(Outputs)
{
    protected override void DeclareStates(MetricStates states)
    {
        states.Add("errors", Reduction.Sum, zeros([Outputs], ScalarType.Float64));
        states.Add("scale", Reduction.Sum, zeros([Outputs], ScalarType.Float64));
    }

    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch) => HostRows.TryRun(states, in batch, this, default(ScaledKernel));

    protected override void AddRows(MetricStates states, RegressionRows rows)
    {
        states[0].Value.add_(((rows.Predictions - rows.Targets).abs() * rows.Weights).sum(dim: 0));
        states[1].Value.add_((rows.Targets.abs() * rows.Weights).sum(dim: 0));
    }
}
