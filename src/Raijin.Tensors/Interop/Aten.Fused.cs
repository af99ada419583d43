using static TorchSharp.torch;

namespace Raijin.Tensors;

// libtorch's fused optimizer kernels: one call updates any number of parameters. All tensors of a call lie on one device; each list has one
// entry a parameter. `steps` are Float32 scalars, already advanced by the caller (1 on the first step).
public static partial class Aten
{
    const string AdamArguments =
        "(Tensor(a!)[] self, Tensor(b!)[] grads, Tensor(c!)[] exp_avgs, Tensor(d!)[] exp_avg_sqs, Tensor(e!)[] max_exp_avg_sqs, " +
        "Tensor[] state_steps, *, float lr, float beta1, float beta2, float weight_decay, float eps, bool amsgrad, bool maximize, " +
        "Tensor? grad_scale=None, Tensor? found_inf=None) -> ()";

    static readonly AtenOp FusedAdamOp = AtenOp.Declare("aten::_fused_adam_" + AdamArguments);
    static readonly AtenOp FusedAdamWOp = AtenOp.Declare("aten::_fused_adamw_" + AdamArguments);

    static readonly AtenOp FusedSgdOp = AtenOp.Declare(
        "aten::_fused_sgd_(Tensor(a!)[] self, Tensor(b!)[] grads, Tensor(c!)[] momentum_buffer_list, *, float weight_decay, float momentum, " +
        "float lr, float dampening, bool nesterov, bool maximize, bool is_first_step, Tensor? grad_scale=None, Tensor? found_inf=None) -> ()");

    /// <summary>One AdamW step (decoupled weight decay), in place on parameters and moments.</summary>
    /// <param name="parameters">Updated; borrowed, as all others.</param>
    /// <param name="gradients">Divided by <paramref name="gradScale"/> in place when that is given.</param>
    /// <param name="moments">First moments, updated.</param>
    /// <param name="secondMoments">Second moments, updated.</param>
    /// <param name="maxSecondMoments">Running maxima for AMSGrad, or empty: then plain AdamW.</param>
    /// <param name="steps">Float32 scalars.</param>
    /// <param name="learningRate">Step size.</param>
    /// <param name="beta1">Decay of the first moments.</param>
    /// <param name="beta2">Decay of the second moments.</param>
    /// <param name="weightDecay">Fraction of the weight taken per unit of learning rate.</param>
    /// <param name="epsilon">Added to the root of the second moment.</param>
    /// <param name="maximize">Whether to ascend.</param>
    /// <param name="gradScale">Loss scale to divide out, Float32 scalar, or none.</param>
    /// <param name="foundNonFinite">Float32 scalar: the step is skipped on the device when it is 1; or none.</param>
    /// <exception cref="AtenException">Lists, devices or dtypes do not fit.</exception>
    public static void FusedAdamW(
        ReadOnlySpan<Tensor> parameters, ReadOnlySpan<Tensor> gradients, ReadOnlySpan<Tensor> moments, ReadOnlySpan<Tensor> secondMoments,
        ReadOnlySpan<Tensor> maxSecondMoments, ReadOnlySpan<Tensor> steps, double learningRate, double beta1, double beta2, double weightDecay,
        double epsilon, bool maximize = false, Tensor? gradScale = null, Tensor? foundNonFinite = null) =>
        FusedAdamFamily(FusedAdamWOp, parameters, gradients, moments, secondMoments, maxSecondMoments, steps, learningRate, beta1, beta2,
            weightDecay, epsilon, maximize, gradScale, foundNonFinite);

    /// <summary>One Adam step (weight decay added to the gradient), in place on parameters and moments.</summary>
    /// <inheritdoc cref="FusedAdamW"/>
    public static void FusedAdam(
        ReadOnlySpan<Tensor> parameters, ReadOnlySpan<Tensor> gradients, ReadOnlySpan<Tensor> moments, ReadOnlySpan<Tensor> secondMoments,
        ReadOnlySpan<Tensor> maxSecondMoments, ReadOnlySpan<Tensor> steps, double learningRate, double beta1, double beta2, double weightDecay,
        double epsilon, bool maximize = false, Tensor? gradScale = null, Tensor? foundNonFinite = null) =>
        FusedAdamFamily(FusedAdamOp, parameters, gradients, moments, secondMoments, maxSecondMoments, steps, learningRate, beta1, beta2,
            weightDecay, epsilon, maximize, gradScale, foundNonFinite);

    static void FusedAdamFamily(
        AtenOp op, ReadOnlySpan<Tensor> parameters, ReadOnlySpan<Tensor> gradients, ReadOnlySpan<Tensor> moments,
        ReadOnlySpan<Tensor> secondMoments, ReadOnlySpan<Tensor> maxSecondMoments, ReadOnlySpan<Tensor> steps, double learningRate, double beta1,
        double beta2, double weightDecay, double epsilon, bool maximize, Tensor? gradScale, Tensor? foundNonFinite)
    {
        using var call = new AtenCall(op, stackalloc ulong[15]);
        call.Push(parameters);
        call.Push(gradients);
        call.Push(moments);
        call.Push(secondMoments);
        call.Push(maxSecondMoments);
        call.Push(steps);
        call.Push(learningRate);
        call.Push(beta1);
        call.Push(beta2);
        call.Push(weightDecay);
        call.Push(epsilon);
        call.Push(!maxSecondMoments.IsEmpty);
        call.Push(maximize);
        call.Push(gradScale);
        call.Push(foundNonFinite);
        call.Invoke();
    }

    /// <summary>One SGD step, in place on parameters and momentum buffers.</summary>
    /// <param name="parameters">Updated; borrowed, as all others.</param>
    /// <param name="gradients">Divided by <paramref name="gradScale"/> in place when that is given.</param>
    /// <param name="momentumBuffers">Updated; empty without momentum.</param>
    /// <param name="learningRate">Step size.</param>
    /// <param name="momentum">Decay of the momentum buffers; 0 for none.</param>
    /// <param name="dampening">Fraction of the gradient kept out of the momentum, from the second step on.</param>
    /// <param name="weightDecay">L2 penalty, added to the gradient.</param>
    /// <param name="nesterov">Whether to look ahead along the momentum.</param>
    /// <param name="isFirstStep">Whether the momentum buffers are to be started with this gradient.</param>
    /// <param name="maximize">Whether to ascend.</param>
    /// <param name="gradScale">Loss scale to divide out, Float32 scalar, or none.</param>
    /// <param name="foundNonFinite">Float32 scalar: the step is skipped on the device when it is 1; or none.</param>
    /// <exception cref="AtenException">Lists, devices or dtypes do not fit.</exception>
    public static void FusedSgd(
        ReadOnlySpan<Tensor> parameters, ReadOnlySpan<Tensor> gradients, ReadOnlySpan<Tensor> momentumBuffers, double learningRate,
        double momentum = 0, double dampening = 0, double weightDecay = 0, bool nesterov = false, bool isFirstStep = false,
        bool maximize = false, Tensor? gradScale = null, Tensor? foundNonFinite = null)
    {
        using var call = new AtenCall(FusedSgdOp, stackalloc ulong[12]);
        call.Push(parameters);
        call.Push(gradients);
        call.Push(momentumBuffers);
        call.Push(weightDecay);
        call.Push(momentum);
        call.Push(learningRate);
        call.Push(dampening);
        call.Push(nesterov);
        call.Push(maximize);
        call.Push(isFirstStep);
        call.Push(gradScale);
        call.Push(foundNonFinite);
        call.Invoke();
    }
}
