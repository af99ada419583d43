namespace Raijin.Training;

/// <summary>The callbacks of a run: those given, those the module brings, and those the options ask for.</summary>
static class RunCallbacks
{
    /// <param name="shows">Whether this rank prints for all.</param>
    /// <exception cref="InvalidOptionsException">Two would share a state key, or one's own settings can't be.</exception>
    public static IReadOnlyList<Callback> For(RunStage stage, TrainerOptions options, IReadOnlyList<Callback> ofModule, bool shows)
    {
        var own = ofModule.Select(c => c.GetType()).ToHashSet();
        List<Callback> callbacks = [.. options.Callbacks.Where(c => !own.Contains(c.GetType())), .. ofModule];
        if (stage == RunStage.Fit)
        {
            if (options.FastDevRun > 0) callbacks.RemoveAll(c => c is ModelCheckpoint);
            else if (options.Checkpoints && !callbacks.OfType<ModelCheckpoint>().Any()) callbacks.Add(new ModelCheckpoint());
            if (options.Summary && !callbacks.OfType<ModelSummary>().Any()) callbacks.Add(new ModelSummary());
            if (options.Progress && !callbacks.OfType<ProgressBar>().Any()) callbacks.Add(new ProgressBar());
        }
        if (!shows) callbacks.RemoveAll(c => c.IsDisplay);

        var faults = callbacks.SelectMany(c => c.Faults()).ToList();
        foreach (var twins in callbacks.GroupBy(c => c.StateKey).Where(g => g.Count() > 1))
            faults.Add(new("trainer.callbacks", $"{twins.Count()} of them keep their state under {twins.Key}: give each its own StateKey"));
        InvalidOptionsException.ThrowIfAny(faults);
        return callbacks;
    }
}
