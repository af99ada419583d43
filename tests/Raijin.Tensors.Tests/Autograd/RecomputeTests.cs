using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Tensors.Tests;

public sealed class RecomputeTests
{
    const int Batch = 2, Tokens = 6, Width = 16, Heads = 4;

    /// <summary>A transformer's block, and a batch norm if asked for.</summary>
    sealed class Block : Module<Tensor, Tensor>
    {
        readonly Module<Tensor, Tensor> _attentionNorm = LayerNorm(Width);
        readonly Module<Tensor, Tensor> _qkv = Linear(Width, 3 * Width);
        readonly Module<Tensor, Tensor> _mix = Linear(Width, Width);
        readonly Module<Tensor, Tensor> _mlpNorm = LayerNorm(Width);
        readonly Module<Tensor, Tensor> _up = Linear(Width, 4 * Width);
        readonly Module<Tensor, Tensor> _down = Linear(4 * Width, Width);
        readonly Module<Tensor, Tensor> _dropout = Dropout(0.3);
        readonly TorchSharp.Modules.BatchNorm1d? _batchNorm;

        public Block(bool hasBatchNorm = false) : base(nameof(Block))
        {
            if (hasBatchNorm) _batchNorm = BatchNorm1d(Tokens);
            RegisterComponents();
        }

        public int Calls { get; private set; }

        public Action<int>? OnCall { get; set; }

        public override Tensor forward(Tensor x)
        {
            Calls++;
            OnCall?.Invoke(Calls);
            var parts = _qkv.call(_attentionNorm.call(x)).view(Batch, Tokens, 3, Heads, Width / Heads).permute(2, 0, 3, 1, 4); // [3, B, H, T, D]
            var mixed = Aten.ScaledDotProductAttention(parts[0], parts[1], parts[2], isCausal: true).transpose(1, 2).reshape(Batch, Tokens, Width);
            var middle = x + _dropout.call(_mix.call(mixed));
            if (_batchNorm is not null) middle = _batchNorm.call(middle);
            return middle + _dropout.call(_down.call(functional.gelu(_up.call(_mlpNorm.call(middle)))));
        }
    }

    static Tensor Input(bool wantsGradient = true)
    {
        Seed.Everything(7);
        return randn(Batch, Tokens, Width).requires_grad_(wantsGradient);
    }

    static Block MakeBlock(bool hasBatchNorm = false)
    {
        Seed.Everything(3);
        return new Block(hasBatchNorm);
    }

