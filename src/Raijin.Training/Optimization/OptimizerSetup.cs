using Raijin.Tensors;
using Raijin.Training;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>What <c>ConfigureOptimizers</c> returns: which algorithm updates which parameters, how, and on what schedule. Plain data until the fit starts.</summary>
public sealed record OptimizerSetup
{
    readonly OptimizerRequest[] _requests;

    internal OptimizerSetup(params OptimizerRequest[] requests) => _requests = requests;

    internal IReadOnlyList<OptimizerRequest> Requests => _requests;

    /// <summary>Takes weight decay off the parameters whose names match: <c>"*.bias"</c>, <c>"*norm*"</c>. Case is ignored. It holds for the members of every group.</summary>
    public OptimizerSetup NoDecayOn(params string[] patterns) => Change(r => r with { NoDecay = [.. r.NoDecay, .. Patterns(patterns)] });

    /// <summary>
    /// Takes weight decay off all biases (parameters named <c>bias</c>, <c>bias_ih_l0</c>, <c>in_proj_bias</c> …) and all parameters of normalisation layers (modules whose type is called …Norm, as
    /// <c>LayerNorm</c>, <c>BatchNorm2d</c> or a <c>RmsNorm</c> of your own). It holds for the members of every group.
    /// </summary>
    public OptimizerSetup NoDecayOnNormsAndBiases() => Change(r => r with { NoDecayOnNormsAndBiases = true });

    /// <summary>
    /// Gives the parameters whose names match their own learning rate (a multiple of the base rate), weight decay and schedule. The first group that matches a parameter holds. Where decay is taken
    /// off some members (<see cref="NoDecayOn"/>), those form the group <c>name, no decay</c>.
    /// </summary>
    /// <param name="name">The group's name, as logs show it.</param>
    /// <param name="patterns">Names, with <c>*</c> and <c>?</c>; case is ignored.</param>
    /// <param name="learningRateScale">Multiple of the base rate.</param>
    /// <param name="weightDecay">Null: as the others.</param>
    /// <param name="schedule">Null: as the others.</param>
    public OptimizerSetup Group(string name, IReadOnlyList<string> patterns, double learningRateScale = 1, double? weightDecay = null, LearningRateSchedule? schedule = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentOutOfRangeException.ThrowIfNegative(learningRateScale);
        return Change(r => r with { Rules = [.. r.Rules, new(name, Patterns(patterns), learningRateScale, weightDecay, schedule)] });
    }

    /// <summary>Puts the learning rates of all groups without a schedule of their own on a schedule. The last one given holds.</summary>
    public OptimizerSetup With(LearningRateSchedule schedule)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        return Change(r => r with { Schedule = schedule });
    }

    /// <summary>Lets a rule change the rates of all groups by what is measured. Several may, and they multiply each other and the schedule.</summary>
    public OptimizerSetup With(AdaptiveSchedule schedule)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        return Change(r => r with { Adaptive = [.. r.Adaptive, schedule] });
    }

    OptimizerSetup Change(Func<OptimizerRequest, OptimizerRequest> change) => new(Array.ConvertAll(_requests, r => change(r)));

    static string[] Patterns(IReadOnlyList<string> patterns)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        if (patterns.Count == 0 || patterns.Any(string.IsNullOrWhiteSpace)) throw new ArgumentException("Give at least one name pattern, such as \"*.bias\"; none may be empty.", nameof(patterns));
        return [.. patterns];
    }
}

/// <summary>Optimizers, over all parameters of a module that want a gradient. Each runs fused: one pass over memory for all tensors.</summary>
public static partial class Optimizers
{
    /// <summary>Stochastic gradient descent (PyTorch's SGD).</summary>
    public static OptimizerSetup Sgd(Module module, double learningRate, double momentum = 0, double dampening = 0, double weightDecay = 0, bool nesterov = false) =>
        Of(module, new Sgd(momentum, dampening, nesterov), learningRate, weightDecay);

    /// <summary>Adam with L2 regularisation (Kingma and Ba 2015).</summary>
    public static OptimizerSetup Adam(Module module, double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0, bool biasCorrection = true) =>
        Of(module, new Adam(beta1, beta2, epsilon, BiasCorrection: biasCorrection), learningRate, weightDecay);

    /// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019).</summary>
    public static OptimizerSetup AdamW(Module module, double learningRate = 1e-3, double weightDecay = 1e-2, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, bool biasCorrection = true) =>
        Of(module, new AdamW(beta1, beta2, epsilon, BiasCorrection: biasCorrection), learningRate, weightDecay);

    /// <summary>Lion: the sign of an interpolated momentum (Chen et al. 2023).</summary>
    public static OptimizerSetup Lion(Module module, double learningRate = 1e-4, double weightDecay = 0, double beta1 = 0.9, double beta2 = 0.99) =>
        Of(module, new Lion(beta1, beta2), learningRate, weightDecay);

    /// <summary>Adagrad (Duchi et al. 2011).</summary>
    public static OptimizerSetup Adagrad(Module module, double learningRate = 1e-2, double learningRateDecay = 0, double epsilon = 1e-10, double weightDecay = 0) =>
        Of(module, new Adagrad(learningRateDecay, Epsilon: epsilon), learningRate, weightDecay);

    /// <summary>RMSprop (Hinton's lecture 6e; PyTorch's arithmetic).</summary>
    public static OptimizerSetup RmsProp(Module module, double learningRate = 1e-2, double alpha = 0.99, double epsilon = 1e-8, double momentum = 0, bool centered = false, double weightDecay = 0) =>
        Of(module, new RmsProp(alpha, epsilon, momentum, centered), learningRate, weightDecay);

    /// <summary>Several optimizers for manual optimisation, each with its own parameters; <c>step.Update(module, …)</c> finds one by the module it was made for.</summary>
    public static OptimizerSetup Several(params OptimizerSetup[] setups)
    {
        ArgumentNullException.ThrowIfNull(setups);
        return new([.. setups.SelectMany(s => s.Requests)]);
    }

    static OptimizerSetup Of(Module module, OptimizerAlgorithm algorithm, double learningRate, double weightDecay)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentOutOfRangeException.ThrowIfNegative(learningRate);
        ArgumentOutOfRangeException.ThrowIfNegative(weightDecay);
        return new(new OptimizerRequest(module, algorithm, learningRate, weightDecay));
    }
}
