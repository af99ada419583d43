using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Regressions;

public sealed class MomentsKernelTests
{
    [Fact]
    public void Blocks_of_a_large_batch_give_what_tensor_ops_give() => Gen.Select(Gen.Int[1, 3000], Gen.Bool, Gen.Bool, Gen.Int[1, 2]).Sample((rows, weighted, single, outputs) =>
    {
        using var scope = NewDisposeScope();
        var random = new Random(rows);
        var dtype = single ? ScalarType.Float32 : ScalarType.Float64;
        Tensor Draw(int count, Func<double> value) => tensor(Enumerable.Range(0, count).Select(_ => value()).ToArray(), dtype);
        var batch = new Comparison(
            Draw(rows * outputs, () => 100 + random.NextDouble()).reshape(rows, outputs),
            Draw(rows * outputs, () => 100 + random.NextDouble()).reshape(rows, outputs),
            weighted ? Draw(rows, () => random.Next(3)) : null);
        foreach (var kind in (PairKind[])[PairKind.ErrorsAndTargets, PairKind.PredictionsAndTargets])
        {
            var accumulation = new PairMoments(kind, outputs);
            using var fused = new MetricStates();
            using var plain = new MetricStates();
            accumulation.Declare(fused);
            accumulation.Declare(plain);
            Assert.True(accumulation.TryAddOnHost(fused, batch));
            accumulation.Add(plain, batch);
            Recording.Near(plain[0].ToArray<double>(), fused[0].ToArray<double>(), 1e-11, accumulation.ToString());
        }
    }, iter: 40, threads: 1);
}
