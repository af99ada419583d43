using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.States;

public sealed class MetricStatesTests
{
    [Fact]
    public void A_concatenating_state_holds_every_row_in_order_whatever_the_splits() =>
        Gen.Int[0, 40].Array[0, 30].Sample(
            sizes =>
            {
                using var states = new MetricStates();
                var state = states.Add("rows", Reduction.Concatenate, zeros([0, 2], ScalarType.Float32));
                var expected = new List<float>();
                foreach (var (index, size) in sizes.Index())
                {
                    float[] rows = [.. Enumerable.Range(0, 2 * size).Select(i => 100f * index + i)];
                    expected.AddRange(rows);
                    if (index % 2 == 0)
                    {
                        state.Append<float>(rows);
                        continue;
                    }
                    using var tensor = Rows(rows, size);
                    state.Append(tensor);
                }
                Assert.Equal(expected.Count / 2, state.Rows);
                Assert.Equal(expected, state.ToArray<float>());
                Assert.Equal([expected.Count / 2, 2], state.Value.shape);
            },
            iter: 50);

    [Fact]
    public void A_concatenating_state_grows_by_doubling()
    {
        using var states = new MetricStates();
        var state = states.Add("rows", Reduction.Concatenate, zeros([0], ScalarType.Int64));
        var storages = new HashSet<nint>();
        for (var i = 0; i < 10_000; i++)
        {
            state.Append<long>([i]);
            storages.Add(Address(state));
        }
        Assert.InRange(storages.Count, 1, 10);
        Assert.Equal(Enumerable.Range(0, 10_000).Select(i => (long)i), state.ToArray<long>());
    }

    [Fact]
    public void Appending_after_a_merge_and_a_reset_goes_on_where_it_stands()
    {
        using var a = new MetricStates();
        using var b = new MetricStates();
        var (left, right) = (a.Add("x", Reduction.Concatenate, zeros([0], ScalarType.Float64)), b.Add("x", Reduction.Concatenate, zeros([0], ScalarType.Float64)));
        left.Append<double>([1]);
        right.Append<double>([2, 3]);
        a.Merge(b);
        left.Append<double>([4]);
        Assert.Equal([1, 2, 3, 4], left.ToArray<double>());
        Assert.Equal([2, 3], right.ToArray<double>());
        a.Reset();
        Assert.Equal(0, left.Rows);
        left.Append<double>([5]);
        Assert.Equal([5], left.ToArray<double>());
    }

    [Fact]
    public void A_saved_state_loads_into_the_same_declaration_and_into_no_other()
    {
        using var states = new MetricStates();
        states.Add("sum", Reduction.Sum, zeros([2], ScalarType.Float64));
        states.Add("rows", Reduction.Concatenate, zeros([0, 3], ScalarType.Float32));
        using var sum = tensor(new[] { 1.0, 2.0 });
        using var rows = ones([4, 3], ScalarType.Float32);
        using var narrow = ones([4, 2], ScalarType.Float32);
        states.Load(new Dictionary<string, Tensor> { ["sum"] = sum, ["rows"] = rows }, updates: 7);
        Assert.Equal((7, 4), (states.Updates, states[1].Rows));
        Assert.Equal([1, 2], states[0].ToArray<double>());
        Assert.Contains("rows: expected [4, 3] Float32, but it is [4, 2] Float32", Assert.Throws<ShapeMismatchException>(() =>
            states.Load(new Dictionary<string, Tensor> { ["sum"] = sum, ["rows"] = narrow }, 1)).Message);
        Assert.Contains("missing", Assert.Throws<ShapeMismatchException>(() => states.Load(new Dictionary<string, Tensor> { ["rows"] = rows }, 1)).Message);
    }

    [Fact]
    public void A_declaration_that_makes_no_sense_is_refused()
    {
        using var states = new MetricStates();
        using var scope = NewDisposeScope();
        states.Add("a", Reduction.Sum, zeros(1));
        Assert.Contains("twice", Assert.Throws<ArgumentException>(() => states.Add("a", Reduction.Sum, zeros(1))).Message);
        Assert.Contains("[0, ...]", Assert.Throws<ArgumentException>(() => states.Add("b", Reduction.Concatenate, zeros(1))).Message);
        Assert.Contains("Reduction.Custom", Assert.Throws<ArgumentException>(() => states.Add("c", Reduction.Custom, zeros(1))).Message);
        Assert.Contains("Reduction.Custom", Assert.Throws<ArgumentException>(() => states.Add("d", Reduction.Sum, zeros(1), (x, y) => x)).Message);
    }

    static nint Address(MetricState state)
    {
        Assert.True(Tensors.TensorAccess.TryGetHostMemory(state.Value, out var memory));
        return memory.Data;
    }

    static Tensor Rows(float[] rows, int count)
    {
        using var scope = NewDisposeScope();
        return tensor(rows).reshape(count, 2).MoveToOuterDisposeScope();
    }
}
