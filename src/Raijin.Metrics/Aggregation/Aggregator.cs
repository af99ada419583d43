// Values of the host are handed on in chunks of float64, those that don't count already dropped; on other devices nothing can be dropped without
// waiting, so there they stay as zeros of weight 0.

using System.Numerics;
using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>An aggregate of numbers rather than of predictions. A value of weight 0 is as if it had not come.</summary>
/// <typeparam name="TResult">A number, or a type where there are several.</typeparam>
public abstract class Aggregator<TResult> : Metric<TResult>
{
    const int Chunk = 512;
    const int NotNumber = 0, NegativeWeight = 1;

    readonly bool _finiteOnly;

    private protected Aggregator(NanPolicy nan, bool finiteOnly = false) => (Nan, _finiteOnly) = (nan, finiteOnly);

    /// <summary>What happens to NaN.</summary>
    public NanPolicy Nan { get; }

    /// <summary>Declares a state, and before the first what may be wrong with values: after the options were checked, so that a refused one leaves nothing behind.</summary>
    private protected MetricState Declare(string name, Reduction reduction, Tensor initial, Func<Tensor, Tensor, Tensor>? combine = null)
    {
        if (States.Faults is null) States.AddFaults(_finiteOnly ? "finite values" : "values that are numbers", "weights of at least 0");
        return AddState(name, reduction, initial, combine);
    }

    /// <summary>Called when an update begins, on the device of what comes in.</summary>
    private protected virtual void Begin()
    {
    }

    /// <summary>Adds values of the host, all of which count.</summary>
    private protected abstract void AddOnHost(ReadOnlySpan<double> values, ReadOnlySpan<double> weights);

    /// <summary>Adds values on any device: [k] float64, weights [k] float64, and [k] bool, whether they count; others are 0 and weigh 0.</summary>
    private protected abstract void Add(Tensor values, Tensor weights, Tensor counted);

    private protected void Accept(Tensor values, Tensor? weights, double weight)
    {
        TensorGuard.ThrowIfFreed(values);
        if (values.is_complex()) ShapeMismatchException.Throw(nameof(values), "real numbers", ShapeText.Of(values));
        ThrowIfNegative(weight);
        if (weights is not null && (!Broadcasts(HostTensor.Sizes(weights), HostTensor.Sizes(values)) || weights.is_complex()))
            ShapeMismatchException.Throw(nameof(weights), $"real numbers that broadcast to the values' {ShapeText.Of(HostTensor.Sizes(values))}", ShapeText.Of(weights));
        if (TryAcceptOnHost(values, weights, weight)) return;
        BeginUpdate(values.device);
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        Begin();
        if (values.NumberOfElements > 0) AcceptAnywhere(values, weights, weight);
    }

    private protected void Accept(double value, double weight)
    {
        ThrowIfNegative(weight);
        if (States[0].Value.device_type == TorchSharp.DeviceType.CPU)
        {
            BeginUpdate(CPU);
            Begin();
            Walk([value], [], weight);
            return;
        }
        var device = States[0].Value.device;
        BeginUpdate(device);
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        Begin();
        // Filled there: a tensor copied from the host would wait for the device.
        AcceptAnywhere(full([1], value, ScalarType.Float64, device), null, weight);
    }

