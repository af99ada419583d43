using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class NonFiniteProbeTests : IDisposable
{
    // Made before the test's tensors are counted: TorchSharp's Linear leaves wrappers behind when it is built.
    readonly nn.Module<Tensor, Tensor> _deep =
        nn.Sequential(("stem", nn.Linear(4, 4)), ("middle", nn.Sequential(nn.ReLU(), nn.Linear(4, 4))), ("head", nn.Linear(4, 2)));
    readonly nn.Module<Tensor, Tensor> _small = nn.Sequential(nn.Linear(2, 2, hasBias: false));

    public void Dispose()
    {
        _deep.Dispose();
        _small.Dispose();
    }

    [Fact]
    public void Names_the_first_module_in_order_of_execution()
    {
        using var scope = NewDisposeScope();
        using (no_grad()) _deep.get_parameter("middle.1.weight")!.fill_(float.NaN);

        using var probe = NonFiniteProbe.Attach(_deep);
        _deep.call(ones(3, 4));
        Assert.Equal(new NonFiniteOutput("middle.1", "Linear", 12, 0, 12, "weight"), probe.First);
        Assert.Contains("middle.1 (Linear): 12 NaN", probe.First!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Tells_infinities_of_the_arithmetic_from_bad_parameters()
    {
        using var scope = NewDisposeScope();
        using (no_grad()) _small.get_parameter("0.weight")!.fill_(2e38f);
        using var probe = NonFiniteProbe.Attach(_small);
        _small.call(ones(1, 2));
        Assert.Equal(new NonFiniteOutput("0", "Linear", 0, 2, 2, null), probe.First);
    }

    [Fact]
    public void Says_nothing_of_a_healthy_model_and_leaves_it_when_disposed()
    {
        using var scope = NewDisposeScope();
        var probe = NonFiniteProbe.Attach(_small);
        _small.call(ones(1, 2));
        Assert.Null(probe.First);
        probe.Dispose();
        _small.call(full(1, 2, float.NaN));
        Assert.Null(probe.First);
    }
}
