using CsCheck;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Counts;

/// <summary>Kernels of the host and tensor ops leave the same states, bit by bit, faults included.</summary>
public sealed class TaskPathTests
{
    [Fact]
    public void Confusions_are_the_same_by_kernel_and_by_tensor_ops() => Check(seed =>
    {
        using var batch = new RandomBatch(seed, faults: true);
        return AreSame(new ConfusionCounts(batch.Task), batch.Comparison);
    });

    [Fact]
    public void Outcomes_of_classes_are_the_same_by_kernel_and_by_tensor_ops() => Check(seed =>
    {
        using var batch = new RandomBatch(seed, faults: true, kind: ClassificationKind.Multiclass);
        return AreSame(new ClassCounts(batch.Task), batch.Comparison);
    });

    [Fact]
    public void Matches_of_samples_are_the_same_by_kernel_and_by_tensor_ops() => Check(seed =>
    {
        using var batch = new RandomBatch(seed, faults: true, weighCells: false);
        return AreSame(new SampleMatches(batch.Task), batch.Comparison);
    });

    [Fact]
    public void Outcomes_of_samples_are_the_same_by_kernel_and_by_tensor_ops() => Check(seed =>
    {
        using var batch = new RandomBatch(seed, faults: true, weighCells: false);
        return AreSame(new SampleOutcomes(batch.Task), batch.Comparison);
    });

    [Fact]
    public void Outcomes_of_groups_are_the_same_by_kernel_and_by_tensor_ops() => Check(seed =>
    {
        using var batch = new RandomBatch(seed, faults: true, kind: ClassificationKind.Binary);
        return AreSame(new GroupOutcomes(batch.Task, 3), new GroupedComparison(batch.Predictions, batch.Targets, batch.Groups, batch.Weights));
    });

    [Fact]
    public void Outcomes_of_classes_are_those_of_the_matrix() => Check(seed =>
    {
        using var batch = new RandomBatch(seed, faults: false, kind: ClassificationKind.Multiclass);
        var (counts, matrix) = (new ClassCounts(batch.Task), new ConfusionCounts(batch.Task));
        using var a = Accumulate(counts, batch.Comparison, onHost: true);
        using var b = Accumulate(matrix, batch.Comparison, onHost: true);
        if (a is null || b is null) return false;
        Assert.Equal(Outcomes.Read(matrix, b), Outcomes.Read(counts, a));
        return true;
    });

    [Fact]
    public void A_transposed_batch_and_one_with_gradients_are_read_as_they_are()
    {
        using var columns = tensor(new[,] { { 0.1f, 0.9f, 0.2f }, { 0.8f, 0.3f, 0.4f } }, requires_grad: true);
        using var transposed = columns.t();
        using var labels = tensor(new long[] { 1, 0, 1 });
        Assert.Equal(1, Classify.Accuracy(transposed, labels, Classification.Multiclass(2)));
    }

    [Fact]
    public void Tensor_ops_read_nothing_back()
    {
        Assert.SkipWhen(OpRecorder.Unavailable is not null, OpRecorder.Unavailable ?? "");
        Gen.Int[0, 1_000_000].Sample(seed =>
        {
            using var batch = new RandomBatch(seed, faults: true, weighCells: false);
            using var recorder = OpRecorder.Start();
            var accumulations = new List<Accumulation<Comparison>> { new ConfusionCounts(batch.Task), new SampleMatches(batch.Task), new SampleOutcomes(batch.Task) };
            if (batch.Task.Kind == ClassificationKind.Multiclass) accumulations.Add(new ClassCounts(batch.Task));
            foreach (var accumulation in accumulations) Accumulate(accumulation, batch.Comparison, onHost: false)!.Dispose();
            if (batch.Task.Kind == ClassificationKind.Binary)
                Accumulate(new GroupOutcomes(batch.Task, 3), new GroupedComparison(batch.Predictions, batch.Targets, batch.Groups, batch.Weights), onHost: false)!.Dispose();
            var ops = recorder.Stop().Threads.SelectMany(thread => thread.Records).Select(op => op.Name).ToHashSet();
            Assert.Contains("aten::index_add_", ops);
            // What waits for a device: a number read from it, or a shape that depends on values.
            Assert.Empty(ops.Intersect(["aten::item", "aten::_local_scalar_dense", "aten::is_nonzero", "aten::nonzero", "aten::masked_select", "aten::bincount", "aten::_unique2"]));
        }, iter: 20, threads: 1);
    }

    // Every seed is another task, layout and set of dtypes; few of them would miss some.
    static void Check(Func<int, bool> same)
    {
        var onHost = 0;
        Gen.Int[0, 1_000_000].Sample(seed => { if (same(seed)) Interlocked.Increment(ref onHost); }, iter: 150, threads: 1);
        Assert.True(onHost > 50, $"Only {onHost} of 150 batches took the host's kernel.");
    }

    static bool AreSame<TBatch>(Accumulation<TBatch> accumulation, TBatch batch)
        where TBatch : struct, IMetricBatch<TBatch>
    {
        using var host = Accumulate(accumulation, batch, onHost: true);
        using var ops = Accumulate(accumulation, batch, onHost: false);
        if (host is null) return false;
        for (var i = 0; i < ops!.Count; i++) Assert.Equal(ops[i].ToArray<double>(), host[i].ToArray<double>());
        return true;
    }

    static MetricStates? Accumulate<TBatch>(Accumulation<TBatch> accumulation, TBatch batch, bool onHost)
        where TBatch : struct, IMetricBatch<TBatch>
    {
        var states = new MetricStates();
        accumulation.Declare(states);
        accumulation.Check(batch);
        if (onHost)
        {
            if (accumulation.TryAddOnHost(states, batch)) return states;
            states.Dispose();
            return null;
        }
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        accumulation.Add(states, batch);
        return states;
    }
}
