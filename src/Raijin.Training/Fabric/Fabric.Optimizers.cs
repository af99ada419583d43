using Microsoft.Extensions.Logging;
using Raijin.Tensors;
using Raijin.Training;
using static TorchSharp.torch.nn;

namespace Raijin;

public sealed partial class Fabric
{
    readonly List<RunOptimizer> _optimizers = [];

    internal IReadOnlyList<RunOptimizer> AllOptimizers => _optimizers;

    /// <summary>Sets up a model and the optimizer that <paramref name="configure"/> asks for: <c>fabric.Setup(new Gpt(options), m => Optimizers.AdamW(m, 3e-4))</c>.</summary>
    /// <exception cref="ArgumentException">It asks for several: use <see cref="SetupOptimizers"/>.</exception>
    public (TModule Model, RunOptimizer Optimizer) Setup<TModule>(TModule module, Func<TModule, OptimizerSetup> configure) where TModule : Module
    {
        ArgumentNullException.ThrowIfNull(configure);
        Setup(module);
        var setup = configure(module);
        if (setup.Requests.Count != 1)
            throw new ArgumentException($"One optimizer is expected here, {setup.Requests.Count} were configured: call Setup(module) and then SetupOptimizers.", nameof(configure));
        return (module, SetupOptimizers(setup)[0]);
    }

    /// <summary>Makes the optimizers of models that are set up. The fabric frees them.</summary>
    /// <exception cref="InvalidOptionsException">A module has nothing to train, or a schedule needs what the run does not know (its number of steps, the steps of an epoch) or the optimizer does not have (a momentum).</exception>
    public IReadOnlyList<RunOptimizer> SetupOptimizers(OptimizerSetup setup)
    {
        ArgumentNullException.ThrowIfNull(setup);
        InvalidOptionsException.ThrowIfAny([.. setup.Requests.SelectMany(FaultsOf)]);
        var made = new List<RunOptimizer>();
        foreach (var request in setup.Requests)
        {
            foreach (var pattern in request.UnmatchedPatterns())
                Logger.LogWarning("The pattern {Pattern} matches no parameter of {Module}: it has no effect.", pattern, request.Module.GetName());
            made.Add(new RunOptimizer(request, _options.ClipGradients, Scaler, _options.TotalSteps, _options.StepsPerEpoch, Updater(request), Peers, Sharded(request.Module)));
        }
        _optimizers.AddRange(made);
        return made;
    }

    IEnumerable<OptionFault> FaultsOf(OptimizerRequest request)
    {
        var algorithm = request.Algorithm;
        var key = $"optimizer {algorithm.GetType().Name} of {request.Module.GetName()}";
        if (!request.Module.parameters().Any(p => p.requires_grad)) yield return new(key, "has no parameter to train: none wants a gradient");
        foreach (var fault in request.ScheduleFaults(_options.TotalSteps, _options.StepsPerEpoch)) yield return new(key, fault);
        if (_models.Stage > 0 && algorithm.LooksAtWholeTensors && algorithm is not (Lamb or Lars))
            yield return new(key, $"needs each parameter whole (its rows, its singular values), but stage {_models.Stage} cuts parameters where ranks meet: give strategy ddp, LAMB or LARS, or an optimizer that works element by element, such as AdamW");
        if (algorithm is OneBitAdam && !Peers.IsAlone)
        {
            if (_models.Stage > 0) yield return new(key, $"keeps whole moments on every rank, but stage {_models.Stage} divides them: give strategy ddp, or AdamW with gradientCodec int4 for fewer bytes between ranks");
            if (_options.Strategy is { } given && given.OffloadOptimizer != Tier.Device && given.OffloadOptimizer != Tier.Host) yield return new(key, $"keeps its moments in memory: leave out strategy.offloadOptimizer = {given.OffloadOptimizer}, or give AdamW");
            if (_options.Strategy is { } coded && (coded.GradientCodec != GradientCodec.None || coded.GradientWire is not null)) yield return new(key, "brings gradients together itself, and codes its momenta: leave out strategy.gradientCodec and strategy.gradientWire");
        }
        if (algorithm is not LbfgsOptions) yield break;
        if (request.Groups().Count > 1 || request.WeightDecay != 0) yield return new(key, "minimises one function of all parameters: leave out groups and weight decay, and add a penalty to the loss instead");
        if (_options.ClipGradients != Clip.None) yield return new(key, $"can't have its gradients clipped (clipGradients = {_options.ClipGradients}): its line search trusts them; leave clipping out");
        if (_options.Strategy is { GradientCodec: not GradientCodec.None } codes && !Peers.IsAlone) yield return new(key, $"can't have its gradients coded (strategy.gradientCodec = {codes.GradientCodec}): its line search trusts them; leave the codec out");
        if (Scaler is not null || Precision.ConvertsWeights) yield return new(key, $"needs float32 or float64 weights, not precision = {Precision}");
    }

    UpdaterFactory Updater(OptimizerRequest request)
    {
        var masters = Precision.ConvertsWeights ? _fullPrecision.Of(request.Module) : null;
        if (Sharded(request.Module) is { } sharded) return (algorithm, groups) => sharded.CreateOptimizer(algorithm, groups, new FusedOptimizerOptions { Masters = masters });
        if (Peers.World is not null) throw new InvalidOperationException($"{request.Module.GetName()} was not set up: call Setup on it before its optimizer is made.");
        return (algorithm, groups) => new FusedOptimizer(algorithm, groups, new FusedOptimizerOptions { Masters = masters });
    }
}
