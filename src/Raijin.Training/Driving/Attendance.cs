using Raijin.Metrics;

namespace Raijin.Training;

/// <summary>
/// A forward pass of a rank that has no batch left, where the others' passes gather parameters from all: on a batch of the first rank's share, heard by no hook, logged
/// nowhere and counted by no metric.
/// </summary>
sealed class Attendance<TBatch>(Fabric fabric, TrainingModule<TBatch> module, BatchPlacement<TBatch> placement, TrainingRun? run, TensorScope scope) where TBatch : IBatch<TBatch>
{
    /// <param name="whole">The loader that all ranks share.</param>
    /// <param name="phase">What the others run.</param>
    public void Attend(DataLoader<TBatch> whole, EvalPhase phase)
    {
        using var reader = whole.Shard(0, fabric.WorldSize).Open(0);
        if (!reader.MoveNext()) return;
        var batch = placement.Place(reader.Current);
        // As a sanity check's: nothing is shown.
        var step = new EvalStep(EvalPhase.Sanity, run, scope) { Samples = batch.Count };
        var kept = module.Metrics().SelectMany(m => m.Metric.Parts()).Select(part => part.States).Distinct(ReferenceEqualityComparer.Instance).Cast<MetricStates>()
            .Select(states => (States: states, states.Updates, Values: states.ToDictionary(s => s.Name, s => s.Value.clone()))).ToList();
        using (fabric.Forward())
        {
            if (phase == EvalPhase.Predict) module.Predict(batch, step);
            else module.Evaluate(batch, step);
        }
        foreach (var (states, updates, values) in kept)
            if (states.Updates != updates) states.Load(values, updates);
        step.Published.Clear();
        scope.Free();
    }
}
