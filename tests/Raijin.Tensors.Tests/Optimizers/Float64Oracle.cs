namespace Raijin.Tensors.Tests;

/// <summary>The papers' formulas on one element, in double. It shares nothing with the kernels.</summary>
sealed class Float64Oracle(OptimizerAlgorithm algorithm, double learningRate, double weightDecay)
{
    long _step;
    double _a;
    double _b;
    double _largest;
    double _product = 1;
    double _sum;
    double _rate;

    /// <summary>The weight to evaluate: averaged SGD's mean, schedule-free's x.</summary>
    public double Evaluated { get; private set; }

    public double Step(double p, double g)
    {
        _step++;
        if (algorithm.Maximize) g = -g;
        return algorithm switch
        {
            Sgd sgd => Sgd(sgd, p, g + (weightDecay * p)),
            Adam adam => Adam(p, g + (weightDecay * p), adam.Beta1, adam.Beta2, adam.Epsilon, adam.AmsGrad, adam.BiasCorrection),
            AdamW adamW => Adam(p - (learningRate * weightDecay * p), g, adamW.Beta1, adamW.Beta2, adamW.Epsilon, adamW.AmsGrad, adamW.BiasCorrection),
            Lion lion => Lion(lion, p, g),
            Adagrad adagrad => Adagrad(adagrad, p, g + (weightDecay * p)),
            RmsProp rmsProp => RmsProp(rmsProp, p, g + (weightDecay * p)),
            NAdam nAdam => NAdam(nAdam, p, g + (weightDecay * p)),
            RAdam rAdam => RAdam(rAdam, p, g + (weightDecay * p)),
            Adamax adamax => Adamax(adamax, p, g + (weightDecay * p)),
            Adadelta adadelta => Adadelta(adadelta, p, g + (weightDecay * p)),
            Rprop rprop => Rprop(rprop, p, g + (weightDecay * p)),
            Asgd asgd => Asgd(asgd, p, g + (weightDecay * p)),
            OneBitAdam oneBit => OneBitAdam(oneBit, p, g),
            ScheduleFreeAdamW scheduleFree => ScheduleFree(scheduleFree, p, g),
            _ => throw new NotSupportedException(),
        };
    }

    double Sgd(Sgd sgd, double p, double g)
    {
        if (sgd.Momentum == 0) return p - (learningRate * g);
        _a = _step == 1 ? g : (sgd.Momentum * _a) + ((1 - sgd.Dampening) * g);
        return p - (learningRate * (sgd.Nesterov ? g + (sgd.Momentum * _a) : _a));
    }

    double Adam(double p, double g, double beta1, double beta2, double epsilon, bool amsGrad, bool corrects)
    {
        _a = (beta1 * _a) + ((1 - beta1) * g);
        _b = (beta2 * _b) + ((1 - beta2) * g * g);
        _largest = Math.Max(_largest, _b);
        var first = corrects ? _a / (1 - Math.Pow(beta1, _step)) : _a;
        var second = (amsGrad ? _largest : _b) / (corrects ? 1 - Math.Pow(beta2, _step) : 1);
        return p - (learningRate * first / (Math.Sqrt(second) + epsilon));
    }

    double Lion(Lion lion, double p, double g)
    {
        var direction = Math.Sign((lion.Beta1 * _a) + ((1 - lion.Beta1) * g));
        _a = (lion.Beta2 * _a) + ((1 - lion.Beta2) * g);
        return p - (learningRate * (direction + (weightDecay * p)));
    }

    double Adagrad(Adagrad adagrad, double p, double g)
    {
        if (_step == 1) _a = adagrad.InitialAccumulator;
        _a += g * g;
        return p - (learningRate / (1 + ((_step - 1) * adagrad.LearningRateDecay)) * g / (Math.Sqrt(_a) + adagrad.Epsilon));
    }

    double RmsProp(RmsProp rmsProp, double p, double g)
    {
        _a = (rmsProp.Alpha * _a) + ((1 - rmsProp.Alpha) * g * g);
        _largest = (rmsProp.Alpha * _largest) + ((1 - rmsProp.Alpha) * g);
        var variance = rmsProp.Centered ? _a - (_largest * _largest) : _a;
        var update = g / (Math.Sqrt(variance) + rmsProp.Epsilon);
        if (rmsProp.Momentum == 0) return p - (learningRate * update);
        _b = (rmsProp.Momentum * _b) + update;
        return p - (learningRate * _b);
    }

