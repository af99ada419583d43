using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

/// <summary>Parameters and gradients for optimizer tests, reproducible from a seed.</summary>
static class Optimized
{
    public static IReadOnlyList<OptimizerAlgorithm> Algorithms { get; } =
    [
        new Sgd(),
        new Sgd(Momentum: 0.9),
        new Sgd(Momentum: 0.9, Dampening: 0.1),
        new Sgd(Momentum: 0.9, Nesterov: true),
        new Sgd(Momentum: 0.5) { Maximize = true },
        new Adam(),
        new Adam(Beta1: 0.3, AmsGrad: true),
        new AdamW(),
        new AdamW(AmsGrad: true) { Maximize = true },
        new Adam(AmsGrad: true, BiasCorrection: false),
        new AdamW(BiasCorrection: false),
        new Lion(),
        new Adagrad(),
        new Adagrad(LearningRateDecay: 0.1, InitialAccumulator: 0.5),
        new RmsProp(),
        new RmsProp(Momentum: 0.9),
        new RmsProp(Centered: true),
        new RmsProp(Momentum: 0.9, Centered: true),
        new NAdam(),
        new NAdam(Beta1: 0.8, MomentumDecay: 0.5) { Maximize = true },
        new RAdam(),
        new RAdam(Beta2: 0.9),
        new Adamax(),
        new Adadelta(),
        new Rprop(),
        new Rprop(SmallestStep: 4e-3, LargestStep: 0.02),
        new Asgd(),
        new Asgd(Lambda: 0.5, AverageFrom: 2),
        new OneBitAdam(),
        new OneBitAdam(Beta2: 0.9, FreezeStep: 2) { Maximize = true },
        new ScheduleFreeAdamW(),
        new ScheduleFreeAdamW(Beta1: 0.95, StepPower: 1),
    ];

    /// <summary>Those whose update of an element depends on the whole tensor.</summary>
    public static IReadOnlyList<OptimizerAlgorithm> Tensorwise { get; } =
    [
        new Lamb(),
        new Lamb(ScaleUndecayed: false) { Maximize = true },
        new Lamb(BiasCorrection: false, LeastTrust: 0.5, MostTrust: 0.7),
        new Lars(),
        new Lars(Momentum: 0.5, TrustCoefficient: 0.1, ScaleUndecayed: false),
        new Adafactor(),
        new Adafactor(RelativeStep: false, ScaleByParameter: false, ClipThreshold: 0.5),
        new Muon(),
        new Muon(Nesterov: false, Iterations: 3, MatchAdamW: false) { Others = new(Beta1: 0.8) },
    ];

    public static IReadOnlyList<OptimizerAlgorithm> All { get; } = [.. Algorithms, .. Tensorwise];

    public static TheoryData<int> AlgorithmIndices => [.. Enumerable.Range(0, Algorithms.Count)];

    public static TheoryData<int> AllIndices => [.. Enumerable.Range(0, All.Count)];

    public static float[] Values(int seed, long count, double scale = 1)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)((random.NextDouble() - 0.5) * scale * Math.Pow(10, random.Next(-3, 2)));
        return values;
    }

    public static Parameter Parameter(float[] values, ScalarType dtype = ScalarType.Float32, params long[] shape)
    {
        using var source = tensor(values);
        using var shaped = shape.Length == 0 ? source.alias() : source.view(shape);
        return new Parameter(shaped.to(dtype, copy: true));
    }

    public static void SetGradient(Parameter parameter, float[] values, ScalarType? dtype = null)
    {
        using var source = tensor(values);
        using var typed = source.to(dtype ?? parameter.dtype);
        using var shaped = typed.reshape(parameter.shape);
        parameter.grad = shaped;
    }

    public static ParameterGroup Group(IEnumerable<Parameter> parameters, double learningRate = 0.01, double weightDecay = 0.1, string name = "all") =>
        new(name, parameters.Select((p, i) => KeyValuePair.Create($"p{i}", p)), learningRate, weightDecay);

    public static float[] Read(Tensor tensor)
    {
        using var detached = tensor.detach();
        using var wide = detached.to(ScalarType.Float32);
        return wide.data<float>().ToArray();
    }

    public static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);
}
