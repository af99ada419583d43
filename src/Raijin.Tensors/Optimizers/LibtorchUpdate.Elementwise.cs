using System.Diagnostics;
using static TorchSharp.torch;

namespace Raijin.Tensors;

// One parameter at a time, by plain tensor operations: formulas as in AdamFamilyRules and StepSizeRules.
sealed partial class LibtorchUpdate
{
    // The gradient may be changed, and has the weight decay in it where the algorithm wants it there.
    static void Update(OptimizerAlgorithm algorithm, Tensor p, Tensor g, Tensor[] s, in UpdateScalars scalars)
    {
        switch (algorithm)
        {
            case NAdam nAdam:
                Update(nAdam, p, g, s, scalars);
                break;
            case RAdam rAdam:
                Update(rAdam, p, g, s, scalars);
                break;
            case Adamax adamax:
                s[0].lerp_(g, 1 - adamax.Beta1);
                var magnitude = g.abs().add_(adamax.Epsilon);
                s[1].mul_(adamax.Beta2).copy_(maximum(s[1], magnitude));
                p.addcdiv_(s[0], s[1], -scalars.LearningRate / (1 - Math.Pow(adamax.Beta1, scalars.Step)));
                break;
            case ScheduleFreeAdamW scheduleFree:
                Update(scheduleFree, p, g, s, scalars);
                break;
            case Adadelta adadelta:
                s[0].mul_(adadelta.Rho).addcmul_(g, g, 1 - adadelta.Rho);
                var delta = s[1].add(adadelta.Epsilon).sqrt_().div_(s[0].add(adadelta.Epsilon).sqrt_()).mul_(g);
                s[1].mul_(adadelta.Rho).addcmul_(delta, delta, 1 - adadelta.Rho);
                p.add_(delta, -scalars.LearningRate);
                break;
            case Rprop rprop:
                Update(rprop, p, g, s, scalars);
                break;
            case Asgd asgd:
                var (stepSize, share) = (Asgd.StepSize(scalars), asgd.Share(scalars.Step));
                p.mul_(1 - (asgd.Lambda * stepSize)).add_(g, -stepSize);
                if (share == 1)
                    s[0].copy_(p);
                else
                    s[0].add_(p - s[0], share);
                break;
            case OneBitAdam oneBit:
                s[0].mul_(oneBit.Beta1).add_(g, alpha: 1 - oneBit.Beta1);
                if (scalars.Step <= oneBit.FreezeStep) s[1].mul_(oneBit.Beta2).addcmul_(g, g, 1 - oneBit.Beta2);
                p.mul_(1 - (scalars.LearningRate * scalars.WeightDecay)).addcdiv_(s[0], s[1].sqrt().add_(oneBit.Epsilon).masked_fill_(s[1].eq(0), double.PositiveInfinity), -scalars.LearningRate);
                break;
            case LayerwiseAlgorithm layerwise:
                Update(layerwise, p, g, s, scalars);
                break;
            case Muon muon:
                Update(muon, p, g, s[0], scalars);
                break;
            default:
                throw new UnreachableException($"{algorithm.GetType().Name} has no update by libtorch's operators.");
        }
    }

    static void Update(NAdam nAdam, Tensor p, Tensor g, Tensor[] s, in UpdateScalars scalars)
    {
        var (now, next, product) = (nAdam.MomentumAt(scalars.Step), nAdam.MomentumAt(scalars.Step + 1), nAdam.MomentumProduct(scalars));
        s[0].lerp_(g, 1 - nAdam.Beta1);
        var denominator = Denominator(s[1], g, nAdam.Beta2, nAdam.Epsilon, scalars.Step);
        p.addcdiv_(g, denominator, -scalars.LearningRate * (1 - now) / (1 - product));
        p.addcdiv_(s[0], denominator, -scalars.LearningRate * next / (1 - (product * next)));
    }

    static void Update(RAdam rAdam, Tensor p, Tensor g, Tensor[] s, in UpdateScalars scalars)
    {
        s[0].lerp_(g, 1 - rAdam.Beta1);
        s[1].mul_(rAdam.Beta2).addcmul_(g, g, 1 - rAdam.Beta2);
        var rate = scalars.LearningRate / (1 - Math.Pow(rAdam.Beta1, scalars.Step));
        if (rAdam.Rectification(scalars.Step) is { } rectification)
            p.addcdiv_(s[0], s[1].sqrt().add_(rAdam.Epsilon), -rate * rectification * Math.Sqrt(1 - Math.Pow(rAdam.Beta2, scalars.Step)));
        else
            p.add_(s[0], -rate);
    }

    static void Update(ScheduleFreeAdamW scheduleFree, Tensor y, Tensor g, Tensor[] s, in UpdateScalars scalars)
    {
        var (z, share) = (s[0], scheduleFree.Share(scalars));
        if (scalars.Step == 1) z.copy_(y);
        var direction = g.div(Denominator(s[1], g, scheduleFree.Beta2, scheduleFree.Epsilon, scalars.Step));
        if (scalars.WeightDecay != 0) direction.add_(y, scalars.WeightDecay);
        y.lerp_(z, share).add_(direction, scalars.LearningRate * ((scheduleFree.Beta1 * (1 - share)) - 1));
        z.add_(direction, -scalars.LearningRate);
    }

    static void Update(Rprop rprop, Tensor p, Tensor g, Tensor[] s, in UpdateScalars scalars)
    {
        var (previous, step) = (s[0], s[1]);
        if (scalars.Step == 1) step.fill_(scalars.LearningRate);
        var product = g * previous;
        var turned = product.lt(0);
        step.copy_(where(product.gt(0), step * rprop.Grow, where(turned, step * rprop.Shrink, step)).clamp_(rprop.SmallestStep, rprop.LargestStep));
        g.masked_fill_(turned, 0);
        previous.copy_(g);
        p.addcmul_(g.sign(), step, -1);
    }

    static Tensor Denominator(Tensor v, Tensor g, double beta2, double epsilon, long step)
    {
        v.mul_(beta2).addcmul_(g, g, 1 - beta2);
        return v.sqrt().div_(Math.Sqrt(1 - Math.Pow(beta2, step))).add_(epsilon);
    }
}
