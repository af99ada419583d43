using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel.Tests.Engine;

public sealed class SyncBatchNormTests
{
    static Module<Tensor, Tensor> Net() => Sequential(("first", Linear(12, 16)), ("norm", BatchNorm1d(16)), ("gelu", GELU()), ("last", Linear(16, 5)));

    [Theory]
    [InlineData(0, 2)]
    [InlineData(0, 3)]
    [InlineData(3, 2)]
    public void Statistics_over_all_ranks_train_as_one_rank_does(int stage, int ranks)
    {
        var one = Rig.Train(1, Zero.Stage0, 6, Net, new Tensors.Sgd(0.9));
        var many = Rig.Train(ranks, new Strategy { Stage = stage, SyncBatchNorm = true }, 6, Net, new Tensors.Sgd(0.9));
        Assert.Contains("norm.running_var", one.Weights.Keys);
        foreach (var (name, values) in one.Weights)
            for (var i = 0; i < values.Length; i++) Assert.Equal(values[i], many.Weights[name][i], 1e-5 * Math.Max(1, Math.Abs(values[i])));
    }

    [Fact]
    public void Without_it_each_rank_normalizes_by_its_own_samples()
    {
        var one = Rig.Train(1, Zero.Stage0, 2, Net, new Tensors.Sgd(0.9));
        var many = Rig.Train(2, Zero.Stage0, 2, Net, new Tensors.Sgd(0.9));
        Assert.Contains(one.Weights["norm.weight"].Zip(many.Weights["norm.weight"]), p => Math.Abs(p.First - p.Second) > 1e-4);
    }
}
