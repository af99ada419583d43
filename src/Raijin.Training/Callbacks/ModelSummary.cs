using Raijin.Training;

namespace Raijin;

/// <summary>
/// Prints the model's layers with the shapes of the first training batch, their parameters and FLOPs. The shapes are seen by forward hooks that are taken off
/// after that batch.
/// </summary>
public sealed class ModelSummary : Callback
{
    internal override bool IsDisplay => true;

    readonly int _maxDepth = 3;
    readonly int _maxRows = 40;
    ModelInspection? _inspection;
    bool _done;

    /// <summary>How many levels of nested modules are shown, at most.</summary>
    /// <value>Default 3; 1 and more.</value>
    public int MaxDepth
    {
        get => _maxDepth;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            _maxDepth = value;
        }
    }

    /// <summary>How many rows are shown, at most: a larger model is shown with fewer levels, and if that is not enough without its middle.</summary>
    /// <value>Default 40; 3 and more.</value>
    public int MaxRows
    {
        get => _maxRows;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 3);
            _maxRows = value;
        }
    }

    /// <inheritdoc/>
    public override void OnFitStart(TrainingRun run) => _done = false;

    /// <inheritdoc/>
    public override void OnTrainBatchStart(TrainStep step)
    {
        if (_done) return;
        ArgumentNullException.ThrowIfNull(step);
        _inspection = ModelInspection.Of(step.Run.Module);
    }

    /// <inheritdoc/>
    public override void OnTrainBatchEnd(TrainStep step)
    {
        if (_done) return;
        ArgumentNullException.ThrowIfNull(step);
        var facts = _inspection!.Read();
        RemoveHooks();
        var samples = step.Samples;
        step.Run.Display.Print(() => SummaryTable.Lines(facts, samples, MaxDepth, MaxRows));
    }

    /// <inheritdoc/>
    public override void OnException(TrainingRun? run, Exception error) => RemoveHooks();

    void RemoveHooks()
    {
        _done = true;
        _inspection?.Dispose();
        _inspection = null;
    }
}
