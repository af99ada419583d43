// B batch, K outputs

using System.Globalization;
using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>A metric of each output of a model that has several: one set of states a column of predictions and targets.</summary>
/// <remarks>
/// Predictions and targets are [B, K] (or [B, …, K], or K along another dim that both have); the metric is fed [B]. Weights, [B], are the same for all outputs.
/// In logs each output is a number of its own: <c>r2/0</c>, <c>r2/1</c>, or by the names given; the headline is the mean of the outputs' headlines.
/// What the wrapped metric itself holds stays empty: ask the wrapper.
/// </remarks>
/// <typeparam name="TResult">What the metric computes.</typeparam>
public sealed class MultiOutput<TResult> : MetricWrapper<Comparison, IReadOnlyList<TResult>>
{
    readonly Metric<Comparison, TResult> _metric;
    readonly List<MetricStates> _outputs;
    readonly string[] _names;
    readonly int _dim;
    readonly bool _skipNaN;

    /// <summary>A metric of each output.</summary>
    /// <param name="metric">A metric that has not accumulated anything. Taken over.</param>
    /// <param name="outputs">How many outputs there are, K.</param>
    /// <param name="dim">Which dim of predictions and of targets they lie along; negative counts from the last.</param>
    /// <param name="skipNaN">Whether an output leaves out the samples whose prediction or target of it is NaN. Finding them makes each update wait for the device.</param>
    /// <param name="names">The outputs' names in logs; null for 0, 1, ….</param>
    public MultiOutput(Metric<Comparison, TResult> metric, int outputs, int dim = -1, bool skipNaN = false, IReadOnlyList<string>? names = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        if (names is not null && names.Count != outputs) throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{names.Count} names were given for {outputs} outputs."), nameof(names));
        Wrapped.Take(metric);
        (_metric, _outputs) = (metric, Wrapped.Sets(metric.Accumulation, outputs));
        _names = names?.ToArray() ?? [.. Enumerable.Range(0, outputs).Select(i => i.ToString(CultureInfo.InvariantCulture))];
        (_dim, _skipNaN) = (dim, skipNaN);
    }

    /// <summary>How many outputs there are.</summary>
    public int Outputs => _outputs.Count;

    /// <inheritdoc/>
    public override bool? HigherIsBetter => _metric.HigherIsBetter;

    /// <summary>Its own count of updates, and each output's states.</summary>
    public override IEnumerable<MetricPart> Parts() => Wrapped.Parts(_outputs).Prepend(new("", States));

    /// <summary>Each output's result.</summary>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet, or all samples of an output were NaN.</exception>
    public override IReadOnlyList<TResult> Compute()
    {
        ThrowIfEmpty();
        return [.. _outputs.Select(o => _metric.On(o, _metric.Compute))];
    }

    /// <summary>The mean of the outputs' numbers.</summary>
    public override double ComputeScalar()
    {
        ThrowIfEmpty();
        return _outputs.Average(o => _metric.On(o, _metric.ComputeScalar));
    }

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        ThrowIfEmpty();
        return
        [
            .. _outputs.SelectMany((output, i) => _metric.On(output, _metric.ComputeScalars)
                .Select(number => new KeyValuePair<string, double>(number.Key.Length == 0 ? _names[i] : $"{_names[i]}/{number.Key}", number.Value))),
        ];
    }

    private protected override void Add(in Comparison batch)
    {
        ThrowIfUnfit(batch.Predictions, nameof(batch.Predictions));
        ThrowIfUnfit(batch.Targets, nameof(batch.Targets));
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var columns = new Comparison[_outputs.Count];
        for (var i = 0; i < columns.Length; i++)
        {
            columns[i] = new(batch.Predictions.select(_dim, i).contiguous(), batch.Targets.select(_dim, i).contiguous(), batch.Weights);  // [B]
            _metric.Accumulation.Check(in columns[i]);
        }
        BeginUpdate(CPU);
        for (var i = 0; i < columns.Length; i++)
        {
            var known = _skipNaN ? Known(columns[i]) : columns[i];
            if (!_skipNaN || known.Count > 0) _metric.Accumulation.Update(_outputs[i], in known);
        }
    }

    static Comparison Known(Comparison column)
    {
        var missing = Missing(column.Predictions).logical_or(Missing(column.Targets).to(column.Predictions.device));    // [B]
        return column.Select(missing.logical_not().nonzero().squeeze(1));
    }

    static Tensor Missing(Tensor values)
    {
        if (!values.is_floating_point()) return zeros(values.shape[0], ScalarType.Bool, values.device);
        return values.dim() == 1 ? values.isnan() : values.isnan().flatten(1).any(1);
    }

    void ThrowIfUnfit(Tensor tensor, string name)
    {
        var sizes = HostTensor.Sizes(tensor);
        var dim = _dim < 0 ? _dim + sizes.Length : _dim;
        if (dim < 1 || dim >= sizes.Length || sizes[dim] != _outputs.Count)
            ShapeMismatchException.Throw(name, string.Create(CultureInfo.InvariantCulture, $"[B, …] with {_outputs.Count} outputs along dim {_dim}"), ShapeText.Of(sizes));
    }

    /// <inheritdoc/>
    protected override void DisposeParts()
    {
        foreach (var output in _outputs) output.Dispose();
        _metric.Dispose();
    }
}
