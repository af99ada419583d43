using System.Collections;
using System.Reflection;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests;

/// <summary>A public metric, and inputs to use and to abuse it by. All inputs are tensors whose dim 0 is the samples, also texts (their numbers) and boxes (packed).</summary>
sealed record MetricCase(string Name, Func<Metric> Make, Func<Tensor[]> Input, Action<Metric, Tensor[]> Update, Func<Metric, Tensor[], object?>? Alone)
{
    /// <summary>How far the merge of two halves may be from the whole.</summary>
    public double Tolerance { get; init; } = 1e-9;

    /// <summary>Whether the tensors are only how this test writes the batch, so that spoiling them says nothing about the metric.</summary>
    public bool IsPacked { get; init; }

    /// <summary>Why two halves merged are not the whole; null where they are.</summary>
    public string? NoMerge { get; init; }

    /// <summary>Whether it is fed with two [B] of reals.</summary>
    public bool IsRegression { get; init; }

    /// <summary>Spoiled inputs that mean something to this metric.</summary>
    public IReadOnlyList<string> Takes { get; init; } = [];

    /// <summary>The same, taking more inputs.</summary>
    public MetricCase Taking(params string[] inputs) => this with { Takes = [.. Takes, .. inputs] };

    /// <summary>The same, to which integers are numbers like others.</summary>
    public MetricCase OfNumbers() => Taking("integer 0", "integer 1", "integer 2");

    public override string ToString() => Name;

    public static MetricCase For<TBatch, TResult>(Func<Metric<TBatch, TResult>> make, Func<Tensor[], TBatch> batch, Func<Tensor[]> input)
        where TBatch : struct, IMetricBatch<TBatch> => new(
            NameOf(make),
            make,
            input,
            (metric, tensors) => ((IUpdate<TBatch>)metric).Update(batch(tensors)),
            (metric, tensors) => ((Metric<TBatch, TResult>)metric).Of(batch(tensors)));

    public static MetricCase For(Func<Metric> make, Func<Tensor[]> input) => new(
        NameOf(make),
        make,
        input,
        (metric, tensors) => ((IUpdate<Comparison>)metric).Update(tensors[0], tensors[1]),
        null);

    public static MetricCase Of<TResult>(Func<Metric<Comparison, TResult>> make, Func<Tensor[]> input) => For(make, t => new Comparison(t[0], t[1]), input);

    public static MetricCase Plain<TResult>(Func<PlainAggregator<TResult>> make) =>
        new(NameOf(make), make, () => [Some.Reals(1, 8)], (metric, t) => ((PlainAggregator<TResult>)metric).Update(t[0]), null) { Takes = ["integer 0", "scalar 0", "deeper 0"] };

    public static MetricCase Weighted<TResult>(Func<WeightedAggregator<TResult>> make) =>
        new(NameOf(make), make, () => [Some.Reals(1, 8), Some.Reals(2, 8)], (metric, t) => ((WeightedAggregator<TResult>)metric).Update(t[0], t[1]), null) { Takes = ["integer 0", "integer 1", "scalar 1", "one 1"] };

    /// <summary>A metric updated with the inputs.</summary>
    public Metric Fed(params Tensor[] tensors)
    {
        var metric = Make();
        Update(metric, tensors);
        return metric;
    }

    /// <summary>All numbers of the result.</summary>
    public static double[] Result(Metric metric)
    {
        var compute = metric.GetType().GetMethod("Compute", Type.EmptyTypes);
        return compute is null ? [.. metric.ComputeScalars().Select(n => n.Value)] : Flat(compute.Invoke(metric, BindingFlags.DoNotWrapExceptions, null, null, null));
    }

    /// <summary>All numbers in a result of whatever type.</summary>
    public static double[] Flat(object? value) => value switch
    {
        null or string or Type => [],
        Tensor tensor => tensor.Numbers(),
        Enum e => [Convert.ToDouble(e)],
        IConvertible number => [number.ToDouble(null)],
        IDictionary pairs => [.. pairs.Values.Cast<object?>().SelectMany(Flat)],
        IEnumerable items => [.. items.Cast<object?>().SelectMany(Flat)],
        _ => [.. value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.GetIndexParameters().Length == 0).SelectMany(p => Flat(p.GetValue(value)))],
    };

    /// <summary>Every bit of the states.</summary>
    public static List<string> Bits(Metric metric) =>
        [.. metric.Parts().SelectMany(p => p.States.Select(s => $"{p.Path}/{s.Name} {string.Join(",", s.Value.shape)} {Convert.ToHexString(Bytes(s.Value))}"))];

    static byte[] Bytes(Tensor value) => value.NumberOfElements == 0 ? [] : value.contiguous().bytes.ToArray();

    static string NameOf(Delegate make)
    {
        using var metric = (Metric)make.DynamicInvoke()!;
        return metric.GetType().Name;
    }
}

/// <summary>Inputs by formulas.</summary>
static class Some
{
    /// <summary>Float32 numbers in (0, 1).</summary>
    public static Tensor Reals(double seed, params long[] shape) => Pattern.Of(seed, shape).to(ScalarType.Float32);

    /// <summary>Classes in [0, count), each of which occurs.</summary>
    public static Tensor Classes(long count, int stride, params long[] shape)
    {
        var n = shape.Aggregate(1L, (a, b) => a * b);
        return ((arange(n, ScalarType.Int64) * stride + arange(n, ScalarType.Int64).floor_divide(3)) % count).reshape(shape);
    }

    /// <summary>Four pictures beside others like them.</summary>
    public static Tensor[] Images(long channels, long size)
    {
        var (predictions, targets) = Pattern.Pair(1, 4, channels, size, size);
        return [predictions.to(ScalarType.Float32), targets.to(ScalarType.Float32)];
    }

    /// <summary>Four detections a picture, packed, beside as many objects.</summary>
    public static Tensor[] Boxes()
    {
        var corners = Pattern.Of(1, 4, 4, 2) * 50;
        var sizes = Pattern.Of(2, 4, 4, 2) * 40 + 5;
        var found = cat([corners, corners + sizes], -1).to(ScalarType.Float32);
        return [found, Reals(3, 4, 4), Classes(2, 1, 4, 4), found + 2, Classes(2, 1, 4, 4)];
    }

    public static DetectionBatch Unpacked(Tensor[] t)
    {
        var images = Enumerable.Range(0, (int)t[0].shape[0]).ToList();
        return new(
            images.ConvertAll(i => new Detections(t[0][i], t[1][i], t[2][i])),
            images.ConvertAll(i => new GroundTruth(t[3][i], t[4][i])));
    }

    static readonly string[] Said = ["the cat sat on the mat", "a dog barked", "it rains in spring", "metrics tell the truth", "one", "two words", "a longer line of words here", "the end"];
    static readonly string[] Meant = ["a cat sat on a mat", "the dog barked loudly", "it rained in spring", "metrics tell a truth", "one", "three words", "a long line of words here", "the very end"];

    public static TextComparison Texts(Tensor[] t) => new([.. t[0].Rows().Select(i => Said[i])], [.. t[0].Rows().Select(i => Meant[i])]);

    public static AnswerComparison Answers(Tensor[] t) =>
        new([.. t[0].Rows().Select(string? (i) => Said[i])], [.. t[0].Rows().Select(IReadOnlyList<string> (i) => [Meant[i], Said[(i + 1) % 8]])]);

    static IEnumerable<int> Rows(this Tensor numbers) => numbers.Numbers().Select(n => (int)n);
}
