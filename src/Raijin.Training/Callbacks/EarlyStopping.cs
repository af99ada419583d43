using System.Globalization;
using System.Text.Json.Nodes;

namespace Raijin;

/// <summary>
/// Stops training when a metric has not improved for a while, is good enough, diverges, or is not a number. A metric of the validation is looked at
/// after each validation, one of the training at each epoch's end.
/// </summary>
/// <remarks>A run that had decided to stop stops again at once when it is resumed, unless the rule is another one now, such as more patience.</remarks>
public sealed class EarlyStopping : Callback
{
    readonly Best _monitor;
    readonly int _patience;
    readonly double _minDelta;
    double? _best;
    int _checksWithoutGain;
    string? _decision;
    bool _isOfValidation;
    bool _validated;

    /// <summary>Watches a metric that is the better the smaller it is, such as a loss. For the other way give <c>Best.Max("val/accuracy")</c>.</summary>
    /// <param name="metric">The logged name, such as <c>val/loss</c>.</param>
    /// <param name="patience">Checks in a row without improvement after which training stops; 1 and more.</param>
    public EarlyStopping(string metric, int patience = 3) : this(Best.Min(metric), patience) { }

    /// <summary>Watches a metric.</summary>
    /// <param name="monitor">The metric, and which way is better.</param>
    /// <param name="patience">Checks in a row without improvement after which training stops; 1 and more.</param>
    public EarlyStopping(Best monitor, int patience = 3)
    {
        ArgumentNullException.ThrowIfNull(monitor);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(patience);
        _monitor = monitor;
        _patience = patience;
    }

    /// <summary>By how much a value must beat the best one to count as an improvement.</summary>
    /// <value>Default 0. Lightning's <c>min_delta</c>.</value>
    public double MinDelta
    {
        get => _minDelta;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _minDelta = value;
        }
    }

    /// <summary>Whether a value that is NaN or infinite stops training.</summary>
    /// <value>Default true. Where false, NaN counts as no improvement.</value>
    public bool CheckFinite { get; init; } = true;

    /// <summary>A value that is good enough: reaching it stops training.</summary>
    /// <value>Default null: none is.</value>
    public double? StoppingThreshold { get; init; }

    /// <summary>A value so bad that going on is pointless: being worse than it stops training.</summary>
    /// <value>Default null: none is.</value>
    public double? DivergenceThreshold { get; init; }

    /// <inheritdoc/>
    /// <remarks>After the module, which may log what is monitored, and before checkpoints.</remarks>
    public override int Priority => 90;

    /// <inheritdoc/>
    public override string StateKey => $"{nameof(EarlyStopping)}({_monitor})";

    string Rule => string.Create(CultureInfo.InvariantCulture, $"{_monitor}, patience {_patience}, delta {MinDelta:R}, finite {CheckFinite}, enough {StoppingThreshold:R}, diverged {DivergenceThreshold:R}");

    /// <inheritdoc/>
    public override JsonObject SaveState() => new()
    {
        // Bits, not digits: infinity is a value too.
        ["best"] = _best is { } best ? BitConverter.DoubleToInt64Bits(best) : null,
        ["checksWithoutGain"] = _checksWithoutGain,
        ["isOfValidation"] = _isOfValidation,
        ["decision"] = _decision,
        ["rule"] = Rule,
    };

    /// <inheritdoc/>
    public override void LoadState(JsonObject state)
    {
        ArgumentNullException.ThrowIfNull(state);
        _best = (long?)state["best"] is { } bits ? BitConverter.Int64BitsToDouble(bits) : null;
        _checksWithoutGain = (int)state["checksWithoutGain"]!;
        _isOfValidation = (bool)state["isOfValidation"]!;
        _decision = (string?)state["rule"] == Rule ? (string?)state["decision"] : null;
    }

    /// <inheritdoc/>
    public override void OnFitStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (_decision is not null) run.RequestStop(_decision);
    }

    /// <inheritdoc/>
    public override void OnValidationEnd(EvalEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        // The validation that a run's end adds is no check: a run that is made longer has never had it.
        if (epoch.Phase != EvalPhase.Validation || epoch.IsExtra || epoch.Run is not { } run) return;
        _validated = true;
        foreach (var (key, value) in epoch.Results)
        {
            if (key != _monitor.Metric) continue;
            _isOfValidation = true;
            Check(run, value);
        }
    }

    /// <inheritdoc/>
    public override void OnTrainEpochEnd(TrainEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        if (_isOfValidation) return;
        if (epoch.Metrics.TryGetValue(_monitor.Metric, out var value)) Check(epoch.Run, value);
        // Before the first validation nobody can know that it does not log it.
        else if (_validated || !epoch.Run.Plan.Validates) ThrowUnknown(epoch.Metrics.Keys);
    }

    void Check(TrainingRun run, double value)
    {
        _decision ??= Judge(value);
        if (_decision is not null) run.RequestStop(_decision);
    }

    /// <summary>Takes a value in.</summary>
    /// <returns>Why to stop; null to go on.</returns>
    internal string? Judge(double value)
    {
        if (CheckFinite && !double.IsFinite(value)) return Text($"{_monitor.Metric} = {value} is not finite");
        if (StoppingThreshold is { } enough && !double.IsNaN(value) && !_monitor.IsBetter(enough, value)) return Text($"{_monitor.Metric} = {value:G6} reached {enough:G6}");
        if (DivergenceThreshold is { } limit && _monitor.IsBetter(limit, value)) return Text($"{_monitor.Metric} = {value:G6} is worse than {limit:G6}: it diverges");
        if (_monitor.IsBetter(value, _best, MinDelta))
        {
            _best = value;
            _checksWithoutGain = 0;
            return null;
        }
        _checksWithoutGain++;
        return _checksWithoutGain < _patience ? null
            : _best is { } best ? Text($"{_monitor.Metric} has not improved on {best:G6} for {_checksWithoutGain} checks")
            : Text($"{_monitor.Metric} was NaN for {_checksWithoutGain} checks");

        static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
    }

    void ThrowUnknown(IEnumerable<string> known) =>
        throw new InvalidOptionsException([new("earlyStopping.metric", $"= {_monitor.Metric}, which nothing logs; logged so far: {string.Join(", ", known.Order(StringComparer.Ordinal).DefaultIfEmpty("nothing"))}")]);
}
