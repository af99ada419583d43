namespace Raijin.Tensors.Tests;

/// <summary>The papers' formulas on one tensor, in double and with loops. A tensor of two dims or more is a stack of matrices for Adafactor, and one matrix for Muon.</summary>
sealed class TensorOracle(OptimizerAlgorithm algorithm, double learningRate, double weightDecay, long[] shape)
{
    readonly int _count = (int)shape.Aggregate(1L, (a, b) => a * b);
    double[] _a = [];
    double[] _b = [];
    int _step;

    public void Step(double[] p, double[] g)
    {
        _step++;
        if (_a.Length == 0) (_a, _b) = (new double[_count], new double[_count]);
        if (algorithm.Maximize) g = Array.ConvertAll(g, x => -x);
        switch (algorithm)
        {
            case Lamb lamb: Lamb(lamb, p, g); break;
            case Lars lars: Lars(lars, p, g); break;
            case Adafactor adafactor: Adafactor(adafactor, p, g); break;
            case Muon muon when shape.Length > 1: Muon(muon, p, g); break;
            case Muon muon: AdamW(muon.Others, p, g); break;
            default: throw new NotSupportedException();
        }
    }

    void Lamb(Lamb lamb, double[] p, double[] g)
    {
        var r = new double[_count];
        for (var i = 0; i < _count; i++)
        {
            _a[i] = (lamb.Beta1 * _a[i]) + ((1 - lamb.Beta1) * g[i]);
            _b[i] = (lamb.Beta2 * _b[i]) + ((1 - lamb.Beta2) * g[i] * g[i]);
            var (first, second) = lamb.BiasCorrection ? (_a[i] / (1 - Math.Pow(lamb.Beta1, _step)), _b[i] / (1 - Math.Pow(lamb.Beta2, _step))) : (_a[i], _b[i]);
            r[i] = (first / (Math.Sqrt(second) + lamb.Epsilon)) + (weightDecay * p[i]);
        }

        var trust = !lamb.ScaleUndecayed && weightDecay == 0 ? 1 : Norm(p) / Norm(r);
        if (trust < lamb.LeastTrust) trust = lamb.LeastTrust;
        if (trust > lamb.MostTrust) trust = lamb.MostTrust.Value;
        for (var i = 0; i < _count; i++) p[i] -= learningRate * trust * r[i];
    }

    void Lars(Lars lars, double[] p, double[] g)
    {
        var local = !lars.ScaleUndecayed && weightDecay == 0 ? 1 : lars.TrustCoefficient * Norm(p) / (Norm(g) + (weightDecay * Norm(p)));
        for (var i = 0; i < _count; i++)
        {
            _a[i] = (lars.Momentum * _a[i]) + (learningRate * local * (g[i] + (weightDecay * p[i])));
            p[i] -= _a[i];
        }
    }

    // Algorithm 4, with the sums of the paper.
    void Adafactor(Adafactor adafactor, double[] p, double[] g)
    {
        var beta = 1 - Math.Pow(_step, -adafactor.DecayExponent);
        var v = new double[_count];
        if (shape.Length == 1)
        {
            for (var i = 0; i < _count; i++) v[i] = _a[i] = (beta * _a[i]) + ((1 - beta) * ((g[i] * g[i]) + adafactor.SquareEpsilon));
        }
        else
        {
            var (rows, columns) = ((int)shape[^2], (int)shape[^1]);
            for (var first = 0; first < _count; first += rows * columns)
            {
                for (var i = 0; i < rows; i++)
                    _a[first + i] = (beta * _a[first + i]) + ((1 - beta) * Enumerable.Range(0, columns).Sum(j => Square(first + (i * columns) + j)));
                for (var j = 0; j < columns; j++)
                    _b[first + j] = (beta * _b[first + j]) + ((1 - beta) * Enumerable.Range(0, rows).Sum(i => Square(first + (i * columns) + j)));
                var total = Enumerable.Range(0, rows).Sum(i => _a[first + i]);
                for (var k = 0; k < rows * columns; k++) v[first + k] = _a[first + (k / columns)] * _b[first + (k % columns)] / total;
            }
        }

        var u = g.Zip(v, (gradient, square) => gradient / Math.Sqrt(square)).ToArray();
        var rho = adafactor.RelativeStep ? Math.Min(learningRate, 1 / Math.Sqrt(_step)) : learningRate;
        var alpha = adafactor.ScaleByParameter ? Math.Max(adafactor.SmallestScale, Norm(p) / Math.Sqrt(_count)) * rho : rho;
        var clip = Math.Max(1, Norm(u) / Math.Sqrt(_count) / adafactor.ClipThreshold);
        for (var i = 0; i < _count; i++) p[i] = p[i] - (learningRate * weightDecay * p[i]) - (alpha * u[i] / clip);

        double Square(int i) => (g[i] * g[i]) + adafactor.SquareEpsilon;
    }

