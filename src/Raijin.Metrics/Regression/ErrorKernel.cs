using System.Numerics;
using System.Runtime.InteropServices;

namespace Raijin.Metrics;

/// <summary>Adds Σ w·f(p, y) to state 0 and Σ w to state 1.</summary>
readonly struct ErrorKernel<TTerm>(TTerm term) : IRowKernel
    where TTerm : struct, IErrorTerm
{
    const int MaxOnStack = 64;

    public void Run<T>(MetricStates states, HostRows<T> rows)
        where T : unmanaged, INumber<T>
    {
        Span<double> sums = rows.Outputs <= MaxOnStack ? stackalloc double[rows.Outputs] : new double[rows.Outputs];
        sums.Clear();
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

    double Sum<T>(HostRows<T> rows, Span<double> sums)
        where T : unmanaged, INumber<T>
    {
        if (TTerm.HasVectors && rows.Outputs == 1 && rows.Weights.IsEmpty)
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
                sums[j] += weight * term.Of(double.CreateTruncating(rows.Predictions[i]), double.CreateTruncating(rows.Targets[i]));
            }
        }
        return total;
    }

    double Dense(ReadOnlySpan<float> predictions, ReadOnlySpan<float> targets)
    {
        var p = MemoryMarshal.Cast<float, Vector<float>>(predictions);
        var y = MemoryMarshal.Cast<float, Vector<float>>(targets);
        var (low, high) = (Vector<double>.Zero, Vector<double>.Zero);
        for (var i = 0; i < p.Length; i++)
        {
            Vector.Widen(p[i], out var lowP, out var highP);
            Vector.Widen(y[i], out var lowY, out var highY);
            low += term.Of(lowP, lowY);
            high += term.Of(highP, highY);
        }
        var sum = Vector.Sum(low + high);
        for (var i = p.Length * Vector<float>.Count; i < predictions.Length; i++) sum += term.Of(predictions[i], targets[i]);
        return sum;
    }

    double Dense(ReadOnlySpan<double> predictions, ReadOnlySpan<double> targets)
    {
        var p = MemoryMarshal.Cast<double, Vector<double>>(predictions);
        var y = MemoryMarshal.Cast<double, Vector<double>>(targets);
        var (even, odd) = (Vector<double>.Zero, Vector<double>.Zero);
        for (var i = 0; i + 1 < p.Length; i += 2)
        {
            even += term.Of(p[i], y[i]);
            odd += term.Of(p[i + 1], y[i + 1]);
        }
        var sum = Vector.Sum(even + odd);
        for (var i = p.Length / 2 * 2 * Vector<double>.Count; i < predictions.Length; i++) sum += term.Of(predictions[i], targets[i]);
        return sum;
    }
}

/// <summary>Adds Σ w |p − y| to state 0 and Σ w |y| to state 1.</summary>
readonly struct ScaledKernel : IRowKernel
{
    public void Run<T>(MetricStates states, HostRows<T> rows)
        where T : unmanaged, INumber<T>
    {
        rows = rows.Finite(states.Faults!);
        var errors = states[0].Span<double>();
        var scale = states[1].Span<double>();
        for (var row = 0; row < rows.Count; row++)
        {
            var weight = rows.Weight(row);
            for (var j = 0; j < errors.Length; j++)
            {
                var (prediction, target) = (double.CreateTruncating(rows.Predictions[row * errors.Length + j]), double.CreateTruncating(rows.Targets[row * errors.Length + j]));
                errors[j] += weight * Math.Abs(prediction - target);
                scale[j] += weight * Math.Abs(target);
            }
        }
    }
}
