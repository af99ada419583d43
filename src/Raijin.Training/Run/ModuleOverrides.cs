using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>The parts of a run that a module does its own way; null where it does not. Resolved once.</summary>
sealed record ModuleOverrides<TBatch> where TBatch : IBatch<TBatch>
{
    public Func<TBatch, TBatch>? BeforeTransfer { get; init; }
    public Func<TBatch, Device, TBatch>? Transfer { get; init; }
    public Func<TBatch, TBatch>? AfterTransfer { get; init; }
    public Action<TrainStep, Tensor>? Backward { get; init; }
    public Action<TrainStep, RunOptimizer>? OptimizerStep { get; init; }
    public Action<TrainStep, RunOptimizer>? ClipGradients { get; init; }
    public Action<TrainStep, RunOptimizer>? ZeroGradients { get; init; }
    public Action<TrainStep, RunOptimizer>? ScheduleStep { get; init; }

    /// <summary>The same with a data module's ways with batches, which win over the module's.</summary>
    public ModuleOverrides<TBatch> With(DataModule<TBatch> data) => this with
    {
        BeforeTransfer = HookTable.IsOverridden(data.BeforeTransfer) ? data.BeforeTransfer : BeforeTransfer,
        AfterTransfer = HookTable.IsOverridden(data.AfterTransfer) ? data.AfterTransfer : AfterTransfer,
    };
}
