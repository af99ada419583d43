// Moments of two variables a and b in one packed state [11, n], combined pairwise (Chan, Golub & LeVeque 1983; Pébay 2008):
//   d = mean₂ − mean₁,  mean = mean₁ + d W₂/W,  M2 = M2₁ + M2₂ + d² W₁W₂/W,  C = C₁ + C₂ + d_a d_b W₁W₂/W.
// Within a batch they are taken in two passes, around the mean: nothing cancels, whatever the means. Least and largest values say exactly
// whether a variable is constant, which M2 = 0 does not.

using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>Which two variables the moments are of.</summary>
enum PairKind
{
    /// <summary>a: predictions, b: targets.</summary>
    PredictionsAndTargets,

    /// <summary>a: predictions less targets, b: targets. Keeps the error's precision where predictions are close.</summary>
    ErrorsAndTargets,
}

sealed record PairMoments(PairKind Kind, int Outputs) : RegressionAccumulation(Outputs)
{
    internal const int Rows = 11, Count = 0, Weight = 1, A = 2, B = 6, Co = 10;

    /// <summary>Offsets from A or B.</summary>
    internal const int MeanOf = 0, SquaresOf = 1, LeastOf = 2, LargestOf = 3;

    protected override void DeclareStates(MetricStates states)
    {
        using var scope = NewDisposeScope();
        var initial = zeros([Rows, Outputs], ScalarType.Float64);
        foreach (var variable in (ReadOnlySpan<int>)[A, B])
        {
            initial[variable + LeastOf].fill_(double.PositiveInfinity);
            initial[variable + LargestOf].fill_(double.NegativeInfinity);
        }
        states.Add("moments", Reduction.Custom, initial, Combine);
    }

    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch) => HostRows.TryRun(states, in batch, this, new MomentsKernel(Kind));

    protected override void AddRows(MetricStates states, RegressionRows rows)
    {
        var (a, b, weights) = (Kind == PairKind.ErrorsAndTargets ? rows.Predictions - rows.Targets : rows.Predictions, rows.Targets, rows.Weights);
        var counted = weights.gt(0);                                                                                  // [R, 1]
        var weight = weights.sum();
        var (meanA, meanB) = (Mean(a), Mean(b));                                                                      // [n]
        var (offA, offB) = (a - meanA, b - meanB);                                                                    // [R, n]
        var batch = stack(
        [
            counted.sum(ScalarType.Float64).expand(Outputs), weight.expand(Outputs),
            meanA, (weights * offA.square()).sum(dim: 0), where(counted, a, double.PositiveInfinity).amin([0]), where(counted, a, double.NegativeInfinity).amax([0]),
            meanB, (weights * offB.square()).sum(dim: 0), where(counted, b, double.PositiveInfinity).amin([0]), where(counted, b, double.NegativeInfinity).amax([0]),
            (weights * offA * offB).sum(dim: 0),
        ]);
        states[0].Set(Combine(states[0].Value, batch));

        Tensor Mean(Tensor values) => where(weight.gt(0), (weights * values).sum(dim: 0) / weight, 0.0);
    }

    static Tensor Combine(Tensor x, Tensor y)
    {
        var weight = x[Weight] + y[Weight];
        var share = where(weight.gt(0), y[Weight] / weight, 0.0);                                                     // W₂/W
        var cross = x[Weight] * share;                                                                                // W₁W₂/W
        var (offA, offB) = (y[A + MeanOf] - x[A + MeanOf], y[B + MeanOf] - x[B + MeanOf]);
        return stack([x[Count] + y[Count], weight, .. Variable(A, offA), .. Variable(B, offB), x[Co] + y[Co] + offA * offB * cross]);

        Tensor[] Variable(int at, Tensor off) =>
        [
            x[at + MeanOf] + off * share, x[at + SquaresOf] + y[at + SquaresOf] + off.square() * cross,
            minimum(x[at + LeastOf], y[at + LeastOf]), maximum(x[at + LargestOf], y[at + LargestOf]),
        ];
    }

    /// <summary>The moments of each output.</summary>
    public static PairMoment[] Read(MetricStates states)
    {
        var values = states[0].ToArray<double>();
        var outputs = values.Length / Rows;
        return [.. Enumerable.Range(0, outputs).Select(j => new PairMoment(Row(Count, j), Row(Weight, j), Variable(A, j), Variable(B, j), Row(Co, j)))];

        double Row(int row, int output) => values[row * outputs + output];

        Moment Variable(int at, int output)
        {
            var constant = Row(at + LeastOf, output) == Row(at + LargestOf, output);
            return new(Row(at + MeanOf, output), constant ? 0 : Row(at + SquaresOf, output), Row(at + LeastOf, output), Row(at + LargestOf, output));
        }
    }
}

/// <summary>A variable's mean, sum of squared deviations (exactly 0 where it is constant), least and largest value.</summary>
readonly record struct Moment(double Mean, double Squares, double Least, double Largest);

/// <summary>Of how many samples, of how much weight, and the variables' moments with the sum of the deviations' products.</summary>
readonly record struct PairMoment(double Count, double Weight, Moment A, Moment B, double Co)
{
    /// <summary>Σ w a², around 0.</summary>
    public double SumOfSquares => A.Squares + Weight * A.Mean * A.Mean;
}
