namespace Raijin.Tensors.Tests;

/// <summary>The papers' formulas on one element, in double. It shares nothing with the kernels.</summary>
sealed class Float64Oracle(OptimizerAlgorithm algorithm, double learningRate, double weightDecay)
{
    long _step;
    double _a;
    double _b;
    double _largest;

    public double Step(double p, double g)
    {
        _step++;
        if (algorithm.Maximize) g = -g;
        return algorithm switch
        {
            Sgd sgd => Sgd(sgd, p, g + (weightDecay * p)),
            Adam adam => Adam(p, g + (weightDecay * p), adam.Beta1, adam.Beta2, adam.Epsilon, adam.AmsGrad),
            AdamW adamW => Adam(p - (learningRate * weightDecay * p), g, adamW.Beta1, adamW.Beta2, adamW.Epsilon, adamW.AmsGrad),
            Lion lion => Lion(lion, p, g),
            Adagrad adagrad => Adagrad(adagrad, p, g + (weightDecay * p)),
            RmsProp rmsProp => RmsProp(rmsProp, p, g + (weightDecay * p)),
            _ => throw new NotSupportedException(),
        };
    }

    double Sgd(Sgd sgd, double p, double g)
    {
        if (sgd.Momentum == 0) return p - (learningRate * g);
        _a = _step == 1 ? g : (sgd.Momentum * _a) + ((1 - sgd.Dampening) * g);
        return p - (learningRate * (sgd.Nesterov ? g + (sgd.Momentum * _a) : _a));
    }

    double Adam(double p, double g, double beta1, double beta2, double epsilon, bool amsGrad)
    {
        _a = (beta1 * _a) + ((1 - beta1) * g);
        _b = (beta2 * _b) + ((1 - beta2) * g * g);
        _largest = Math.Max(_largest, _b);
        var first = _a / (1 - Math.Pow(beta1, _step));
        var second = (amsGrad ? _largest : _b) / (1 - Math.Pow(beta2, _step));
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
}
