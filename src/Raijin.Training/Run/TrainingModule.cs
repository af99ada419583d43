using Raijin.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>
/// A model with its training: the step, the loss, the optimizers. Write the steps; the <see cref="Trainer"/> owns the loop.
/// </summary>
/// <remarks>
/// Fields that hold modules, parameters, buffers and metrics are found by themselves; nothing is registered by hand. Tensors made in a step are
/// freed when it ends: what must outlive it goes to <c>step.Keep</c>. A hook that nobody overrides costs nothing: they are resolved once, at <c>Fit</c>.
/// </remarks>
/// <typeparam name="TBatch">What a step is given.</typeparam>
public abstract partial class TrainingModule<TBatch> : Module, IRunHooks where TBatch : IBatch<TBatch>
{
    /// <summary>Makes the module.</summary>
    protected TrainingModule() : base("") { }

    /// <summary>Whether nothing was seeded when it was made, so that its first weights are other ones in each run.</summary>
    internal bool IsUnseeded { get; } = !Seed.IsSet;

    /// <summary>The optimizers and their schedules. Called once, when a fit starts, after the weights have their device and dtype.</summary>
    protected abstract OptimizerSetup ConfigureOptimizers();

    /// <summary>One forward pass: returns the loss, a scalar with a gradient. Override this, or <see cref="ManualStep"/>.</summary>
    /// <param name="batch">A microbatch, on the run's device; freed with the step.</param>
    /// <param name="step">Where the run is, logging, and keeping.</param>
    /// <returns>The loss. Null: the microbatch is passed over, without a backward pass; a step of which all are is no step.</returns>
    protected virtual Tensor? TrainingStep(TBatch batch, TrainStep step) => throw new NotImplementedException($"{GetType().Name} overrides neither TrainingStep nor ManualStep.");

    /// <summary>One step under your own order of backward passes and updates: several optimizers, several losses. Overriding it turns <see cref="TrainingStep"/> off.</summary>
    protected virtual void ManualStep(TBatch batch, ManualStep step) => throw new NotImplementedException($"{GetType().Name} does not override ManualStep.");

    /// <summary>One batch of validation: update metrics, log. No gradients are recorded.</summary>
    protected virtual void ValidationStep(TBatch batch, EvalStep step) { }

    /// <summary>One batch of testing. By default the same as <see cref="ValidationStep"/>, under keys <c>test/…</c> if the step names its own.</summary>
    protected virtual void TestStep(TBatch batch, EvalStep step) => ValidationStep(batch, step);

    /// <summary>The model's answer to one batch, for <c>Trainer.Predict</c>.</summary>
    protected virtual Tensor PredictStep(TBatch batch, EvalStep step) => throw new NotImplementedException($"{GetType().Name} does not override PredictStep.");

    internal OptimizerSetup Configure() => ConfigureOptimizers();

    internal Tensor? Train(TBatch batch, TrainStep step) => TrainingStep(batch, step);

    internal void TrainManually(TBatch batch, ManualStep step) => ManualStep(batch, step);

    internal void Evaluate(TBatch batch, EvalStep step)
    {
        if (step.Phase == EvalPhase.Test) TestStep(batch, step);
        else ValidationStep(batch, step);
    }

    internal Tensor Predict(TBatch batch, EvalStep step) => PredictStep(batch, step);

    internal bool IsManual => HookTable.IsOverridden(ManualStep);

    internal bool IsAutomatic => HookTable.IsOverridden(TrainingStep);

    internal bool Validates => HookTable.IsOverridden(ValidationStep);

    internal bool HasTestStep => HookTable.IsOverridden(TestStep);

    internal bool Tests => Validates || HasTestStep;

    /// <summary>Finds the fields that hold modules, parameters and buffers. Done by itself before anything looks at them.</summary>
    internal void EnsureRegistered() => RegisterComponents();

    /// <summary>The metrics this module holds in fields, by field name, those of its base classes included.</summary>
    internal IEnumerable<(string Name, Metric Metric)> Metrics() => ModuleMetrics.Of(this);

    /// <summary>Frees the parameters, and the metrics held in fields.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            EnsureRegistered();
            foreach (var (_, metric) in Metrics()) metric.Dispose();
        }
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    public override string GetName() => GetType().Name;

    // A derived constructor may still be filling fields when the base one runs, so registration waits for the first look.

    /// <inheritdoc/>
    public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
    {
        EnsureRegistered();
        return base.named_parameters(recurse);
    }

    /// <inheritdoc/>
    public override IEnumerable<Parameter> parameters(bool recurse = true)
    {
        EnsureRegistered();
        return base.parameters(recurse);
    }

    /// <inheritdoc/>
    public override IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
    {
        EnsureRegistered();
        return base.named_buffers(recurse, include_nonpersistent);
    }

    /// <inheritdoc/>
    public override IEnumerable<(string name, Module module)> named_children()
    {
        EnsureRegistered();
        return base.named_children();
    }

    /// <inheritdoc/>
    public override IEnumerable<(string name, Module module)> named_modules()
    {
        EnsureRegistered();
        return base.named_modules();
    }

    /// <inheritdoc/>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
    {
        EnsureRegistered();
        return base.state_dict(destination, prefix);
    }
}