    void Muon(Muon muon, double[] p, double[] g)
    {
        var (rows, columns) = ((int)shape[0], _count / (int)shape[0]);
        // The classic momentum: twenty times the average's scale, which the normalisation takes out.
        for (var i = 0; i < _count; i++) _a[i] = (muon.Momentum * _a[i]) + g[i];
        var x = new double[rows, columns];
        for (var i = 0; i < _count; i++) x[i / columns, i % columns] = muon.Nesterov ? g[i] + (muon.Momentum * _a[i]) : _a[i];
        var norm = Math.Sqrt(x.Cast<double>().Sum(e => e * e));
        for (var i = 0; i < _count; i++) x[i / columns, i % columns] /= norm;
        for (var iteration = 0; iteration < muon.Iterations; iteration++)
        {
            // aX + bX(XᵀX) + cX(XᵀX)², from the side the product does not take.
            var cubic = Multiply(x, Multiply(Transpose(x), x));
            var quintic = Multiply(cubic, Multiply(Transpose(x), x));
            for (var i = 0; i < rows; i++)
                for (var j = 0; j < columns; j++) x[i, j] = (3.4445 * x[i, j]) - (4.7750 * cubic[i, j]) + (2.0315 * quintic[i, j]);
        }

        var scale = muon.MatchAdamW ? 0.2 * Math.Sqrt(Math.Max(rows, columns)) : Math.Sqrt(Math.Max(1.0, (double)rows / columns));
        for (var i = 0; i < _count; i++) p[i] = p[i] - (learningRate * weightDecay * p[i]) - (learningRate * scale * x[i / columns, i % columns]);
    }

    void AdamW(AdamW adamW, double[] p, double[] g)
    {
        for (var i = 0; i < _count; i++)
        {
            _a[i] = (adamW.Beta1 * _a[i]) + ((1 - adamW.Beta1) * g[i]);
            _b[i] = (adamW.Beta2 * _b[i]) + ((1 - adamW.Beta2) * g[i] * g[i]);
            var denominator = Math.Sqrt(_b[i] / (1 - Math.Pow(adamW.Beta2, _step))) + adamW.Epsilon;
            p[i] -= learningRate * ((weightDecay * p[i]) + (_a[i] / (1 - Math.Pow(adamW.Beta1, _step)) / denominator));
        }
    }

    static double Norm(double[] x) => Math.Sqrt(x.Sum(e => e * e));

    static double[,] Transpose(double[,] x)
    {
        var result = new double[x.GetLength(1), x.GetLength(0)];
        for (var i = 0; i < x.GetLength(0); i++)
            for (var j = 0; j < x.GetLength(1); j++) result[j, i] = x[i, j];
        return result;
    }

    static double[,] Multiply(double[,] x, double[,] y)
    {
        var result = new double[x.GetLength(0), y.GetLength(1)];
        for (var i = 0; i < x.GetLength(0); i++)
            for (var k = 0; k < x.GetLength(1); k++)
                for (var j = 0; j < y.GetLength(1); j++) result[i, j] += x[i, k] * y[k, j];
        return result;
    }
}
