using System.Diagnostics;
using System.Numerics;

namespace Raijin.Metrics;

/// <summary>An error of one prediction, and where that is quick of several at once. NaN outside the metric's domain.</summary>
interface IErrorTerm
{
    double Of(double prediction, double target);

    static virtual bool HasVectors => false;

    Vector<double> Of(Vector<double> predictions, Vector<double> targets) => throw new UnreachableException();
}

readonly struct SquaredTerm : IErrorTerm
{
    public static bool HasVectors => true;

    public double Of(double prediction, double target) => (prediction - target) * (prediction - target);

    public Vector<double> Of(Vector<double> predictions, Vector<double> targets)
    {
        var error = predictions - targets;
        return error * error;
    }
}

readonly struct AbsoluteTerm : IErrorTerm
{
    public static bool HasVectors => true;

    public double Of(double prediction, double target) => Math.Abs(prediction - target);

    public Vector<double> Of(Vector<double> predictions, Vector<double> targets) => Vector.Abs(predictions - targets);
}

readonly struct PercentageTerm : IErrorTerm
{
    /// <summary>The least a prediction is divided by: the distance of 1 to the next float64, as in scikit-learn.</summary>
    public const double Epsilon = 2.220446049250313e-16;

    public static bool HasVectors => true;

    public double Of(double prediction, double target) => Math.Abs(prediction - target) / Math.Max(Math.Abs(target), Epsilon);

    public Vector<double> Of(Vector<double> predictions, Vector<double> targets) =>
        Vector.Abs(predictions - targets) / Vector.Max(Vector.Abs(targets), new Vector<double>(Epsilon));
}

readonly struct SymmetricPercentageTerm : IErrorTerm
{
    public static bool HasVectors => true;

    public double Of(double prediction, double target) =>
        2 * Math.Abs(prediction - target) / Math.Max(Math.Abs(target) + Math.Abs(prediction), PercentageTerm.Epsilon);

    public Vector<double> Of(Vector<double> predictions, Vector<double> targets) =>
        new Vector<double>(2) * Vector.Abs(predictions - targets) / Vector.Max(Vector.Abs(targets) + Vector.Abs(predictions), new Vector<double>(PercentageTerm.Epsilon));
}

readonly struct SquaredLogTerm : IErrorTerm
{
    public double Of(double prediction, double target)
    {
        if (prediction < 0 || target < 0) return double.NaN;
        var error = Logarithm.OnePlus(prediction) - Logarithm.OnePlus(target);
        return error * error;
    }
}

/// <summary>log cosh e: log(1 + 2 sinh²(e/2)) near 0, which loses nothing; beyond 1 |e| − log 2 + log(1 + exp(−2|e|)), which overflows nowhere.</summary>
readonly struct LogCoshTerm : IErrorTerm
{
    static readonly double LogOfTwo = Math.Log(2);

    public static bool HasVectors => true;

    public double Of(double prediction, double target)
    {
        var error = Math.Abs(prediction - target);
        if (!(error < 1)) return error - LogOfTwo + Logarithm.OnePlus(Math.Exp(-2 * error));
        var half = Math.Sinh(error / 2);
        return Logarithm.OnePlus(2 * half * half);
    }

    public Vector<double> Of(Vector<double> predictions, Vector<double> targets)
    {
        var error = Vector.Abs(predictions - targets);
        var near = Vector.LessThan(error, Vector<double>.One);
        var sinh = Sinh(error * 0.5);
        var more = Logarithm.OnePlus(Vector.ConditionalSelect(near, sinh * sinh * 2, Vector.Exp(error * -2)));
        return more + Vector.ConditionalSelect(near, Vector<double>.Zero, error - new Vector<double>(LogOfTwo));
    }

    /// <summary>Its series, of seven terms: exact up to 1/2, where it is used.</summary>
    static Vector<double> Sinh(Vector<double> x)
    {
        var (square, one) = (x * x, Vector<double>.One);
        var series = one + square * (1.0 / 156);
        foreach (var factor in (ReadOnlySpan<double>)[1.0 / 110, 1.0 / 72, 1.0 / 42, 1.0 / 20, 1.0 / 6]) series = one + square * factor * series;
        return x * series;
    }
}

readonly struct PowerTerm(double power) : IErrorTerm
{
    public double Of(double prediction, double target) => Math.Pow(Math.Abs(prediction - target), power);
}

readonly struct TweedieTerm(double power) : IErrorTerm
{
    public double Of(double prediction, double target)
    {
        if (power == 0) return (prediction - target) * (prediction - target);
        if (prediction <= 0 || power >= 1 && target < 0 || power >= 2 && target == 0) return double.NaN;
        return power switch
        {
            1 => 2 * ((target == 0 ? 0 : target * Math.Log(target / prediction)) - target + prediction),
            2 => 2 * (Math.Log(prediction / target) + target / prediction - 1),
            _ => 2 * (Math.Pow(Math.Max(target, 0), 2 - power) / ((1 - power) * (2 - power)) - target * Math.Pow(prediction, 1 - power) / (1 - power) + Math.Pow(prediction, 2 - power) / (2 - power)),
        };
    }
}

static class Logarithm
{
    /// <summary>log(1 + x) without the loss of small x, which <see cref="double.LogP1"/> has: the rounding of 1 + x cancels in the quotient (Kahan).</summary>
    public static double OnePlus(double x)
    {
        var sum = 1 + x;
        return sum == 1 ? x : Math.Log(sum) * (x / (sum - 1));
    }

    public static Vector<double> OnePlus(Vector<double> x)
    {
        var one = Vector<double>.One;
        var sum = one + x;
        return Vector.ConditionalSelect(Vector.Equals(sum, one), x, Vector.Log(sum) * (x / (sum - one)));
    }
}
