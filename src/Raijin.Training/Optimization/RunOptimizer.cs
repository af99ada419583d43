using System.Text.Json.Nodes;
using Raijin.Parallel;
using Raijin.Tensors;
using Raijin.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>Makes what updates parameters: all of them here, or this rank's share.</summary>
delegate IParameterUpdater UpdaterFactory(OptimizerAlgorithm algorithm, IReadOnlyList<ParameterGroup> groups);

/// <summary>An optimizer at work: its fused state, its schedules, the loss scale and the clipping of the run.</summary>
/// <remarks>
/// <para>
/// <see cref="Step(double)"/> is a whole update: measure the gradients (one read pass, only where clipping or a loss scale asks) → derive one factor for unscaling and clipping → update, with that
/// factor folded into the update's own pass → move the schedule on → drop the gradients.
/// </para>
/// <para>
/// The same parts can be called one by one, to leave one out or to put something between them: <see cref="MeasureGradients"/>, <see cref="ClipGradients"/>, <see cref="Update"/>,
/// <see cref="AdvanceSchedule"/>, <see cref="ClearGradients"/>. No part writes the gradients themselves but the last (an override of the run's clipping is handed unscaled ones): what unscaling and clipping come to is remembered, applied once
/// by the next <see cref="Update"/>, and forgotten. So nothing is ever unscaled or clipped twice, whatever the order of calls, and <see cref="Step(double)"/> after <see cref="ClipGradients"/> clips as that call said.
/// </para>
/// </remarks>
public sealed class RunOptimizer : IDisposable
{
    readonly IParameterUpdater? _updater;
    readonly Lbfgs? _lbfgs;
    readonly LearningRateSchedule[] _schedules;
    readonly AdaptiveState[] _adaptive;
    readonly double[] _baseRates;
    readonly double[] _usedRates;
    readonly double?[] _usedMomenta;
    readonly bool[] _observed;
    readonly SortedSet<string> _seen = new(StringComparer.Ordinal);
    readonly long? _totalSteps;
    readonly long? _stepsPerEpoch;
    readonly Peers _peers;

    // Whether gradients are in the parameters, and not in parts that only the updater knows.
    readonly bool _seesGradients;

    // What is decided about the coming update so far.
    double _rescale = 1;
    GradientNorm? _measured;
    double? _clipFactor;
    double _elementLimit = double.PositiveInfinity;
    bool _unscaled;

    internal RunOptimizer(OptimizerRequest request, Clip clip, LossScaler? scaler, long? totalSteps, long? stepsPerEpoch, UpdaterFactory make, Peers? peers = null, ShardedModel? sharded = null)
    {
        Module = request.Module;
        var groups = request.Groups();
        Algorithm = request.Algorithm;
        _peers = peers ?? Peers.None;
        _seesGradients = sharded is not { NumParts: > 1, Strategy.Stage: > 0 };
        if (request.Algorithm is LbfgsOptions options) _lbfgs = new Lbfgs(options, groups[0].Parameters, sharded?.ShareGradients(groups[0].Parameters));
        else _updater = make(request.Algorithm, [.. groups.Select(g => g.Parameters)]);
        Groups = _updater?.Groups ?? [_lbfgs!.Group];
        _schedules = [.. groups.Select(g => g.Schedule)];
        _adaptive = [.. request.Adaptive.Select(a => a.Start())];
        _observed = new bool[_adaptive.Length];
        _baseRates = [.. Groups.Select(g => g.LearningRate)];
        _usedRates = new double[_baseRates.Length];
        _usedMomenta = new double?[_baseRates.Length];
        _totalSteps = totalSteps;
        _stepsPerEpoch = stepsPerEpoch;
        Clip = clip;
        Scaler = scaler;
        AdvanceSchedule();
        RememberRates();
    }

    /// <summary>The module whose parameters it updates.</summary>
    public Module Module { get; }

    /// <summary>The parameter groups, with their current learning rates.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>Updates done; steps skipped by the loss scaler are not counted.</summary>
    public long Updates => _updater?.Updates ?? _lbfgs!.Updates;

