namespace Raijin;

/// <summary>Arithmetic of metrics' numbers, computed when asked: <c>2 * precision * recall / (precision + recall)</c>. It owns no states and no metric.</summary>
public sealed class CompositeMetric : Metric
{
    readonly Func<double> _value;
    readonly Metric[] _operands;
    readonly string _text;

    internal CompositeMetric(string text, Func<double> value, params Metric[] operands) => (_text, _value, _operands) = (text, value, operands);

    /// <summary>The fewest updates any of its metrics holds.</summary>
    public override long Updates => _operands.Length == 0 ? long.MaxValue : _operands.Min(o => o.Updates);

    /// <summary>The number.</summary>
    public double Compute() => _value();

    /// <inheritdoc/>
    public override double ComputeScalar() => _value();

    /// <inheritdoc/>
    public override IEnumerable<MetricPart> Parts() => [];

    /// <inheritdoc/>
    public override IEnumerable<Metric> Sources() => _operands.SelectMany(o => o.Sources());

    /// <summary>The expression.</summary>
    public override string ToString() => _text;
}
