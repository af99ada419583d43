using System.Text.Json.Nodes;
using static Raijin.Training.ScheduleGuard;

namespace Raijin;

/// <summary>
/// Multiplies all rates of an optimizer by <see cref="ReductionFactor"/> when a metric has stopped improving. PyTorch's <c>ReduceLROnPlateau</c>, counter for counter; a metric of the
/// validation is looked at after each validation, one of the training at each epoch's end.
/// </summary>
public sealed record ReduceOnPlateau : AdaptiveSchedule
{
    double _reductionFactor = 0.1;
    int _patience = 10;
    double _threshold = 1e-4;
    int _cooldown;
    double _minimum;
    double _smallestChange = 1e-8;

    /// <summary>Watches a metric.</summary>
    /// <param name="monitor">The metric, and which way is better (<c>mode</c>): <c>Best.Min("val/loss")</c>.</param>
    public ReduceOnPlateau(Best monitor)
    {
        ArgumentNullException.ThrowIfNull(monitor);
        Monitor = monitor;
    }

    /// <summary>The metric, and which way is better.</summary>
    public Best Monitor { get; }

    /// <summary>What the rates are multiplied by.</summary>
    /// <value>Above 0 and below 1. Default 0.1. PyTorch's <c>factor</c>.</value>
    public double ReductionFactor
    {
        get => _reductionFactor;
        init => _reductionFactor = value > 0 && value < 1
            ? value
            : throw new ArgumentOutOfRangeException(nameof(ReductionFactor), value, "ReductionFactor must be above 0 and below 1.");
    }

    /// <summary>Observations in a row without improvement that are borne; the next one reduces the rates.</summary>
    /// <value>Default 10.</value>
    public int Patience
    {
        get => _patience;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _patience = value;
        }
    }

    /// <summary>By how much a value must beat the best one to count as an improvement.</summary>
    /// <value>Default 1e-4.</value>
    public double Threshold
    {
        get => _threshold;
        init
        {
            ThrowIfNegative(value);
            _threshold = value;
        }
    }

    /// <summary>Whether <see cref="Threshold"/> is an amount (<c>abs</c>) and not a share of the best value (<c>rel</c>).</summary>
    /// <value>Default false.</value>
    public bool ThresholdIsAbsolute { get; init; }

    /// <summary>Observations after a reduction in which nothing is counted.</summary>
    /// <value>Default 0.</value>
    public int Cooldown
    {
        get => _cooldown;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _cooldown = value;
        }
    }

    /// <summary>The rates are never brought below this share of the base rates.</summary>
    /// <value>Default 0. PyTorch's <c>min_lr</c> divided by the base rate.</value>
    public double Minimum
    {
        get => _minimum;
        init
        {
            ThrowIfNotShare(value);
            _minimum = value;
        }
    }

    /// <summary>A reduction by no more than this share of the base rates is not made.</summary>
    /// <value>Default 1e-8. PyTorch's <c>eps</c> divided by the base rate.</value>
    public double SmallestChange
    {
        get => _smallestChange;
        init
        {
            ThrowIfNegative(value);
            _smallestChange = value;
        }
    }

    /// <inheritdoc/>
    public override AdaptiveState Start() => new State(this);

    bool IsBetter(double value, double best) => (Monitor.HigherIsBetter, ThresholdIsAbsolute) switch
    {
        (false, false) => value < best * (1 - Threshold),
        (false, true) => value < best - Threshold,
        (true, false) => value > best * (1 + Threshold),
        (true, true) => value > best + Threshold,
    };

    sealed class State(ReduceOnPlateau settings) : AdaptiveState
    {
        double _best = settings.Monitor.HigherIsBetter ? double.NegativeInfinity : double.PositiveInfinity;
        int _withoutGain;
        int _cooling;

        public override string Metric => settings.Monitor.Metric;

        public override void Observe(double value)
        {
            if (settings.IsBetter(value, _best))
            {
                _best = value;
                _withoutGain = 0;
            }
            else
            {
                _withoutGain++;
            }
            if (_cooling > 0)
            {
                _cooling--;
                _withoutGain = 0;
            }
            if (_withoutGain <= settings.Patience) return;
            var reduced = Math.Max(Factor * settings.ReductionFactor, settings.Minimum);
            if (Factor - reduced > settings.SmallestChange) Factor = reduced;
            _cooling = settings.Cooldown;
            _withoutGain = 0;
        }

        public override JsonObject SaveState() => new()
        {
            // Bits, not digits: infinity is a value too.
            ["factor"] = BitConverter.DoubleToInt64Bits(Factor),
            ["best"] = BitConverter.DoubleToInt64Bits(_best),
            ["withoutGain"] = _withoutGain,
            ["cooling"] = _cooling,
        };

        public override void LoadState(JsonObject state)
        {
            ArgumentNullException.ThrowIfNull(state);
            Factor = BitConverter.Int64BitsToDouble((long)state["factor"]!);
            _best = BitConverter.Int64BitsToDouble((long)state["best"]!);
            _withoutGain = (int)state["withoutGain"]!;
            _cooling = (int)state["cooling"]!;
        }
    }
}
