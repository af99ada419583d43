using System.IO.Enumeration;
using Raijin.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>
/// Trains a part of the model with a rate of its own that depends on the epoch, and freezes it where that is zero: no gradient, no update, and its norms keep their statistics. Derive from
/// it to say when.
/// </summary>
/// <remarks>
/// The part's parameters are a group of the optimizer from the start, so nothing is added to it on the way; what has no gradient costs it nothing. Since the rate is a pure function of the epoch,
/// resuming needs no state. Lightning's <c>BaseFinetuning</c>.
/// </remarks>
public abstract class BaseFinetuning : Callback
{
    readonly string[] _patterns;
    readonly List<Tensor> _parameters = [];
    readonly List<Module> _norms = [];
    bool? _frozen;

    /// <summary>Chooses the part.</summary>
    /// <param name="patterns">Names of its parameters, with <c>*</c> and <c>?</c>: <c>backbone.*</c>.</param>
    protected BaseFinetuning(params string[] patterns)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        if (patterns.Length == 0 || patterns.Any(string.IsNullOrWhiteSpace)) throw new ArgumentException("Give at least one name pattern, such as \"backbone.*\"; none may be empty.", nameof(patterns));
        _patterns = patterns;
    }

    /// <summary>Whether the part's batch norms go on to take in statistics while it is frozen.</summary>
    /// <value>Default false. Lightning's <c>train_bn</c>.</value>
    public bool TrainNorms { get; init; }

    /// <summary>The part's learning rate in an epoch as a share of the others'; 0 freezes it.</summary>
    /// <param name="epoch">The epoch; the first is 0.</param>
    protected abstract double RateShare(long epoch);

    internal override OptimizerSetup Amend(OptimizerSetup setup, RunPlan plan) => new([.. setup.Requests.Select(r => r with
    {
        Rules = [new GroupRule("finetuned", _patterns, 1, null, new ShareOfRate(r.Schedule, RateShare)), .. r.Rules],
    })]);

    /// <inheritdoc/>
    public override void OnFitStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _parameters.Clear();
        _norms.Clear();
        _frozen = null;
        _parameters.AddRange(run.Module.named_parameters().Where(p => Matches(p.name)).Select(p => (Tensor)p.parameter));
        _norms.AddRange(run.Module.named_modules().Where(m => m.module.GetType().Name.StartsWith("BatchNorm", StringComparison.Ordinal) && Matches(m.name + ".weight")).Select(m => m.module));
        if (_parameters.Count == 0)
            InvalidOptionsException.ThrowIfAny([new("finetuning", $"chooses nothing: no parameter of {run.Module.GetName()} matches {string.Join(", ", _patterns)}")]);
        // A run resumed in the middle of an epoch meets no epoch's start.
        Freeze(RateShare(run.Epoch) == 0);
    }

    /// <inheritdoc/>
    public override void OnTrainEpochStart(TrainEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        Freeze(RateShare(epoch.Index) == 0);
    }

    /// <inheritdoc/>
    public override void OnTeardown(RunSetup setup)
    {
        if (_frozen == true) Freeze(false);
        _parameters.Clear();
        _norms.Clear();
    }

    void Freeze(bool frozen)
    {
        if (_frozen == frozen) return;
        _frozen = frozen;
        foreach (var parameter in _parameters) parameter.requires_grad = !frozen;
        if (TrainNorms) return;
        foreach (var norm in _norms) norm.train(!frozen);
    }

    bool Matches(string name) => _patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: true));

    sealed record ShareOfRate(LearningRateSchedule Rest, Func<long, double> Share) : LearningRateSchedule
    {
        public override bool NeedsTotalSteps => Rest.NeedsTotalSteps;

        public override bool NeedsStepsPerEpoch => true;

        public override bool CyclesMomentum => Rest.CyclesMomentum;

        public override double Factor(SchedulePoint point) => Rest.Factor(point) * Share(point.Step / point.StepsPerEpoch!.Value);

        public override double? Momentum(SchedulePoint point) => Rest.Momentum(point);
    }
}