    bool TryAcceptOnHost(Tensor values, Tensor? weights, double weight)
    {
        if (!HostTensor.TryOpen(values, out var opened)) return false;
        var openedWeights = opened;
        if (weights is not null && (!HostTensor.TryOpen(weights, out openedWeights) || openedWeights.DType != opened.DType || !openedWeights.Shape.SequenceEqual(opened.Shape))) return false;
        if (opened.NumElements > int.MaxValue || opened.DType is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.Int64)) return false;
        BeginUpdate(CPU);
        Begin();
        using (opened)
        using (openedWeights)
        {
            switch (opened.DType)
            {
                case ScalarType.Float32:
                    Walk(opened.Span<float>(), weights is null ? [] : openedWeights.Span<float>(), weight);
                    break;
                case ScalarType.Float64:
                    Walk(opened.Span<double>(), weights is null ? [] : openedWeights.Span<double>(), weight);
                    break;
                default:
                    Walk(opened.Span<long>(), weights is null ? [] : openedWeights.Span<long>(), weight);
                    break;
            }
        }
        return true;
    }

    void Walk<T>(ReadOnlySpan<T> values, ReadOnlySpan<T> weights, double weight)
        where T : unmanaged, INumber<T>
    {
        Span<double> chunk = stackalloc double[Chunk];
        Span<double> chunkWeights = stackalloc double[Chunk];
        var (wrong, negative, firstWrong, firstNegative) = (0L, 0L, 0.0, 0.0);
        for (var start = 0; start < values.Length; start += Chunk)
        {
            var count = Math.Min(Chunk, values.Length - start);
            VectorLoops.Widen(values.Slice(start, count), chunk);
            if (weights.IsEmpty) chunkWeights[..count].Fill(weight);
            else for (var i = 0; i < count; i++) chunkWeights[i] = weight * double.CreateTruncating(weights[start + i]);
            if (!VectorLoops.AreFinite<double>(chunk[..count]) || weight == 0 || !weights.IsEmpty) count = Compact(chunk[..count], chunkWeights[..count]);
            if (count > 0) AddOnHost(chunk[..count], chunkWeights[..count]);
        }
        States.Faults!.Note(NotNumber, wrong, firstWrong);
        States.Faults.Note(NegativeWeight, negative, firstNegative);

        int Compact(Span<double> found, Span<double> foundWeights)
        {
            var kept = 0;
            for (var i = 0; i < found.Length; i++)
            {
                var (value, own) = (found[i], foundWeights[i]);
                if (!(own >= 0) || double.IsInfinity(own))
                {
                    if (negative++ == 0) firstNegative = own;
                    continue;
                }
                if (_finiteOnly ? !double.IsFinite(value) : double.IsNaN(value))
                {
                    if (Nan.Value is { } imputed) value = imputed;
                    else
                    {
                        if (!Nan.Ignores && wrong++ == 0) firstWrong = value;
                        continue;
                    }
                }
                if (own == 0) continue;
                (found[kept], foundWeights[kept++]) = (value, own);
            }
            return kept;
        }
    }

    void AcceptAnywhere(Tensor values, Tensor? weights, double weight)
    {
        var flat = values.to(ScalarType.Float64).reshape(-1);                                                         // [k]
        var own = weights is null ? full_like(flat, weight) : weights.to(ScalarType.Float64, flat.device).expand(values.shape).reshape(-1) * weight;
        var wrong = _finiteOnly ? flat.isfinite().logical_not() : flat.isnan();
        var negative = own.ge(0).logical_not() | own.isinf();
        States.Faults!.Note(NegativeWeight, negative, own);
        if (Nan.Value is { } imputed)
        {
            flat = where(wrong, imputed, flat);
            wrong = zeros_like(wrong);
        }
        else if (!Nan.Ignores) States.Faults!.Note(NotNumber, wrong, flat);
        var counted = (wrong | negative).logical_not() & own.gt(0);
        Add(where(counted, flat, 0.0), where(counted, own, 0.0), counted);
    }

    static void ThrowIfNegative(double weight)
    {
        if (!(weight >= 0) || double.IsInfinity(weight)) throw new ArgumentOutOfRangeException(nameof(weight), weight, "A weight is a finite number of at least 0.");
    }

    static bool Broadcasts(ReadOnlySpan<long> from, ReadOnlySpan<long> to)
    {
        if (from.Length > to.Length) return false;
        for (var i = 1; i <= from.Length; i++)
            if (from[^i] != 1 && from[^i] != to[^i]) return false;
        return true;
    }
}

/// <summary>An aggregate that counts all values alike.</summary>
/// <inheritdoc/>
public abstract class PlainAggregator<TResult> : Aggregator<TResult>
{
    private protected PlainAggregator(NanPolicy nan)
        : base(nan)
    {
    }

    /// <summary>Adds every element of a tensor. No value is read back.</summary>
    /// <param name="values">Any shape, any real dtype; borrowed.</param>
    public void Update(Tensor values) => Accept(values, null, 1);

    /// <summary>Adds one number.</summary>
    public void Update(double value) => Accept(value, 1);
}

/// <summary>An aggregate that weighs values.</summary>
/// <inheritdoc/>
public abstract class WeightedAggregator<TResult> : Aggregator<TResult>
{
    private protected WeightedAggregator(NanPolicy nan, bool finiteOnly = false)
        : base(nan, finiteOnly)
    {
    }

    /// <summary>Adds every element of a tensor, each with the same weight. No value is read back.</summary>
    /// <param name="values">Any shape, any real dtype; borrowed.</param>
    /// <param name="weight">Weight of each element; not negative.</param>
    public void Update(Tensor values, double weight = 1.0) => Accept(values, null, weight);

    /// <summary>Adds every element of a tensor with its weight. No value is read back.</summary>
    /// <param name="values">Any shape, any real dtype; borrowed.</param>
    /// <param name="weights">A shape that broadcasts to the values', not negative; borrowed.</param>
    /// <exception cref="ShapeMismatchException">The weights' shape does not broadcast to the values'.</exception>
    public void Update(Tensor values, Tensor weights)
    {
        TensorGuard.ThrowIfFreed(weights);
        Accept(values, weights, 1);
    }

    /// <summary>Adds one number.</summary>
    public void Update(double value, double weight = 1.0) => Accept(value, weight);
}
