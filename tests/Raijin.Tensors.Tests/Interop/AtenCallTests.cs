using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class AtenCallTests
{
    static Tensor Mm(Tensor a, Tensor b)
    {
        using var call = new AtenCall(AtenOp.Find("aten::mm"), stackalloc ulong[2]);
        call.Push(a);
        call.Push(b);
        call.Invoke();
        return call.TakeTensor();
    }

    static void Same(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(expected.eq(actual).all().item<bool>());
    }

    [Fact]
    public void Calls_an_op_with_tensors()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (rand(3, 4), rand(4, 5));
        Same(a.mm(b), Mm(a, b));
    }

    [Fact]
    public void Carries_ints_int_lists_bools_and_optionals()
    {
        using var scope = NewDisposeScope();
        var x = rand(2, 3, 4);

        var sum = AtenOp.Find("aten::sum", "dim_IntList");      // (Tensor self, int[1]? dim, bool keepdim, *, ScalarType? dtype)
        using var some = new AtenCall(sum, stackalloc ulong[sum.NumSlots]);
        some.Push(x);
        some.Push([0L, 2L]);
        some.Push(true);
        some.Push(ScalarType.Float64);
        some.Invoke();
        var result = some.TakeTensor();
        Assert.Equal(ScalarType.Float64, result.dtype);
        Same(x.sum([0L, 2L], true, ScalarType.Float64), result);

        using var none = new AtenCall(sum, stackalloc ulong[sum.NumSlots]);
        none.Push(x);
        none.PushNone();
        none.Push(false);
        none.PushNone();
        none.Invoke();
        Assert.Equal(x.sum().item<float>(), none.TakeTensor().item<float>());
    }

    [Fact]
    public void Carries_floats_strings_devices_and_float_lists()
    {
        using var scope = NewDisposeScope();
        var gelu = AtenOp.Find("aten::gelu");
        var x = randn(5);
        using (var call = new AtenCall(gelu, stackalloc ulong[2]))
        {
            call.Push(x);
            call.Push("tanh");
            call.Invoke();
            var cube = 0.7978845608 * (x + 0.044715 * x.pow(3));
            Assert.True(call.TakeTensor().allclose(0.5 * x * (1 + cube.tanh()), 1e-4, 1e-6));
        }

        var to = AtenOp.Find("aten::to", "device");
        using (var call = new AtenCall(to, stackalloc ulong[to.NumSlots]))
        {
            call.Push(x);
            call.Push(META);
            call.Push(ScalarType.Float64);
            call.Push(false);
            call.Push(false);
            call.PushNone();
            call.Invoke();
            var moved = call.TakeTensor();
            Assert.Equal((DeviceType.META, ScalarType.Float64), (moved.device_type, moved.dtype));
        }

        var upsample = AtenOp.Find("aten::upsample_nearest2d", "vec");      // (Tensor input, SymInt[]? output_size, float[]? scale_factors)
        using (var call = new AtenCall(upsample, stackalloc ulong[3]))
        {
            call.Push(rand(1, 1, 2, 2));
            call.PushNone();
            call.Push([2.0, 3.0]);
            call.Invoke();
            Assert.Equal([1, 1, 4, 6], call.TakeTensor().shape);
        }
    }

    [Fact]
    public void Carries_lists_of_tensors_both_ways()
    {
        using var scope = NewDisposeScope();
        var meshgrid = AtenOp.Find("aten::meshgrid", "indexing");
        using var call = new AtenCall(meshgrid, stackalloc ulong[2]);
        call.Push([arange(2), arange(3)]);
        call.Push("ij");
        call.Invoke();
        var grids = call.TakeTensors();
        Assert.Equal(2, grids.Length);
        Assert.All(grids, g => Assert.Equal([2, 3], g.shape));
        Assert.Equal(2, grids[1][1, 2].item<long>());
    }

    [Fact]
    public void Carries_lists_with_absent_tensors()
    {
        using var scope = NewDisposeScope();
        var index = AtenOp.Find("aten::index", "Tensor");       // (Tensor self, Tensor?[] indices)
        var x = arange(12).reshape(3, 4);
        using var call = new AtenCall(index, stackalloc ulong[2]);
        call.Push(x);
        call.Push([null!, tensor(new long[] { 1, 3 })]);
        call.Invoke();
        Same(x[TensorIndex.Colon, TensorIndex.Tensor(tensor(new long[] { 1, 3 }))], call.TakeTensor());
    }

    [Fact]
    public void Returns_several_results_and_numbers()
    {
        using var scope = NewDisposeScope();
        using var max = new AtenCall(AtenOp.Find("aten::max", "dim"), stackalloc ulong[3]);
        max.Push(tensor(new[] { 3f, 9f, 5f }));
        max.Push(0L);
        max.Push(false);
        max.Invoke();
        Assert.Equal(9, max.TakeTensor(0).item<float>());
        Assert.Equal(1, max.TakeTensor(1).item<long>());

        using var size = new AtenCall(AtenOp.Find("aten::size", "int"), stackalloc ulong[2]);
        size.Push(zeros(4, 7));
        size.Push(1L);
        size.Invoke();
        Assert.Equal(7, size.TakeInt());
    }

    [Fact]
    public void A_failing_op_says_what_libtorch_says_and_what_was_given()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<AtenException>(() => Mm(ones(2, 3), ones(3, 5, dtype: ScalarType.Float64)));
        Assert.Equal("aten::mm", error.Operator);
        Assert.Contains("self = Float32[2, 3]", error.Message, StringComparison.Ordinal);
        Assert.Contains("mat2 = Float64[3, 5]", error.Message, StringComparison.Ordinal);
        if (OperatingSystem.IsLinux()) Assert.StartsWith("expected m1 and m2 to have the same dtype", error.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("frame #", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failing_op_over_lists_shows_their_first_tensors()
    {
        using var scope = NewDisposeScope();
        var x = Enumerable.Range(0, 10).Select(i => ones(i + 1)).ToArray();
        var error = Assert.Throws<AtenException>(() => Foreach.Multiply(x, x.AsSpan(0, 9)));
        Assert.Contains("self = 10 tensors: Float32[1], Float32[2]", error.Message, StringComparison.Ordinal);
        Assert.Contains("Float32[8], … (2 more)", error.Message, StringComparison.Ordinal);
        Assert.Contains("other = 9 tensors", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_argument_of_the_wrong_type_is_refused_before_libtorch_sees_it()
    {
        using var scope = NewDisposeScope();
        var x = ones(2);
        var mm = AtenOp.Find("aten::mm");

        Assert.Contains("'Tensor self'; float was pushed", Refused(mm, (ref call) => call.Push(1.5)), StringComparison.Ordinal);
        Assert.Contains("'Tensor self'; Tensor[] was pushed", Refused(mm, (ref call) => call.Push([x])), StringComparison.Ordinal);
        Assert.Contains("'Tensor self'; none was pushed", Refused(mm, (ref call) => call.PushNone()), StringComparison.Ordinal);
        Assert.Contains("takes 2 arguments", Refused(mm, (ref call) =>
        {
            call.Push(x);
            call.Push(x);
            call.Push(x);
        }), StringComparison.Ordinal);
        Assert.Contains("Scalar, which the C ABI", Refused(AtenOp.Find("aten::add", "Tensor"), (ref call) =>
        {
            call.Push(x);
            call.Push(x);
            call.Push(1.0);
        }), StringComparison.Ordinal);
    }

    delegate void Filling(ref AtenCall call);

    static string Refused(AtenOp op, Filling fill)
    {
        var call = new AtenCall(op, stackalloc ulong[op.NumSlots]);
        try
        {
            fill(ref call);
        }
        catch (ArgumentException error)
        {
            return error.Message;
        }
        finally
        {
            call.Dispose();
        }
        return "accepted";
    }

    [Fact]
    public void Missing_arguments_untaken_and_twice_taken_results_are_errors()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, 2);
        var mm = AtenOp.Find("aten::mm");
        Assert.Throws<InvalidOperationException>(() =>
        {
            using var call = new AtenCall(mm, stackalloc ulong[2]);
            call.Push(x);
            call.Invoke();
        });
        Assert.Throws<InvalidOperationException>(() =>
        {
            using var call = new AtenCall(mm, stackalloc ulong[2]);
            call.TakeTensor();
        });
        Assert.Throws<InvalidOperationException>(() =>
        {
            using var call = new AtenCall(mm, stackalloc ulong[2]);
            call.Push(x);
            call.Push(x);
            call.Invoke();
            call.TakeTensor();
            call.TakeTensor();
        });
        Assert.Throws<ArgumentException>(() => new AtenCall(mm, stackalloc ulong[1]));
    }

    [Fact]
    public void A_freed_tensor_is_an_error_that_names_the_argument()
    {
        using var scope = NewDisposeScope();
        var (alive, freed) = (ones(2, 2), ones(2, 2));
        freed.Dispose();
        Assert.Equal("mat2", Assert.Throws<ObjectDisposedException>(() => Mm(alive, freed)).ObjectName);
        Assert.Equal("other[1]", Assert.Throws<ObjectDisposedException>(() => Foreach.Multiply([alive, alive], [alive, freed])).ObjectName);
        Assert.Throws<ArgumentNullException>(() => Foreach.Multiply([alive, null!], [alive, alive]));
    }

    [Fact]
    public void An_op_that_does_not_exist_is_found_out_at_once()
    {
        Assert.SkipUnless(OpRegistry.CanRead, "this platform's libtorch does not show its registry");
        Assert.Throws<MissingMethodException>(() => AtenOp.Find("aten::mmm"));
        Assert.Throws<MissingMethodException>(() => AtenOp.Find("aten::mm", "NoSuchOverload"));
        var wrong = AtenOp.Declare("aten::bmm(Tensor self, float mat2) -> Tensor");
        Assert.Contains("float mat2", Assert.Throws<MissingMethodException>(() => wrong.NumSlots).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Calling_allocates_nothing_managed()
    {
        using var scope = NewDisposeScope();
        var (x, y) = (new[] { ones(4), ones(4) }, new[] { ones(4), ones(4) });
        for (var i = 0; i < 100; i++) Foreach.Multiply(x, y);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Foreach.Multiply(x, y);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_hundred_thousand_calls_grow_nothing()
    {
        Assert.SkipUnless(NativeHeap.LiveBytes is not null, "this C library does not tell its live bytes");
        using var scope = NewDisposeScope();
        var (a, b) = (ones(16, 16), ones(16, 16));
        var sum = AtenOp.Find("aten::sum", "dim_IntList");

        // A result left behind, or arguments never invoked, among them a list and a boxed optional: all of it is the call's to free.
        void Abandon(bool invoke)
        {
            using var call = new AtenCall(sum, stackalloc ulong[4]);
            call.Push(a);
            call.Push([0L, 1L]);
            call.Push(false);
            call.Push(ScalarType.Float64);
            if (invoke) call.Invoke();
        }

        void Round(int calls)
        {
            for (var i = 0; i < calls; i++)
            {
                using var inner = NewDisposeScope();
                Mm(a, b);
                Abandon(i % 2 == 0);
                Foreach.Multiply([a, b], [b, a]);
            }
        }

        Round(500);
        // The runtime compiles and allocates on the same heap now and then: a leak grows in every round, that does not.
        var least = long.MaxValue;
        for (var round = 0; round < 3; round++)
        {
            var (tensors, bytes) = (TensorLedger.Read().LiveTensors, NativeHeap.LiveBytes!.Value);
            Round(33_400);
            Assert.Equal(tensors, TensorLedger.Read().LiveTensors);
            least = Math.Min(least, NativeHeap.LiveBytes!.Value - bytes);
        }
        // One leaked handle a call would be 33,400 × 32 bytes.
        Assert.InRange(least, long.MinValue, 512 << 10);
    }

    [Fact]
    public void Failing_calls_grow_nothing()
    {
        Assert.SkipUnless(NativeHeap.LiveBytes is not null, "this C library does not tell its live bytes");
        using var scope = NewDisposeScope();
        var b = ones(3, 512);
        var freed = ones(1);
        freed.Dispose();

        void Round(int calls)
        {
            for (var i = 0; i < calls; i++)
            {
                // A new megabyte each round: a handle left behind would keep it.
                using var a = ones(512, 512);
                Assert.Throws<AtenException>(() => Mm(a, b));
                Assert.Throws<ObjectDisposedException>(() => Mm(a, freed));
                Assert.Throws<ObjectDisposedException>(() => Foreach.Multiply([a, freed], [a, a]));
            }
        }

        Round(20);
        var (tensors, bytes) = (TensorLedger.Read().LiveTensors, NativeHeap.LiveBytes!.Value);
        Round(500);
        Assert.Equal(tensors, TensorLedger.Read().LiveTensors);
        Assert.InRange(NativeHeap.LiveBytes!.Value - bytes, long.MinValue, 8 << 20);
    }

    [Fact]
    public void Threads_that_fail_at_once_get_their_own_reasons()
    {
        Parallel.For(1, 9, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            using var scope = NewDisposeScope();
            for (var round = 0; round < 5; round++)
            {
                var error = Assert.Throws<AtenException>(() => Mm(ones(2, i), ones(i + 1, 5)));
                if (OperatingSystem.IsLinux()) Assert.Equal($"mat1 and mat2 shapes cannot be multiplied (2x{i} and {i + 1}x5)", error.Reason);
            }
        });
    }
}
