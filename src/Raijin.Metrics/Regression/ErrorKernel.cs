using System.Numerics;
using System.Runtime.InteropServices;

namespace Raijin.Metrics;

/// <summary>An error of one prediction, of several at once and alone.</summary>
interface IErrorTerm
{
    static abstract Vector<double> Of(Vector<double> predictions, Vector<double> targets);

    static abstract double Of(double prediction, double target);
}

readonly struct SquaredTerm : IErrorTerm
{
    public static Vector<double> Of(Vector<double> predictions, Vector<double> targets)
    {
        var error = predictions - targets;
        return error * error;
    }

    public static double Of(double prediction, double target) => (prediction - target) * (prediction - target);
}

readonly struct AbsoluteTerm : IErrorTerm
{
    public static Vector<double> Of(Vector<double> predictions, Vector<double> targets) => Vector.Abs(predictions - targets);

    public static double Of(double prediction, double target) => Math.Abs(prediction - target);
}

readonly struct PercentageTerm : IErrorTerm
{
    /// <summary>The least a prediction is divided by: the distance of 1 to the next float64, as in scikit-learn.</summary>
    public const double Epsilon = 2.220446049250313e-16;

    public static Vector<double> Of(Vector<double> predictions, Vector<double> targets) =>
        Vector.Abs(predictions - targets) / Vector.Max(Vector.Abs(targets), new Vector<double>(Epsilon));

    public static double Of(double prediction, double target) => Math.Abs(prediction - target) / Math.Max(Math.Abs(target), Epsilon);
}

readonly struct SymmetricPercentageTerm : IErrorTerm
{
    public static Vector<double> Of(Vector<double> predictions, Vector<double> targets) =>
        new Vector<double>(2) * Vector.Abs(predictions - targets) / Vector.Max(Vector.Abs(targets) + Vector.Abs(predictions), new Vector<double>(PercentageTerm.Epsilon));

    public static double Of(double prediction, double target) =>
        2 * Math.Abs(prediction - target) / Math.Max(Math.Abs(target) + Math.Abs(prediction), PercentageTerm.Epsilon);
}

/// <summary>Adds Σ w·f(p, y) to state 0 and Σ w to state 1.</summary>
readonly struct ErrorKernel<TTerm> : IRowKernel
    where TTerm : struct, IErrorTerm
{
    public void Run<T>(MetricStates states, HostRows<T> rows)
        where T : unmanaged, INumber<T>
    {
        Span<double> sums = rows.Outputs <= 64 ? stackalloc double[rows.Outputs] : new double[rows.Outputs];
        var weight = Sum(rows, sums);
        foreach (var sum in sums)
        {
            if (double.IsFinite(sum)) continue;
            rows = rows.Screened(states.Faults!);
            sums.Clear();
            weight = Sum(rows, sums);
            break;
        }
        var errors = states[0].Span<double>();
        for (var j = 0; j < sums.Length; j++) errors[j] += sums[j];
        states[1].Span<double>()[0] += weight;
    }

    static double Sum<T>(HostRows<T> rows, Span<double> sums)
        where T : unmanaged, INumber<T>
    {
        if (rows.Outputs == 1 && rows.Weights.IsEmpty)
        {
            sums[0] = typeof(T) == typeof(float)
                ? Dense(MemoryMarshal.Cast<T, float>(rows.Predictions), MemoryMarshal.Cast<T, float>(rows.Targets))
                : Dense(MemoryMarshal.Cast<T, double>(rows.Predictions), MemoryMarshal.Cast<T, double>(rows.Targets));
            return rows.Count;
        }
        var total = 0.0;
        for (var row = 0; row < rows.Count; row++)
        {
            var weight = rows.Weight(row);
            total += weight;
            for (var j = 0; j < sums.Length; j++)
            {
                var i = row * sums.Length + j;
                sums[j] += weight * TTerm.Of(double.CreateTruncating(rows.Predictions[i]), double.CreateTruncating(rows.Targets[i]));
            }
        }
        return total;
    }

    static double Dense(ReadOnlySpan<float> predictions, ReadOnlySpan<float> targets)
    {
        var p = MemoryMarshal.Cast<float, Vector<float>>(predictions);
        var y = MemoryMarshal.Cast<float, Vector<float>>(targets);
        var (low, high) = (Vector<double>.Zero, Vector<double>.Zero);
        for (var i = 0; i < p.Length; i++)
        {
            Vector.Widen(p[i], out var lowP, out var highP);
            Vector.Widen(y[i], out var lowY, out var highY);
            low += TTerm.Of(lowP, lowY);
            high += TTerm.Of(highP, highY);
        }
        var sum = Vector.Sum(low + high);
        for (var i = p.Length * Vector<float>.Count; i < predictions.Length; i++) sum += TTerm.Of(predictions[i], targets[i]);
        return sum;
    }

    static double Dense(ReadOnlySpan<double> predictions, ReadOnlySpan<double> targets)
    {
        var p = MemoryMarshal.Cast<double, Vector<double>>(predictions);
        var y = MemoryMarshal.Cast<double, Vector<double>>(targets);
        var (even, odd) = (Vector<double>.Zero, Vector<double>.Zero);
        for (var i = 0; i + 1 < p.Length; i += 2)
        {
            even += TTerm.Of(p[i], y[i]);
            odd += TTerm.Of(p[i + 1], y[i + 1]);
        }
        var sum = Vector.Sum(even + odd);
        for (var i = p.Length / 2 * 2 * Vector<double>.Count; i < predictions.Length; i++) sum += TTerm.Of(predictions[i], targets[i]);
        return sum;
    }
}