    double NAdam(NAdam nAdam, double p, double g)
    {
        double Momentum(long t) => nAdam.Beta1 * (1 - (0.5 * Math.Pow(0.96, t * nAdam.MomentumDecay)));
        _product *= Momentum(_step);
        _a = (nAdam.Beta1 * _a) + ((1 - nAdam.Beta1) * g);
        _b = (nAdam.Beta2 * _b) + ((1 - nAdam.Beta2) * g * g);
        var mean = (Momentum(_step + 1) * _a / (1 - (_product * Momentum(_step + 1)))) + ((1 - Momentum(_step)) * g / (1 - _product));
        return p - (learningRate * mean / (Math.Sqrt(_b / (1 - Math.Pow(nAdam.Beta2, _step))) + nAdam.Epsilon));
    }

    double OneBitAdam(OneBitAdam oneBit, double p, double g)
    {
        _a = (oneBit.Beta1 * _a) + ((1 - oneBit.Beta1) * g);
        if (_step <= oneBit.FreezeStep) _b = (oneBit.Beta2 * _b) + ((1 - oneBit.Beta2) * g * g);
        return p - (learningRate * ((_b == 0 ? 0 : _a / (Math.Sqrt(_b) + oneBit.Epsilon)) + (weightDecay * p)));
    }

    double RAdam(RAdam rAdam, double p, double g)
    {
        _a = (rAdam.Beta1 * _a) + ((1 - rAdam.Beta1) * g);
        _b = (rAdam.Beta2 * _b) + ((1 - rAdam.Beta2) * g * g);
        var first = _a / (1 - Math.Pow(rAdam.Beta1, _step));
        var longest = (2 / (1 - rAdam.Beta2)) - 1;
        var power = Math.Pow(rAdam.Beta2, _step);
        var rho = longest - (2 * _step * power / (1 - power));
        if (rho <= 5) return p - (learningRate * first);
        var r = Math.Sqrt((rho - 4) / (longest - 4) * ((rho - 2) / (longest - 2)) * (longest / rho));
        return p - (learningRate * r * first * Math.Sqrt(1 - power) / (Math.Sqrt(_b) + rAdam.Epsilon));
    }

    double Adamax(Adamax adamax, double p, double g)
    {
        _a = (adamax.Beta1 * _a) + ((1 - adamax.Beta1) * g);
        _b = Math.Max(adamax.Beta2 * _b, Math.Abs(g) + adamax.Epsilon);
        return p - (learningRate / (1 - Math.Pow(adamax.Beta1, _step)) * _a / _b);
    }

    double Adadelta(Adadelta adadelta, double p, double g)
    {
        _a = (adadelta.Rho * _a) + ((1 - adadelta.Rho) * g * g);
        var delta = g * Math.Sqrt((_b + adadelta.Epsilon) / (_a + adadelta.Epsilon));
        _b = (adadelta.Rho * _b) + ((1 - adadelta.Rho) * delta * delta);
        return p - (learningRate * delta);
    }

    double Rprop(Rprop rprop, double p, double g)
    {
        if (_step == 1) _rate = learningRate;
        if (g * _a > 0) _rate = Math.Min(_rate * rprop.Grow, rprop.LargestStep);
        if (g * _a < 0) (_rate, g) = (Math.Max(_rate * rprop.Shrink, rprop.SmallestStep), 0);
        _a = g;
        return p - (_rate * Math.Sign(g));
    }

    double Asgd(Asgd asgd, double p, double g)
    {
        var eta = learningRate / Math.Pow(1 + (asgd.Lambda * learningRate * (_step - 1)), asgd.Alpha);
        p = p - (asgd.Lambda * eta * p) - (eta * g);
        // The mean of the iterates once that many updates are behind.
        Evaluated += (p - Evaluated) / Math.Max(1, _step - 1 - asgd.AverageFrom);
        return p;
    }

    // The paper's form: z moves, x is the weighted mean of all z, y lies between them.
    double ScheduleFree(ScheduleFreeAdamW scheduleFree, double y, double g)
    {
        if (_step == 1) (_a, Evaluated) = (y, y);
        _b = (scheduleFree.Beta2 * _b) + ((1 - scheduleFree.Beta2) * g * g);
        _a -= learningRate * ((g / (Math.Sqrt(_b / (1 - Math.Pow(scheduleFree.Beta2, _step))) + scheduleFree.Epsilon)) + (weightDecay * y));
        var weight = Math.Pow(_step, scheduleFree.StepPower) * Math.Pow(learningRate, scheduleFree.RatePower);
        _sum += weight;
        Evaluated += weight / _sum * (_a - Evaluated);
        return ((1 - scheduleFree.Beta1) * _a) + (scheduleFree.Beta1 * Evaluated);
    }
}