    // The bits of a result, of every gradient and buffer, and where the generator stands in the end.
    static List<(string Name, float[] Values)> Step(Block block, Func<Block, Tensor, Tensor> run, int passes = 1, bool autocast = false, bool wantsGradient = true)
    {
        using var scope = NewDisposeScope();
        var x = Input(wantsGradient);
        var found = new List<(string, float[])>();
        for (var pass = 0; pass < passes; pass++)
        {
            var loss = autocast ? InAutocast() : Loss();
            Backward.Run(loss);
            found.Add(("loss", [loss.item<float>()]));
        }
        if (wantsGradient) found.Add(("x", Values(x.grad!)));
        found.AddRange(block.named_parameters().Select(p => (p.name, Values(p.parameter.grad!))));
        found.AddRange(block.named_buffers().Select(b => (b.name, Values(b.buffer))));
        found.Add(("generator", Values(rand(4))));
        block.zero_grad();
        return found;

        // What comes before and after draws too.
        Tensor Loss() => (functional.dropout(run(block, functional.dropout(x, 0.1) * 1.5), 0.2).to(ScalarType.Float32).square() * arange(Width)).sum();

        Tensor InAutocast()
        {
            using var cast = Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16);
            return Loss();
        }
    }

    static float[] Values(Tensor tensor) => tensor.to(ScalarType.Float32).contiguous().data<float>().ToArray();

    static void AssertSame(List<(string Name, float[] Values)> expected, List<(string Name, float[] Values)> actual)
    {
        Assert.Equal(expected.Select(e => e.Name), actual.Select(a => a.Name));
        foreach (var (one, other) in expected.Zip(actual)) Assert.True(one.Values.AsSpan().SequenceEqual(other.Values), $"{one.Name} differs");
        Assert.Contains(expected, e => e.Values.Any(v => v != 0));
    }

    static Tensor Recomputed(Block block, Tensor x) => Recompute.Run(block.call, x, block);

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void Losses_gradients_buffers_and_generator_have_the_bits_of_a_plain_run(bool hasBatchNorm, bool wantsGradient)
    {
        using var plain = MakeBlock(hasBatchNorm);
        using var again = MakeBlock(hasBatchNorm);
        AssertSame(Step(plain, (b, x) => b.call(x), wantsGradient: wantsGradient), Step(again, Recomputed, wantsGradient: wantsGradient));
    }

    [Fact]
    public void Autocast_is_the_same_the_second_time()
    {
        Assert.SkipUnless(Autocast.IsSupported, "libtorch shows no autocast here");
        using var plain = MakeBlock();
        using var again = MakeBlock();
        var dtypes = new List<ScalarType>();
        var expected = Step(plain, (b, x) => b.call(x), autocast: true);
        AssertSame(expected, Step(again, (b, x) => Recompute.Run(h => { var y = b.call(h); dtypes.Add(functional.linear(y, y[0]).dtype); return y; }, x, b), autocast: true));
        Assert.Equal([ScalarType.BFloat16, ScalarType.BFloat16], dtypes);
        using var exact = MakeBlock();
        Assert.False(expected[1].Values.AsSpan().SequenceEqual(Step(exact, Recomputed)[1].Values));
    }

    [Fact]
    public void Gradients_of_several_passes_add_up()
    {
        using var plain = MakeBlock(hasBatchNorm: true);
        using var again = MakeBlock(hasBatchNorm: true);
        AssertSame(Step(plain, (b, x) => b.call(x), passes: 3), Step(again, Recomputed, passes: 3));
    }

    [Fact]
    public void A_module_used_twice_in_a_pass_gets_one_complete_gradient()
    {
        using var plain = MakeBlock();
        using var again = MakeBlock();
        var ready = 0;
        using var watch = GradientHooks.OnReady(again.parameters().First(), _ => ready++);
        AssertSame(Step(plain, (b, x) => b.call(b.call(x) * 0.5)), Step(again, (b, x) => Recomputed(b, Recomputed(b, x) * 0.5)));
        Assert.Equal(1, ready);
    }

    [Fact]
    public void Hooks_within_can_tell_the_second_time_from_the_first()
    {
        using var scope = NewDisposeScope();
        using var block = MakeBlock();
        var seen = new List<bool>();
        block.OnCall = _ => seen.Add(Recomputation.IsUnderWay);
        Backward.Run(Recomputed(block, Input()).sum());
        Assert.Equal([false, true], seen);
        Assert.False(Recomputation.IsUnderWay);
    }

    [Fact]
    public void It_nests()
    {
        using var plain = MakeBlock();
        using var again = MakeBlock();
        AssertSame(Step(plain, (b, x) => b.call(b.call(x) * 0.5)), Step(again, (b, x) => Recompute.Run(outer => Recomputed(b, Recomputed(b, outer) * 0.5), x, b)));
    }

    [Fact]
    public void Several_inputs_and_results_of_which_some_have_no_gradient_without_entry_points_of_C_plus_plus_too()
    {
        var before = GradientHooks.Route;
        GradientHooks.Route = new PortableHooks();
        try
        {
            Several_inputs_and_results_of_which_some_have_no_gradient();
        }
        finally
        {
            GradientHooks.Route = before;
        }
    }

    [Fact]
    public void A_parameter_that_the_body_does_not_use_gets_no_gradient_and_nobody_is_told()
    {
        using var scope = NewDisposeScope();
        using var used = Linear(Width, Width);
        using var unused = Linear(Width, Width);
        var ready = 0;
        using var watch = GradientHooks.OnReady(unused.weight!, _ => ready++);
        Backward.Run(Recompute.Run(used.call, Input(), used, unused).sum());
        Assert.NotNull(used.weight!.grad);
        Assert.Null(unused.weight!.grad);
        Assert.Equal(0, ready);
    }

    [Fact]
    public void Modules_that_libtorch_computes_itself_have_the_same_bits_and_one_complete_gradient()
    {
        using var scope = NewDisposeScope();
        Seed.Everything(5);
        using var layer = TransformerEncoderLayer(Width, 2, 32, dropout: 0.2);
        var x = Input();
        var ready = new List<string>();
        var watches = layer.named_parameters().Select(p => GradientHooks.OnReady(p.parameter, _ => ready.Add(p.name))).ToList();
        Seed.Everything(6);
        Backward.Run((layer.call(x, null!, null!).square() * arange(Width)).sum());
        var expected = layer.named_parameters().ToDictionary(p => p.name, p => Values(p.parameter.grad!));
        var inputs = Values(x.grad!);
        layer.zero_grad();
        x.grad = null;
        ready.Clear();
        Seed.Everything(6);
        Backward.Run((Recompute.Run(h => layer.call(h, null!, null!), x, layer).square() * arange(Width)).sum());
        foreach (var (name, parameter) in layer.named_parameters()) Assert.True(expected[name].AsSpan().SequenceEqual(Values(parameter.grad!)), name);
        Assert.Equal(inputs, Values(x.grad!));
        foreach (var watch in watches) watch.Dispose();
        Assert.Equal(expected.Keys.Order(), ready.Order());
    }

    [Fact]
    public void Several_inputs_and_results_of_which_some_have_no_gradient()
    {
        using var scope = NewDisposeScope();
        (Tensor A, Tensor B, Tensor Frozen, Tensor Indices) Inputs() => (arange(6f).requires_grad_(), (arange(6f) - 2).requires_grad_(), ones(6) * 3, tensor(new long[] { 0, 2, 4 }));
        IReadOnlyList<Tensor> Body(IReadOnlyList<Tensor?> given) => [(given[0]! * given[1]! * given[2]!).sin(), given[0]!.exp(), given[3]! + 1, given[1]!.detach().square()];

        var plain = Inputs();
        var first = Body([plain.A, plain.B, plain.Frozen, plain.Indices, null]);
        Backward.Run((first[0] * first[3]).sum());

        var again = Inputs();
        var second = Recompute.Run(Body, [again.A, again.B, again.Frozen, again.Indices, null]);
        Assert.Equal([true, true, false], second.Take(3).Select(r => r.requires_grad));
        Assert.Equal(ScalarType.Int64, second[2].dtype);
        // Nobody uses the exponential.
        Backward.Run((second[0] * second[3]).sum());
        Assert.Equal(Values(plain.A.grad!), Values(again.A.grad!));
        Assert.Equal(Values(plain.B.grad!), Values(again.B.grad!));
        Assert.False(again.Frozen.requires_grad);
    }

    [Fact]
    public void Without_gradients_it_is_the_plain_call()
    {
        using var scope = NewDisposeScope();
        using var block = MakeBlock();
        var x = Input(wantsGradient: false);
        using (no_grad()) Assert.False(Recomputed(block, x).requires_grad);
        using (inference_mode()) Assert.False(Recomputed(block, x).requires_grad);
        foreach (var parameter in block.parameters()) parameter.requires_grad = false;
        Assert.False(Recomputed(block, x).requires_grad);
        Assert.Equal(3, block.Calls);
    }

    [Fact]
    public void A_frozen_parameter_stays_frozen_and_gets_no_gradient()
    {
        using var block = MakeBlock();
        var frozen = block.get_parameter("_up.weight")!;
        frozen.requires_grad = false;
        using var scope = NewDisposeScope();
        Backward.Run(Recomputed(block, Input()).sum());
        Assert.False(frozen.requires_grad);
        Assert.Equal(["_up.weight"], block.named_parameters().Where(p => p.parameter.grad is null).Select(p => p.name));
    }

    [Fact]
    public void What_the_body_throws_comes_out_of_the_call_or_of_the_pass_and_the_next_step_is_a_clean_one()
    {
        using var expected = MakeBlock();
        using var block = MakeBlock();
        using var scope = NewDisposeScope();
        block.OnCall = call => { if (call == 1) throw new InvalidDataException("in forward"); if (call == 3) throw new InvalidDataException("in backward"); };
        Assert.Equal("in forward", Assert.Throws<InvalidDataException>(() => Recomputed(block, Input())).Message);
        Assert.All(block.parameters(), p => Assert.True(p.requires_grad));
        Assert.True(is_grad_enabled());

        var y = Recomputed(block, Input());
        var before = Values(get_rng_state());
        var error = Assert.Throws<InvalidDataException>(() => Backward.Run(y.sum()));
        Assert.Equal("in backward", error.Message);
        Assert.Contains(nameof(Block) + ".forward", error.StackTrace, StringComparison.Ordinal);
        Assert.Equal(before, Values(get_rng_state()));
        block.zero_grad();

        AssertSame(Step(expected, (b, x) => b.call(x)), Step(block, Recomputed));
    }

    [Fact]
    public void What_is_differentiated_and_not_handed_in_is_refused()
    {
        using var scope = NewDisposeScope();
        using var block = MakeBlock();
        var (x, outside) = (Input(), ones(Width, requires_grad: true));
        var error = Assert.Throws<InvalidOperationException>(() => Recompute.Run(h => block.call(h) * outside, x, block));
        Assert.Contains("neither among its inputs nor a parameter of its modules", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => Recompute.Run(block.call, x));
        Backward.Run(Recompute.Run(given => [block.call(given[0]!) * given[1]!], [x, outside], block)[0].sum());
        Assert.NotNull(outside.grad);
    }

    [Fact]
    public void Other_random_numbers_than_the_first_time_are_an_error()
    {
        using var scope = NewDisposeScope();
        var x = Input();
        var calls = 0;
        var y = Recompute.Run(h => functional.dropout(++calls == 1 ? h : cat([h, h]), 0.5)[0], x);
        Assert.Contains("other random numbers", Assert.Throws<InvalidOperationException>(() => Backward.Run(y.sum())).Message, StringComparison.Ordinal);
        // Numbers that another thread draws meanwhile are no concern of one that draws none.
        var z = Recompute.Run(h => { if (++calls == 3) rand(1).Dispose(); return h * 2; }, x);
        Backward.Run(z.sum());
    }

    [Fact]
    public void Gradients_of_gradients_are_refused()
    {
        using var scope = NewDisposeScope();
        var y = Recompute.Run(h => h.square(), Input());
        Assert.Throws<NotSupportedException>(() => Backward.Run(y.sum(), createGraph: true));
    }

    [Fact]
    public void A_graph_that_is_retained_is_recomputed_for_each_pass()
    {
        using var scope = NewDisposeScope();
        using var block = MakeBlock();
        var x = Input();
        var loss = Recomputed(block, x).sum();
        Backward.Run(loss, retainGraph: true);
        var once = x.grad!.clone();
        Backward.Run(loss);
        Assert.Equal(Values(once * 2), Values(x.grad!));
        Assert.Equal(3, block.Calls);
    }

    [Fact]
    public void An_input_that_was_written_to_since_is_refused()
    {
        using var scope = NewDisposeScope();
        var x = Input().exp();
        var y = Recompute.Run(h => h.square(), x);
        using (no_grad()) x.add_(1);
        Assert.Contains("modified by an inplace operation", Assert.ThrowsAny<Exception>(() => Backward.Run(y.sum())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_is_that_of_the_inputs_and_of_one_block()
    {
        Assert.SkipWhen(AllocationMeter.Unavailable is not null, AllocationMeter.Unavailable ?? "");
        const int layers = 8, width = 256, rows = 512;
        using var net = Sequential(Enumerable.Range(0, layers).Select(i => ($"{i}", (Module<Tensor, Tensor>)Sequential(Linear(width, width), GELU(), Linear(width, width), GELU(), LayerNorm(width)))));
        const long activation = 4L * rows * width;
        (long AfterForward, long Peak) Measure(Func<Module<Tensor, Tensor>, Tensor, Tensor> run)
        {
            using var scope = NewDisposeScope();
            var x = rand(rows, width);
            foreach (var parameter in net.parameters()) parameter.grad = zeros_like(parameter);
            using var meter = AllocationMeter.Open();
            var h = x;
            foreach (var (_, block) in net.named_children()) h = run((Module<Tensor, Tensor>)block, h);
            var loss = h.sum();
            var afterForward = meter.LiveBytes;
            Backward.Run(loss);
            net.zero_grad();
            return (afterForward, meter.PeakBytes);
        }
        var plain = Measure((block, h) => block.call(h));
        var again = Measure((block, h) => Recompute.Run(block.call, h, block));
        // A block keeps five of its own, and gives one on.
        Assert.InRange(plain.AfterForward, 5 * layers * activation, 6 * layers * activation);
        Assert.InRange(again.AfterForward, layers * activation, (layers * activation) + (activation / 2));
        // Backward holds one block's beside, and a few on their way: none waits for the step's end.
        Assert.InRange(again.Peak, (layers + 4) * activation, (layers + 12) * activation);
        Assert.True(plain.Peak > 2 * again.Peak, $"{plain.Peak} bytes, recomputed {again.Peak}");
    }
}