    /// <summary>Whether an update needs the loss evaluated again and again, as L-BFGS does: <see cref="Step(Func{double})"/> then takes the place of <see cref="Step(double)"/> and its parts.</summary>
    public bool EvaluatesLoss => _lbfgs is not null;

    /// <summary>How the run clips gradients: what <see cref="Step(double)"/> and <see cref="Update"/> do where <see cref="ClipGradients"/> was not called.</summary>
    public Clip Clip { get; }

    internal OptimizerAlgorithm Algorithm { get; }

    internal IParameterUpdater Updater => _updater ?? throw new InvalidOperationException("L-BFGS evaluates the loss several times in an update: call Step with a function that computes the loss, runs backward and returns it.");

    internal LossScaler? Scaler { get; }

    /// <summary>A factor that the driver knows the gradients of the step under way need.</summary>
    internal double GradientRescale { get; set; } = 1;

    /// <summary>The gradients' norm before clipping at the last update, where it was measured.</summary>
    internal double? LastGradientNorm { get; private set; }

    /// <summary>Called before each update.</summary>
    internal Action<RunOptimizer>? BeforeStep { get; set; }

    /// <summary>Called before gradients are dropped after an update.</summary>
    internal Action<RunOptimizer>? BeforeClear { get; set; }

    /// <summary>Clips in place of the run's own clipping.</summary>
    internal Action<RunOptimizer>? OwnClipping { get; set; }

    /// <summary>Drops the gradients in place of <see cref="ClearGradients"/>.</summary>
    internal Action<RunOptimizer>? OwnClearing { get; set; }

    /// <summary>Moves the rates on in place of <see cref="AdvanceSchedule"/>.</summary>
    internal Action<RunOptimizer>? OwnSchedule { get; set; }

    // The factor that gradients still need to be what the model means: short accumulation windows, the loss scale.
    double Unscale => _unscaled ? 1 : Scaler is null ? _rescale * GradientRescale : _rescale * GradientRescale / Scaler.Scale;

    /// <summary>One whole update: unscales, clips and updates in one pass, moves the schedule on, and drops the gradients.</summary>
    /// <param name="rescale">A factor the gradients still need, such as for a short accumulation window; 1 for none.</param>
    /// <returns>The gradients' norm before clipping, where it was measured.</returns>
    public double? Step(double rescale = 1.0)
    {
        Rescale(rescale);
        if (!Update())
        {
            Updater.ClearGradients();
            return LastGradientNorm;
        }
        BeforeClear?.Invoke(this);
        if (OwnClearing is { } clear) clear(this);
        else Updater.ClearGradients();
        if (OwnSchedule is { } advance) advance(this);
        else AdvanceSchedule();
        return LastGradientNorm;
    }

    /// <summary>One whole update of an optimizer that <see cref="EvaluatesLoss"/>: moves the weights, the schedule on, and drops the gradients.</summary>
    /// <param name="closure">Computes the loss at the weights as they are, runs backward and returns the loss: of several ranks each its own, of which the mean counts. Gradients are dropped before each call.</param>
    /// <returns>The loss before the update.</returns>
    /// <exception cref="InvalidOperationException">The optimizer needs one set of gradients only.</exception>
    public double Step(Func<double> closure)
    {
        if (_lbfgs is null) throw new InvalidOperationException($"{Algorithm.GetType().Name} updates by one set of gradients: run backward and call Step without a function.");
        BeforeStep?.Invoke(this);
        RememberRates();
        // Whatever is decided by a loss is decided alike on all ranks.
        var loss = _lbfgs.Step(() => _peers.Mean(closure()));
        BeforeClear?.Invoke(this);
        if (OwnClearing is { } clear) clear(this);
        else ClearGradients();
        if (OwnSchedule is { } advance) advance(this);
        else AdvanceSchedule();
        return loss;
    }

    /// <summary>The state, as a checkpoint keeps it: live tensors, borrowed.</summary>
    internal OptimizerState CaptureState() => _updater?.CaptureState() ?? _lbfgs!.CaptureState();

