using System.Diagnostics;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Tensors.Tests.Profiling;

public sealed class OpRecorderTests
{
    static OpTrace Record(OpRecorderOptions options, Action graph)
    {
        Assert.SkipWhen(OpRecorder.Unavailable is not null, OpRecorder.Unavailable ?? "");
        using var scope = NewDisposeScope();
        using var recorder = OpRecorder.Start(options);
        graph();
        return recorder.Stop();
    }

    static ThreadOps Here(OpTrace trace) => trace.Threads.Single(t => t.ThreadId == Environment.CurrentManagedThreadId);

    [Fact]
    public void This_machine_shows_its_ops() =>
        Assert.True(OpRecorder.Unavailable is null || !OperatingSystem.IsLinux() || LibTorch.LoadedVersion != LibTorch.BoundVersion, OpRecorder.Unavailable);

    [Fact]
    public void Every_op_is_there_once_with_its_name_and_nested_in_what_called_it()
    {
        using var input = rand(2, 3, 8, 8);
        using var weight = rand(4, 3, 3, 3);
        var ops = Here(Record(new(), () =>
        {
            for (var i = 0; i < 3; i++) functional.conv2d(input, weight).relu();
        })).Records;

        Assert.Equal(["aten::conv2d", "aten::relu", "aten::conv2d", "aten::relu", "aten::conv2d", "aten::relu"], ops.Where(o => o.Depth == 0).Select(o => o.Name));
        Assert.Equal(3, ops.Count(o => o.Name == "aten::convolution"));
        Assert.All(ops.Where(o => o.Name == "aten::convolution"), o => Assert.Equal(("aten::conv2d", 1), (Parent(ops, o)?.Name, o.Depth)));
        Assert.All(ops.Where(o => o.Name == "aten::_convolution"), o => Assert.Equal(("aten::convolution", 2), (Parent(ops, o)?.Name, o.Depth)));
    }

    [Fact]
    public void Times_go_forward_and_a_child_lies_within_its_parent()
    {
        using var scope = NewDisposeScope();
        using var linear = Linear(8, 8);
        var before = Stopwatch.GetTimestamp();
        var ops = Here(Record(new(), () => linear.call(rand(2, 8)).sum().backward())).Records;
        var after = Stopwatch.GetTimestamp();

        Assert.NotEmpty(ops);
        for (var i = 0; i < ops.Count; i++)
        {
            Assert.InRange(ops[i].Began, i == 0 ? before : ops[i - 1].Began, ops[i].Ended);
            Assert.InRange(ops[i].Ended, ops[i].Began, after);
            if (ops[i].Depth == 0) continue;
            var parent = Parent(ops, ops[i])!.Value;
            Assert.True(parent.Depth == ops[i].Depth - 1 && parent.Began <= ops[i].Began && parent.Ended >= ops[i].Ended, $"{ops[i]} in {parent}");
        }
    }

    [Fact]
    public void A_backward_node_has_the_number_of_the_op_that_made_it()
    {
        using var scope = NewDisposeScope();
        using var linear = Linear(4, 3);
        var ops = Here(Record(new(), () => linear.call(rand(2, 4)).tanh().sum().backward())).Records;
        var nodes = ops.Where(o => o.Kind == OpKind.BackwardNode && o.Sequence >= 0 && !o.Name.Contains("AccumulateGrad")).ToList();
        Assert.Equal(["SumBackward0", "TanhBackward0", "AddmmBackward0", "TBackward0"], nodes.Select(n => n.Name));
        Assert.Equal(["aten::sum", "aten::tanh", "aten::addmm", "aten::t"], nodes.Select(n => ops.Last(o => o.Kind == OpKind.Op && o.Sequence == n.Sequence && o.Began < n.Began && Named(n.Name, o.Name)).Name));

        static bool Named(string node, string op) => node.StartsWith(op["aten::".Length..], StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Shapes_of_arguments_and_results_are_kept_on_request()
    {
        var plain = Here(Record(new(), () => rand(2, 3).mm(rand(3, 5))));
        Assert.Empty(plain.Inputs(plain.Records.Single(o => o.Name == "aten::mm")));

        var shaped = Here(Record(new() { Shapes = true }, () => functional.conv2d(rand(2, 3, 8, 8), rand(4, 3, 3, 3), padding: [1, 1]).add(1)));
        var convolution = shaped.Records.Single(o => o.Name == "aten::convolution");
        Assert.Equal([[2, 3, 8, 8], [4, 3, 3, 3]], shaped.Inputs(convolution).Take(2).Select(a => a.Shape!));
        Assert.Null(shaped.Inputs(convolution)[3].Shape);
        Assert.Equal([[2, 4, 8, 8]], shaped.Outputs(convolution).Select(a => a.Shape!));
        Assert.Equal(2 * 4 * 8 * 8, shaped.Outputs(convolution)[0].NumElements);
    }

    [Fact]
    public void Ops_of_other_threads_are_kept_apart()
    {
        var other = 0;
        var trace = Record(new(), () =>
        {
            rand(2).add(1);
            var thread = new Thread(() =>
            {
                other = Environment.CurrentManagedThreadId;
                using var scope = NewDisposeScope();
                rand(2).mul(2);
            });
            thread.Start();
            thread.Join();
        });
        Assert.Contains(Here(trace).Records, o => o.Name == "aten::add");
        Assert.DoesNotContain(Here(trace).Records, o => o.Name == "aten::mul");
        Assert.Contains(trace.Threads.Single(t => t.ThreadId == other).Records, o => o.Name == "aten::mul");
    }

    [Fact]
    public void A_full_buffer_counts_what_it_drops()
    {
        using var x = ones(2);
        var trace = Record(new() { CapacityPerThread = 5 }, () =>
        {
            for (var i = 0; i < 20; i++) x.neg();
        });
        Assert.Equal((5, 15), (trace.Count, trace.Dropped));
    }

    [Fact]
    public void One_recording_at_a_time_and_nothing_is_seen_after_its_end()
    {
        using var x = ones(2);
        var trace = Record(new(), () => Assert.Throws<InvalidOperationException>(() => OpRecorder.Start()));
        var count = trace.Count;
        using (x.neg()) { }
        Assert.Equal(count, trace.Count);
        Assert.Single(Here(Record(new(), () => x.neg())).Records);
    }

    [Fact]
    public void Recording_allocates_nothing_managed_around_an_op()
    {
        Assert.SkipWhen(OpRecorder.Unavailable is not null, OpRecorder.Unavailable ?? "");
        using var x = ones(2);
        Kernel(x, 100);
        var plain = Kernel(x, 1000);
        using var recorder = OpRecorder.Start(new() { Shapes = true });
        Kernel(x, 1);
        Assert.Equal(plain, Kernel(x, 1000));

        static long Kernel(Tensor x, int count)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < count; i++) x.neg_();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    static OpRecord? Parent(IReadOnlyList<OpRecord> ops, OpRecord child)
    {
        for (var i = ops.ToList().IndexOf(child) - 1; i >= 0; i--)
            if (ops[i].Depth < child.Depth) return ops[i];
        return null;
    }
}
