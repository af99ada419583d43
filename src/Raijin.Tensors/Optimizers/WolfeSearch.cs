namespace Raijin.Tensors;

/// <summary>
/// Finds a step along a direction that satisfies the strong Wolfe conditions (Nocedal and Wright 2006, algorithms 3.5 and 3.6): the bracket grows by cubic extrapolation until it holds such a step, and shrinks by
/// cubic interpolation until one is found. Decisions and constants are those of <c>torch.optim.LBFGS</c>.
/// </summary>
/// <param name="evaluate">Loss and slope at a step; keeps the gradient there under the index it is given.</param>
/// <param name="start">Loss and slope at step 0.</param>
/// <param name="largestComponent">Of the direction.</param>
/// <param name="tolerance">Of the change of the parameters.</param>
sealed class WolfeSearch(Func<double, int, WolfeSearch.Point> evaluate, WolfeSearch.Point start, double largestComponent, double tolerance)
{
    const double SufficientDecrease = 1e-4;
    const double Curvature = 0.9;
    const int MaxTrials = 25;

    int _trials;

    /// <summary>A step tried: its length, loss and slope, and the index under which its gradient is kept.</summary>
    public readonly record struct Point(double Step, double Loss, double Slope, int Gradient);

    /// <summary>How many gradients are kept at once.</summary>
    public const int Gradients = 3;

    public int Evaluations { get; private set; }

    /// <summary>The best step found, beginning with <paramref name="first"/>.</summary>
    public Point Find(double first)
    {
        var previous = start;
        var trial = Evaluate(first, previous);
        for (; _trials < MaxTrials; _trials++)
        {
            if (DecreasesTooLittle(trial) || (_trials > 1 && trial.Loss >= previous.Loss) || IsFlat(trial) || trial.Slope >= 0) break;
            var next = Cubic(previous, trial, trial.Step + (0.01 * (trial.Step - previous.Step)), trial.Step * 10);
            previous = trial;
            trial = Evaluate(next, previous);
        }

        if (_trials == MaxTrials) return Lower(start, trial);
        // A trial that decreases enough and is flat is the step; whatever else stopped the loop closes a bracket.
        var accepted = !DecreasesTooLittle(trial) && !(_trials > 1 && trial.Loss >= previous.Loss) && IsFlat(trial);
        return accepted ? trial : Zoom(previous, trial);
    }

    Point Zoom(Point a, Point b)
    {
        var (low, high) = a.Loss <= b.Loss ? (a, b) : (b, a);
        var slow = false;
        while (_trials < MaxTrials && Math.Abs(b.Step - a.Step) * largestComponent >= tolerance)
        {
            var (least, most) = (Math.Min(low.Step, high.Step), Math.Max(low.Step, high.Step));
            var step = Cubic(low.Step <= high.Step ? low : high, low.Step <= high.Step ? high : low, least, most);
            // Twice in a row near an end of the bracket: move a tenth of it inside.
            var margin = 0.1 * (most - least);
            var near = Math.Min(most - step, step - least) < margin;
            if (near && (slow || step >= most || step <= least))
            {
                step = Math.Abs(step - most) < Math.Abs(step - least) ? most - margin : least + margin;
                near = false;
            }

            slow = near;
            var trial = Evaluate(step, low, high);
            _trials++;
            if (DecreasesTooLittle(trial) || trial.Loss >= low.Loss)
            {
                (low, high) = low.Loss <= trial.Loss ? (low, trial) : (trial, low);
            }
            else
            {
                if (IsFlat(trial)) return trial;
                if (trial.Slope * (high.Step - low.Step) >= 0) high = low;
                low = trial;
            }

            (a, b) = (low, high);
        }

        return low;
    }

    Point Evaluate(double step, params ReadOnlySpan<Point> keep)
    {
        Evaluations++;
        var free = 0;
        while (Holds(keep, free)) free++;
        return evaluate(step, free);
    }

    static bool Holds(ReadOnlySpan<Point> points, int gradient)
    {
        foreach (var point in points)
            if (point.Gradient == gradient) return true;
        return false;
    }

    bool DecreasesTooLittle(Point point) => point.Loss > start.Loss + (SufficientDecrease * point.Step * start.Slope);

    bool IsFlat(Point point) => Math.Abs(point.Slope) <= -Curvature * start.Slope;

    static Point Lower(Point a, Point b) => a.Loss <= b.Loss ? a : b;

    // The minimum of the cubic through two points and slopes, inside the bounds; their middle when it has none.
    static double Cubic(Point a, Point b, double least, double most)
    {
        var bend = a.Slope + b.Slope - (3 * (a.Loss - b.Loss) / (a.Step - b.Step));
        var square = (bend * bend) - (a.Slope * b.Slope);
        if (!(square >= 0)) return (least + most) / 2;
        var root = Math.Sqrt(square);
        var minimum = b.Step - ((b.Step - a.Step) * ((b.Slope + root - bend) / (b.Slope - a.Slope + (2 * root))));
        return Math.Min(Math.Max(minimum, least), most);
    }
}