    /// <summary>Takes over a state.</summary>
    internal void LoadState(OptimizerState state)
    {
        if (_updater is not null) _updater.LoadState(state);
        else _lbfgs!.LoadState(state);
    }

    /// <summary>Puts the weights to evaluate in place of those in training, where the algorithm has others.</summary>
    internal void UseEvaluationWeights() => _updater?.UseEvaluationWeights();

    /// <summary>Puts the weights in training back.</summary>
    internal void UseTrainingWeights() => _updater?.UseTrainingWeights();

    /// <summary>Notes a factor that the gradients still need, such as for a short accumulation window: part of every norm and of the coming update, which it is folded into. Several multiply.</summary>
    public void Rescale(double factor) => _rescale *= factor;

    /// <summary>Reads the gradients once. <see cref="ClipGradients"/> and <see cref="Update"/> use what it found, so call it again after changing gradients by hand.</summary>
    /// <returns>Their norm as the model sees it (unscaled, not yet clipped); NaN or infinite when an element is.</returns>
    public double MeasureGradients()
    {
        _measured = Updater.MeasureGradients();
        return _measured.Value.Norm * Unscale;
    }

    /// <summary>Has the coming update clip its gradients this way instead of the run's. Of several calls before one update the tighter bound holds; a clip by norm comes before one by value.</summary>
    /// <param name="clip"><see cref="Clip.None"/> for no clipping at all.</param>
    /// <returns>The gradients' norm before clipping, where <paramref name="clip"/> is by norm or they had been measured.</returns>
    public double? ClipGradients(Clip clip)
    {
        var norm = clip.ByNorm && _measured is null ? MeasureGradients() : NormMeasured();
        _clipFactor = Math.Min(_clipFactor ?? 1, norm is { } known ? clip.ScaleFor(known) : 1);
        _elementLimit = Math.Min(_elementLimit, clip.ElementLimit);
        return norm;
    }

    /// <summary>Updates the parameters, with unscaling and clipping folded into the same pass over memory. The gradients stay.</summary>
    /// <returns>False when the loss scaler skipped the update, because a gradient element was not finite.</returns>
    public bool Update()
    {
        BeforeStep?.Invoke(this);
        if (_clipFactor is null) ClipByRunOrOverride();
        if (Scaler is not null && _measured is null) MeasureGradients();
        LastGradientNorm = NormMeasured();
        var factor = Unscale * _clipFactor!.Value;
        var limit = _elementLimit;
        var finite = _measured is not { IsFinite: false };
        ForgetDecisions();
        Scaler?.Update(overflow: !finite);
        // The update is skipped, and the schedule with it: it follows the updates done.
        if (Scaler is not null && !finite) return false;
        RememberRates();
        Updater.Step(factor, limit);
        return true;
    }

    /// <summary>
    /// Sets each group's rate (and momentum, where its schedule cycles it) for the coming update: base rate × the schedule's factor after <see cref="Updates"/> updates × the factors of
    /// adaptive schedules. Calling it twice changes nothing; not calling it holds the rates where they are until the next call.
    /// </summary>
    public void AdvanceSchedule()
    {
        var point = new SchedulePoint(Updates, _totalSteps, _stepsPerEpoch);
        var adapted = 1.0;
        foreach (var state in _adaptive) adapted *= state.Factor;
        for (var i = 0; i < _baseRates.Length; i++)
        {
            Groups[i].LearningRate = _baseRates[i] * _schedules[i].Factor(point) * adapted;
            if (_schedules[i].CyclesMomentum) Groups[i].Momentum = _schedules[i].Momentum(point);
        }
    }

    /// <summary>Drops the gradients, and what was decided about an update by them.</summary>
    public void ClearGradients()
    {
        if (_updater is not null) _updater.ClearGradients();
        else _lbfgs!.ClearGradients();
        ForgetDecisions();
    }

