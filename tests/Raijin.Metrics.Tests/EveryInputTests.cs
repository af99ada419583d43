using static TorchSharp.torch;

namespace Raijin.Metrics.Tests;

/// <summary>What every metric does with what it should not have been given, and with unusual tensors that it should take.</summary>
public sealed class EveryInputTests
{
    public static TheoryData<string> Names => MetricCases.Names;

    [Theory, MemberData(nameof(Names))]
    public void Freed_tensors_are_named_as_such(string name) => EveryMetricTests.Each(name, (@case, input) =>
    {
        if (@case.IsPacked) return;
        for (var i = 0; i < input.Length; i++)
        {
            var freed = input.Select(t => t.clone()).ToArray();
            freed[i].Dispose();
            using var metric = @case.Make();
            var before = MetricCase.Bits(metric);
            Refuses<ObjectDisposedException>(() => @case.Update(metric, freed), $"freed {i}");
            Assert.Equal(0, metric.Updates);
            Assert.Equal(before, MetricCase.Bits(metric));
        }
    });

    [Theory, MemberData(nameof(Names))]
    public void Wrong_shapes_and_types_change_nothing(string name) => EveryMetricTests.Each(name, (@case, input) =>
    {
        if (@case.IsPacked) return;
        using var metric = @case.Fed(input);
        var before = MetricCase.Bits(metric);
        var wrong = new List<string>();
        foreach (var (what, tensors) in Spoiled(input))
        {
            if (@case.Takes.Contains(what)) continue;
            var error = Record.Exception(() => @case.Update(metric, tensors));
            if (error is not (ArgumentException and not MetricInputException)) wrong.Add($"{name} {what}: {error?.GetType().Name ?? "accepted"}");
            else if (!error.Message.Contains('[', StringComparison.Ordinal) && !error.Message.Contains(tensors[^1].dtype.ToString(), StringComparison.Ordinal)) wrong.Add($"{name} {what}: {error.Message}");
        }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
        Assert.Equal(1, metric.Updates);
        Assert.Equal(before, MetricCase.Bits(metric));
    });

    static IEnumerable<(string What, Tensor[] Tensors)> Spoiled(Tensor[] input)
    {
        for (var i = 0; i < input.Length; i++)
        {
            var t = input[i];
            yield return ($"scalar {i}", With(input, i, t.flatten()[0]));
            yield return ($"complex {i}", With(input, i, t.to(ScalarType.ComplexFloat32)));
            yield return (t.is_floating_point() ? $"integer {i}" : $"floating {i}", With(input, i, t.is_floating_point() ? t.to(ScalarType.Int64) : t.to(ScalarType.Float32)));
            yield return ($"deeper {i}", With(input, i, t.unsqueeze(-1)));
            if (input.Length > 1) yield return ($"shorter {i}", With(input, i, t.narrow(0, 0, t.shape[0] - 1)));
            if (input.Length > 1) yield return ($"one {i}", With(input, i, t.narrow(0, 0, 1)));
            if (t.dim() > 1 && t.shape[0] != t.shape[1]) yield return ($"transposed {i}", With(input, i, t.transpose(0, 1)));
        }
    }

    static Tensor[] With(Tensor[] input, int index, Tensor other) => [.. input.Select((t, i) => i == index ? other : t)];

    [Theory, MemberData(nameof(Names))]
    public void No_samples_are_an_update_that_adds_nothing(string name) => EveryMetricTests.Each(name, (@case, input) =>
    {
        using var metric = @case.Make();
        @case.Update(metric, [.. input.Select(t => t.narrow(0, 0, 0))]);
        Assert.Equal(1, metric.Updates);
        // A number, which is NaN where it is not defined: nothing else may happen.
        _ = MetricCase.Result(metric);
        @case.Update(metric, input);
        if (@case.NoMerge is not null) return;
        using var whole = @case.Fed(input);
        Recording.Near(MetricCase.Result(whole), MetricCase.Result(metric), @case.Tolerance, name);
    });

    [Theory, MemberData(nameof(Names))]
    public void A_number_that_is_none_is_reported_or_makes_the_result_none(string name) => EveryMetricTests.Each(name, (@case, input) =>
    {
        if (@case.IsPacked) return;
        foreach (var bad in new[] { double.NaN, double.PositiveInfinity })
            for (var i = 0; i < input.Length; i++)
            {
                if (!input[i].is_floating_point()) continue;
                var spoiled = input.Select(t => t.clone()).ToArray();
                spoiled[i].flatten()[1].fill_(bad);
                using var metric = @case.Fed(spoiled);
                var error = Record.Exception(() => MetricCase.Result(metric));
                if (error is not null) Assert.IsType<MetricInputException>(error);
                metric.Reset();
                @case.Update(metric, input);
                using var clean = @case.Fed(input);
                Assert.Equal(MetricCase.Result(clean), MetricCase.Result(metric));
            }
    });

    [Theory, MemberData(nameof(Names))]
    public void Gradients_and_inference_are_left_as_they_are(string name) => EveryMetricTests.Each(name, (@case, input) =>
    {
        using var expected = @case.Make();
        for (var i = 0; i < 3; i++) @case.Update(expected, input);
        using var metric = @case.Make();
        var tracked = input.Select(t => t.is_floating_point() ? t.clone().requires_grad_() : t).ToArray();
        using (no_grad()) @case.Update(metric, input);
        using (inference_mode())
        {
            using var scope = NewDisposeScope();
            @case.Update(metric, [.. input.Select(t => t.clone())]);
        }
        @case.Update(metric, tracked);
        Assert.All(metric.Parts().SelectMany(p => p.States), s => Assert.False(s.Value.requires_grad, s.Name));
        Assert.Equal(MetricCase.Result(expected), MetricCase.Result(metric));
    });

    [Theory, MemberData(nameof(Names))]
    public void Half_precision_is_worked_on_as_what_it_holds(string name) => EveryMetricTests.Each(name, (@case, input) =>
    {
        foreach (var dtype in new[] { ScalarType.Float16, ScalarType.BFloat16 })
        {
            Tensor[] narrow = [.. input.Select(t => t.is_floating_point() ? t.to(dtype) : t)];
            Tensor[] widened = [.. narrow.Select(t => t.is_floating_point() ? t.to(ScalarType.Float32) : t)];
            using var metric = @case.Fed(narrow);
            using var wide = @case.Fed(widened);
            if (Record.Exception(() => MetricCase.Result(wide)) is MetricInputException)
            {
                Assert.Throws<MetricInputException>(() => MetricCase.Result(metric));
                continue;
            }
            Recording.Near(MetricCase.Result(wide), MetricCase.Result(metric), 1e-5, $"{name} {dtype}");
        }
    });

    [Theory, MemberData(nameof(Names))]
    public void Strides_make_no_difference(string name) => EveryMetricTests.Each(name, (@case, input) =>
    {
        Tensor[] strided = [.. input.Select(t => stack([t, t], -1).select(-1, 0))];
        Assert.All(strided, t => Assert.False(t.is_contiguous()));
        using var metric = @case.Fed(strided);
        using var dense = @case.Fed(input);
        Recording.Near(MetricCase.Result(dense), MetricCase.Result(metric), 1e-6, name);
    });

    static void Refuses<T>(Action action, string what)
        where T : Exception
    {
        var error = Record.Exception(action);
        Assert.True(error is T, $"{what}: {error}");
    }
}
