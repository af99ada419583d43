using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Optimization;

public sealed class OptimizersTests
{
    static readonly (string Name, Func<Module, OptimizerSetup> Make, OptimizerAlgorithm Algorithm, double LearningRate, double WeightDecay)[] Factories =
    [
        ("nadam", m => Optimizers.NAdam(m, beta1: 0.8, momentumDecay: 1e-3), new NAdam(0.8, MomentumDecay: 1e-3), 2e-3, 0),
        ("radam", m => Optimizers.RAdam(m, weightDecay: 0.1), new RAdam(), 1e-3, 0.1),
        ("adamax", m => Optimizers.Adamax(m, epsilon: 1e-6), new Adamax(Epsilon: 1e-6), 2e-3, 0),
        ("adadelta", m => Optimizers.Adadelta(m, rho: 0.8), new Adadelta(0.8), 1, 0),
        ("onebit-adam", m => Optimizers.OneBitAdam(m, freezeSteps: 3, weightDecay: 0.1), new OneBitAdam(FreezeStep: 3), 1e-3, 0.1),
        ("rprop", m => Optimizers.Rprop(m, grow: 1.5), new Rprop(Grow: 1.5), 1e-2, 0),
        ("asgd", m => Optimizers.Asgd(m, averageFrom: 10), new Asgd(AverageFrom: 10), 1e-2, 0),
        ("schedule-free", m => Optimizers.ScheduleFreeAdamW(m, beta1: 0.95), new ScheduleFreeAdamW(0.95), 2.5e-3, 0),
        ("lamb", m => Optimizers.Lamb(m, scaleUndecayed: false), new Lamb(ScaleUndecayed: false), 1e-3, 1e-2),
        ("lars", m => Optimizers.Lars(m, 0.1, trustCoefficient: 0.02), new Lars(TrustCoefficient: 0.02), 0.1, 0),
        ("adafactor", m => Optimizers.Adafactor(m, relativeStep: false), new Adafactor(RelativeStep: false), 1e-2, 0),
        ("muon", m => Optimizers.Muon(m, adamWOn: "*out*"), new Muon(AdamWOn: "*out*"), 1e-3, 0.1),
    ];

    public static TheoryData<string> Names => [.. Factories.Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_factory_hands_its_arguments_on_and_the_optimizer_trains(string name)
    {
        var (_, make, algorithm, learningRate, weightDecay) = Factories.Single(f => f.Name == name);
        using var scope = NewDisposeScope();
        using var model = Linear(6, 3);
        var request = Assert.Single(make(model).Requests);
        Assert.Equal(algorithm, request.Algorithm);
        Assert.Equal((learningRate, weightDecay), (request.LearningRate, request.WeightDecay));

        using var optimizer = new RunOptimizer(request, Clip.None, null, null, null, (algorithm, groups) => new FusedOptimizer(algorithm, groups));
        var inputs = ones(4, 6);
        var before = Loss();
        for (var step = 0; step < 5; step++)
        {
            model.call(inputs).square().sum().backward();
            optimizer.Step();
        }

        Assert.Equal(5, optimizer.Updates);
        Assert.True(Loss() < before, $"the loss went from {before} to {Loss()}");

        double Loss() => model.call(inputs).square().sum().item<float>();
    }
}
