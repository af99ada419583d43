using Raijin.Training;

namespace Raijin;

/// <summary>
/// Shows progress: on a terminal a live bar with speed, time left and the latest values, elsewhere plain lines, at least one each ten seconds; and a line that stays for each
/// epoch. It overrides no hook of the step: a thread of its own looks at the run's counters ten times a second.
/// </summary>
/// <remarks>
/// While the bar is live, what the program writes to the console appears above it. No colours are used where <c>NO_COLOR</c> is set. When
/// the run ends, fails or is interrupted, the bar is taken away and the lines stay.
/// </remarks>
public sealed class ProgressBar : Callback
{
    internal override bool IsDisplay => true;

    // More epochs than this, each over in no time, would scroll everything else away.
    const int EpochsShownEach = 100;
    static readonly TimeSpan QuietBetweenEpochs = TimeSpan.FromSeconds(1);

    ProgressView? _view;
    List<KeyValuePair<string, double>> _validated = [];
    TimeSpan _epochBegan;
    TimeSpan _lastLine;

    /// <summary>Whether lines are drawn over again.</summary>
    /// <value>Default null: where the output is a terminal that can.</value>
    public bool? Live { get; init; }

    /// <inheritdoc/>
    /// <remarks>Late: other callbacks' last words are still printed above the bar.</remarks>
    public override int Priority => 1000;

    /// <inheritdoc/>
    public override void OnFitStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _view = new ProgressView(run);
        _validated = [];
        _epochBegan = run.Elapsed;
        _lastLine = TimeSpan.MinValue;
        run.Display.Start(_view, Live);
        var opening = Opening(run);
        run.Display.Print(() => [new StyledLine().Add(opening, Tone.Quiet)]);
    }

    /// <inheritdoc/>
    public override void OnTrainEpochStart(TrainEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        _epochBegan = epoch.Run.Elapsed;
        _validated = [];
    }

    /// <inheritdoc/>
    public override void OnValidationEnd(EvalEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        if (epoch.Phase != EvalPhase.Validation || epoch.Run is not { } run || _view is not { } view) return;
        _validated = [.. epoch.Results];
        view.Validation = _validated;
        // At an epoch's end its own line has the results.
        if (run.Batch >= run.Plan.BatchesPerEpoch) return;
        var name = $"{view.EpochName(run.Epoch)}  step {ReadableText.Count(run.Step)}";
        var values = _validated;
        run.Display.Print(() => [ProgressView.Closing(name, values, null)]);
    }

    /// <inheritdoc/>
    public override void OnTrainEpochEnd(TrainEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        var run = epoch.Run;
        var now = run.Elapsed;
        var isLast = epoch.Index + 1 >= run.Plan.MaxEpochs;
        if (_view is not { } view || run.Plan.MaxEpochs is not <= EpochsShownEach && !isLast && _lastLine > TimeSpan.MinValue && now - _lastLine < QuietBetweenEpochs) return;
        _lastLine = now;
        var values = epoch.Logged.Concat(_validated).ToList();
        var took = now - _epochBegan;
        run.Display.Print(() => [ProgressView.Closing(view.EpochName(epoch.Index), values, took)]);
    }

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        run.Display.Stop();
    }

    /// <summary>What is about to happen: <c>DigitClassifier on cpu, float32 · 10 epochs × 23 steps · runs/3</c>; with several ranks also how many, what moves
    /// the bytes between them, and the strategy.</summary>
    static string Opening(TrainingRun run)
    {
        var plan = run.Plan;
        var steps = plan.StepsPerEpoch is { } perEpoch ? $"{ReadableText.Count(perEpoch)} {(perEpoch == 1 ? "step" : "steps")}" : "a stream";
        var length = plan.MaxEpochs is { } epochs ? $"{ReadableText.Count(epochs)} {(epochs == 1 ? "epoch" : "epochs")} × {steps}" : $"epochs of {steps}";
        if (plan.Options.MaxSteps is { } maxSteps) length += $", at most {ReadableText.Count(maxSteps)} steps";
        if (plan.Options.MaxTime is { } maxTime) length += $", at most {ReadableText.Duration(maxTime)}";
        var parts = new List<string> { $"{run.Module.GetName()} on {plan.Device}, {plan.Options.Precision}", length };
        if (run.Peers.World is { Size: > 1 } world) parts.Insert(1, $"{ReadableText.Count(world.Size)} ranks over {world.Group.Transport}, {plan.Options.Strategy ?? Zero.Stage0}");
        if (run.Step > 0) parts.Add($"resumed after step {ReadableText.Count(run.Step)}");
        if (plan.Directory is { } folder)
        {
            var below = Path.GetRelativePath(Environment.CurrentDirectory, folder);
            parts.Add(below.StartsWith("..", StringComparison.Ordinal) ? folder : below);
        }
        return string.Join(" · ", parts);
    }

    /// <inheritdoc/>
    public override void OnException(TrainingRun? run, Exception error)
    {
        if (run is null || _view is null) return;
        var where = $"{_view.EpochName(run.Epoch)}  failed at step {ReadableText.Count(run.Step)}";
        run.Display.Print(() => [new StyledLine().Add(where, Tone.Bad)]);
        run.Display.Stop();
    }
}
