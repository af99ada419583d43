using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Updates by libtorch's operators, one parameter at a time, in the order of operations of <c>torch.optim</c> with <c>foreach=False</c>:
/// any device, layout and floating dtype. Where Raijin's kernels work too, it is the reference they are tested against.
/// </summary>
sealed class LibtorchUpdate(OptimizerAlgorithm algorithm)
{
    /// <summary>Σ g² over the gradients of <paramref name="parameters"/>, all of which have one.</summary>
    public static double SumOfSquares(List<OptimizedParameter> parameters)
    {
        if (parameters.Count == 0) return 0;
        using var none = no_grad();
        using var scope = NewDisposeScope();
        // Summed on each device, read back once per device.
        var sums = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var parameter in parameters)
        {
            var gradient = parameter.Tensor.grad!;
            var dtype = gradient.device_type == DeviceType.MPS ? ScalarType.Float32 : ScalarType.Float64;
            var squares = gradient.to(dtype).square().sum();
            var device = gradient.device.ToString();
            sums[device] = sums.TryGetValue(device, out var sum) ? sum + squares : squares;
        }

        return sums.Values.Sum(sum => sum.to(ScalarType.Float64).item<double>());
    }

    /// <summary>Updates <paramref name="parameters"/>, all of which have a gradient and state; <see cref="OptimizedParameter.Updates"/> are those before.</summary>
    /// <param name="parameters">Those to update.</param>
    /// <param name="gradientScale">Multiplies each gradient first; negative to ascend.</param>
    /// <param name="gradientBound">Clamps it to ± this then; infinite for no clamp.</param>
    public void Update(List<OptimizedParameter> parameters, double gradientScale, double gradientBound)
    {
        if (parameters.Count == 0) return;
        using var none = no_grad();
        foreach (var parameter in parameters)
        {
            using var scope = NewDisposeScope();
            var weights = Weights(parameter);
            var gradient = parameter.Tensor.grad!.to(weights.dtype);
            if (gradientScale != 1) gradient = gradient * gradientScale;
            if (double.IsFinite(gradientBound)) gradient = gradient.clamp(-gradientBound, gradientBound);
            Update(weights, gradient, parameter.Slots, new(parameter.Group.LearningRate, parameter.Group.WeightDecay, parameter.Updates + 1));
            if (parameter.HasMaster) parameter.Tensor.copy_(weights);
        }
    }

    // A master follows the elements of its parameter that someone else has written, as in the kernels (MasterWeights).
    static Tensor Weights(OptimizedParameter parameter)
    {
        if (!parameter.HasMaster) return parameter.Tensor;
        var master = parameter.Slots[^1];
        var replaced = master.to(parameter.Tensor.dtype).ne(parameter.Tensor);
        master.copy_(where(replaced, parameter.Tensor.to(master.dtype), master));
        return master;
    }

    void Update(Tensor p, Tensor g, IReadOnlyList<Tensor> s, in UpdateScalars scalars)
    {
        var (lr, decay, step) = scalars;
        switch (algorithm)
        {
            case Sgd sgd:
                Descend(sgd, p, Decayed(g, p, decay), s, lr, step);
                break;
            case Adam adam:
                Adapt(adam, p, Decayed(g, p, decay), s, lr, step);
                break;
            case AdamW adamW:
                p.mul_(1 - (lr * decay));
                Adapt(new(adamW.Beta1, adamW.Beta2, adamW.Epsilon, adamW.AmsGrad), p, g, s, lr, step);
                break;
            case Lion lion:
                p.mul_(1 - (lr * decay));
                p.add_((s[0] * lion.Beta1).add_(g, alpha: 1 - lion.Beta1).sign(), alpha: -lr);
                s[0].mul_(lion.Beta2).add_(g, alpha: 1 - lion.Beta2);
                break;
            case Adagrad adagrad:
                g = Decayed(g, p, decay);
                s[0].addcmul_(g, g, 1);
                p.addcdiv_(g, s[0].sqrt().add_(adagrad.Epsilon), -lr / (1 + ((step - 1) * adagrad.LearningRateDecay)));
                break;
            case RmsProp rmsProp:
                Normalize(rmsProp, p, Decayed(g, p, decay), s, lr);
                break;
            default:
                throw new UnreachableException($"{algorithm.GetType().Name} has no update by libtorch's operators.");
        }
    }

    static Tensor Decayed(Tensor g, Tensor p, double decay) => decay == 0 ? g : g.add(p, alpha: decay);

    static void Descend(Sgd sgd, Tensor p, Tensor g, IReadOnlyList<Tensor> s, double lr, long step)
    {
        if (sgd.Momentum != 0)
        {
            if (step == 1)
                s[0].copy_(g);
            else
                s[0].mul_(sgd.Momentum).add_(g, alpha: 1 - sgd.Dampening);
            g = sgd.Nesterov ? g.add(s[0], alpha: sgd.Momentum) : s[0];
        }

        p.add_(g, alpha: -lr);
    }

    static void Adapt(Adam adam, Tensor p, Tensor g, IReadOnlyList<Tensor> s, double lr, long step)
    {
        s[0].lerp_(g, 1 - adam.Beta1);
        s[1].mul_(adam.Beta2).addcmul_(g, g, 1 - adam.Beta2);
        if (adam.AmsGrad) s[2].copy_(maximum(s[2], s[1]));
        var root = (adam.AmsGrad ? s[2] : s[1]).sqrt();
        var denominator = root.div_(Math.Sqrt(1 - Math.Pow(adam.Beta2, step))).add_(adam.Epsilon);
        p.addcdiv_(s[0], denominator, -lr / (1 - Math.Pow(adam.Beta1, step)));
    }

    static void Normalize(RmsProp rmsProp, Tensor p, Tensor g, IReadOnlyList<Tensor> s, double lr)
    {
        s[0].mul_(rmsProp.Alpha).addcmul_(g, g, 1 - rmsProp.Alpha);
        var variance = s[0];
        if (rmsProp.Centered)
        {
            var average = rmsProp.Momentum != 0 ? s[2] : s[1];
            average.lerp_(g, 1 - rmsProp.Alpha);
            variance = variance.addcmul(average, average, -1);
        }

        var root = variance.sqrt().add_(rmsProp.Epsilon);
        if (rmsProp.Momentum == 0)
            p.addcdiv_(g, root, -lr);
        else
            p.add_(s[1].mul_(rmsProp.Momentum).addcdiv_(g, root, 1), alpha: -lr);
    }
}