    /// <summary>
    /// Shows adaptive schedules (<see cref="ReduceOnPlateau"/>) what was newly measured, and sets the rates they answer with. The trainer calls it after each validation, with its results, and after
    /// each training epoch, with the epoch's values; a loop of your own does as it likes. A schedule whose metric is not among them passes over it.
    /// </summary>
    /// <param name="measured">New values by logged name.</param>
    /// <param name="complete">Whether everything that is ever logged has come at least once by now, so that a metric which never came is a mistake.</param>
    /// <exception cref="InvalidOptionsException"><paramref name="complete"/>, and a schedule's metric is logged by nothing.</exception>
    public void Observe(IEnumerable<KeyValuePair<string, double>> measured, bool complete = false)
    {
        ArgumentNullException.ThrowIfNull(measured);
        if (_adaptive.Length == 0) return;
        var values = new Dictionary<string, double>(measured, StringComparer.Ordinal);
        _seen.UnionWith(values.Keys);
        var faults = new List<OptionFault>();
        for (var i = 0; i < _adaptive.Length; i++)
        {
            if (values.TryGetValue(_adaptive[i].Metric, out var value))
            {
                _adaptive[i].Observe(value);
                _observed[i] = true;
            }
            else if (complete && !_observed[i])
            {
                faults.Add(new($"optimizer {Algorithm.GetType().Name} of {Module.GetName()}", $"its schedule watches {_adaptive[i].Metric}, which nothing logs; logged so far: {string.Join(", ", _seen.DefaultIfEmpty("nothing"))}"));
            }
        }
        InvalidOptionsException.ThrowIfAny(faults);
        AdvanceSchedule();
    }

    /// <summary>The rate a group had in the update done last; before the first of this process, the one it will have in that.</summary>
    internal double LastLearningRate(int group) => _usedRates[group];

    /// <summary>The momentum (β₁ of the Adam family) of a group in that update; null where the algorithm has none.</summary>
    internal double? LastMomentum(int group) => _usedMomenta[group];

    /// <summary>How many of its schedules remember something.</summary>
    internal int NumAdaptive => _adaptive.Length;

    /// <summary>What the adaptive schedules remember; all others remember nothing.</summary>
    internal JsonArray SaveSchedules() => [.. _adaptive.Select((state, i) => new JsonObject { ["observed"] = _observed[i], ["state"] = state.SaveState() })];

    /// <summary>Puts the schedules to where the optimizer's state is, after that was loaded.</summary>
    /// <param name="saved">As many as <see cref="NumAdaptive"/>.</param>
    internal void LoadSchedules(JsonArray saved)
    {
        for (var i = 0; i < _adaptive.Length; i++)
        {
            _observed[i] = (bool)saved[i]!["observed"]!;
            _adaptive[i].LoadState(saved[i]!["state"]!.AsObject());
        }
        AdvanceSchedule();
        RememberRates();
    }

    /// <summary>Frees the optimizer's state.</summary>
    public void Dispose()
    {
        _updater?.Dispose();
        _lbfgs?.Dispose();
    }

    void ClipByRunOrOverride()
    {
        if (OwnClipping is not { } clip)
        {
            ClipGradients(Clip);
            return;
        }
        // The override sees, and may change, the gradients as the model means them.
        UnscaleGradients();
        clip(this);
        _clipFactor ??= 1;
    }

    // The one place that writes gradients: remembered, so that the update does not do it again.
    void UnscaleGradients()
    {
        // Where ranks hold parts of them nobody sees any: the factor stays with the update.
        if (!_seesGradients) return;
        var factor = Unscale;
        _unscaled = true;
        _measured = null;
        if (factor == 1) return;
        using var none = no_grad();
        foreach (var (_, parameter) in Groups.SelectMany(g => g.Parameters))
        {
            using var gradient = parameter.grad;
            gradient?.mul_(factor);
        }
    }

    double? NormMeasured() => _measured is { } found ? found.Norm * Unscale : null;

    void RememberRates()
    {
        for (var i = 0; i < _usedRates.Length; i++) (_usedRates[i], _usedMomenta[i]) = (Groups[i].LearningRate, Groups[i].Momentum ?? Algorithm.CyclableMomentum);
    }

    void ForgetDecisions()
    {
        _rescale = GradientRescale = 1;
        _unscaled = false;
        _measured = null;
        _clipFactor = null;
        _elementLimit = double.PositiveInfinity;
    }
}
