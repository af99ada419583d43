namespace Raijin;

public abstract partial class Metric
{
    /// <summary>The sum of two metrics' numbers.</summary>
    public static CompositeMetric operator +(Metric a, Metric b) => Combine(a, b, "+", (x, y) => x + y);

    /// <summary>The difference of two metrics' numbers.</summary>
    public static CompositeMetric operator -(Metric a, Metric b) => Combine(a, b, "-", (x, y) => x - y);

    /// <summary>The product of two metrics' numbers.</summary>
    public static CompositeMetric operator *(Metric a, Metric b) => Combine(a, b, "*", (x, y) => x * y);

    /// <summary>The ratio of two metrics' numbers.</summary>
    public static CompositeMetric operator /(Metric a, Metric b) => Combine(a, b, "/", (x, y) => x / y);

    /// <summary>The negative of a metric's number.</summary>
    public static CompositeMetric operator -(Metric a) => (-1.0) * a;

    /// <summary>A number to calculate with, that is no metric of anything.</summary>
    public static implicit operator Metric(double constant) => new CompositeMetric(constant.ToString("r", System.Globalization.CultureInfo.InvariantCulture), () => constant);

    /// <summary>A function of the metric's number: its square root, its absolute value.</summary>
    /// <param name="name">How it reads in <see cref="object.ToString"/>.</param>
    /// <param name="function">The function.</param>
    public CompositeMetric Map(string name, Func<double, double> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return new CompositeMetric($"{name}({Text})", () => function(ComputeScalar()), this);
    }

    string Text => this is CompositeMetric ? ToString()! : GetType().Name;

    static CompositeMetric Combine(Metric a, Metric b, string sign, Func<double, double, double> operation)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        return new CompositeMetric($"({a.Text} {sign} {b.Text})", () => operation(a.ComputeScalar(), b.ComputeScalar()), a, b);
    }
}
