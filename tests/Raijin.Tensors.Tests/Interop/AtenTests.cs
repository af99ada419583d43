using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class AtenTests
{
    [Fact]
    public void Set_data_shares_the_memory()
    {
        using var scope = NewDisposeScope();
        var parameter = zeros(2, 3, requires_grad: true);
        var flat = arange(6, dtype: ScalarType.Float32);
        Aten.SetData(parameter, flat.view(2, 3));
        flat[5] = tensor(50f);
        Assert.Equal(50, parameter[1, 2].item<float>());
        Assert.True(parameter.requires_grad && parameter.is_leaf);
    }

    [Fact]
    public void Attention_takes_a_scale_and_grouped_keys()
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = (randn(2, 4, 5, 8), randn(2, 2, 5, 8), randn(2, 2, 5, 8));
        var actual = Aten.ScaledDotProductAttention(q, k, v, isCausal: true, scale: 0.3, enableGqa: true);

        var (k4, v4) = (k.repeat_interleave(2, 1), v.repeat_interleave(2, 1));
        var future = ones(5, 5, dtype: ScalarType.Bool).triu(1);
        var scores = (q.matmul(k4.transpose(-1, -2)) * 0.3).masked_fill(future, float.NegativeInfinity);
        Assert.True(actual.allclose(scores.softmax(-1).matmul(v4), 1e-4, 1e-5));
    }

    [Fact]
    public void Unscaling_divides_and_notes_what_is_not_finite()
    {
        using var scope = NewDisposeScope();
        var gradients = new[] { full(3, 8f), full(2, 4f) };
        var (found, inverse) = (zeros(1), full(1, 0.25f));
        Aten.NonFiniteCheckAndUnscale(gradients, found, inverse);
        Assert.Equal((2f, 1f, 0f), (gradients[0][0].item<float>(), gradients[1][0].item<float>(), found.item<float>()));
        gradients[1][1] = tensor(float.PositiveInfinity);
        Aten.NonFiniteCheckAndUnscale(gradients, found, inverse);
        Assert.Equal(1f, found.item<float>());
    }

    [Fact]
    public void Fused_AdamW_moves_like_its_formula()
    {
        using var scope = NewDisposeScope();
        var (p, g, m, v, step) = (tensor(new[] { 1.0 }), tensor(new[] { 0.5 }), zeros(1, dtype: ScalarType.Float64), zeros(1, dtype: ScalarType.Float64), tensor(1f));
        Aten.FusedAdamW([p], [g], [m], [v], [], [step], 0.1, 0.9, 0.999, 0.01, 1e-8);
        // On the first step the corrected moments are g and g², so the move is lr · sign(g) after the decay.
        Assert.Equal(1 - 0.1 * 0.01 - 0.1 * 0.5 / (0.5 + 1e-8), p.item<double>(), 12);
        Assert.Equal(0.05, m.item<double>(), 12);
        Assert.Equal(0.00025, v.item<double>(), 12);
    }

    [Fact]
    public void Fused_Adam_adds_the_decay_to_the_gradient()
    {
        using var scope = NewDisposeScope();
        var (p, g, m, v, step) = (tensor(new[] { 1.0 }), tensor(new[] { 0.5 }), zeros(1, dtype: ScalarType.Float64), zeros(1, dtype: ScalarType.Float64), tensor(1f));
        var most = zeros(1, dtype: ScalarType.Float64);
        Aten.FusedAdam([p], [g], [m], [v], [most], [step], 0.1, 0.9, 0.999, 0.1, 1e-8);
        Assert.Equal(0.06, m.item<double>(), 12);
        Assert.Equal(0.00036, most.item<double>(), 12);
        Assert.Equal(0.9, p.item<double>(), 6);
    }

    [Fact]
    public void Fused_Sgd_follows_its_momentum()
    {
        using var scope = NewDisposeScope();
        var (p, g, buffer) = (tensor(new[] { 1.0 }), tensor(new[] { 0.5 }), zeros(1, dtype: ScalarType.Float64));
        Aten.FusedSgd([p], [g], [buffer], 0.1, momentum: 0.9, isFirstStep: true);
        Aten.FusedSgd([p], [g], [buffer], 0.1, momentum: 0.9);
        Assert.Equal(0.95, buffer.item<double>(), 12);
        Assert.Equal(1 - 0.05 - 0.095, p.item<double>(), 12);
        Aten.FusedSgd([p], [g], [], 0.1);
        Assert.Equal(1 - 0.05 - 0.095 - 0.05, p.item<double>(), 12);
    }
}
