using System.Globalization;
using Raijin.Charts;

namespace Raijin;

/// <summary>What a <see cref="LearningRateFinder"/> saw.</summary>
public sealed record FoundLearningRate
{
    // The first losses are noise, the last one is where it broke: Lightning leaves out as many.
    const int SkipFirst = 10;
    const int SkipLast = 1;

    /// <summary>The rates tried, in rising order.</summary>
    public required IReadOnlyList<double> Rates { get; init; }

    /// <summary>The smoothed loss after the step at each rate.</summary>
    public required IReadOnlyList<double> Losses { get; init; }

    /// <summary>Why the sweep ended.</summary>
    public required string StopReason { get; init; }

    /// <summary>The rate where the smoothed loss falls most from one step to the next; null where too few steps were done, or it never falls.</summary>
    public double? Suggestion
    {
        get
        {
            var (best, steepest) = (-1, 0.0);
            // Central differences, as NumPy's gradient: one-sided at the ends.
            for (var i = SkipFirst; i < Losses.Count - SkipLast; i++)
            {
                var slope = i == SkipFirst ? Losses[i + 1] - Losses[i]
                    : i == Losses.Count - SkipLast - 1 ? Losses[i] - Losses[i - 1]
                    : (Losses[i + 1] - Losses[i - 1]) / 2;
                if (double.IsFinite(slope) && slope < steepest) (best, steepest) = (i, slope);
            }
            return best < 0 ? null : Rates[best];
        }
    }

    /// <summary>The loss over the rate, with the suggestion marked.</summary>
    public LineChart Chart()
    {
        var chart = new LineChart
        {
            Title = "learning rate finder",
            XLabel = "learning rate",
            YLabel = "loss (smoothed)",
            XScale = AxisScale.Log,
            Curves = [new Curve("", Rates, Losses)],
        };
        if (Suggestion is not { } rate) return chart;
        var at = Rates.Index().First(r => r.Item == rate).Index;
        return chart with { Marks = [new Mark(rate, Losses[at], string.Create(CultureInfo.InvariantCulture, $"{rate:G3}"))] };
    }

    /// <summary>What was found, in a line.</summary>
    public override string ToString() => Suggestion is { } rate
        ? string.Create(CultureInfo.InvariantCulture, $"suggested learning rate {rate:G3} ({Rates.Count} steps from {Rates[0]:G3} to {Rates[^1]:G3}: {StopReason})")
        : $"no suggestion: the loss never falls ({StopReason})";
}
