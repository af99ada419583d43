// Reinforcement learning on Fabric: PPO balances a pole, or lands a lander.
//   dotnet run -c Release --project samples/10_reinforcement -- [steps] [cartpole|lander] [seed]

using System.Diagnostics;
using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var lander = args.Length > 1 && args[1] == "lander";
var settings = lander ? Settings.Lander : Settings.CartPole;
var steps = args.Length > 0 ? int.Parse(args[0]) : settings.Steps;
var seed = args.Length > 2 ? ulong.Parse(args[2]) : 1;
VectorEnvironment Environments(int count, ulong seed) => lander ? new Lander(count, seed) : new CartPole(count, seed);

set_num_threads(1);  // The networks are tiny: a second thread would only have to be woken.
var clock = Stopwatch.StartNew();
var environments = Environments(settings.Environments, seed);
var rollout = new Rollout(environments, settings.Horizon, seed);
var batches = new RolloutRows(rollout.Rows).Batches(settings.BatchSize);
var perRollout = settings.Environments * settings.Horizon;
var rollouts = Math.Max(1, steps / perRollout);

using var fabric = Fabric.Launch(new() { Seed = (long)seed, ClipGradients = Clip.Norm(0.5), TotalSteps = rollouts * settings.Epochs * batches.BatchesPerEpoch });
var (policy, policyOptimizer) = fabric.Setup(Network(environments.NumActions), Optimizer);
var (value, valueOptimizer) = fabric.Setup(Network(1), Optimizer);
(Tensor Logits, Tensor Values) Act(Tensor observations) => (policy.call(observations), value.call(observations).squeeze(1));

environments.Reset();
var mean = double.NaN;
long epoch = 0;
for (var done = 1; done <= rollouts && !(mean >= settings.Solved); done++)
{
    rollout.Collect(Act, settings.Discount, settings.Trace);
    for (var pass = 0; pass < settings.Epochs; pass++)
    {
        foreach (var batch in fabric.Batches(batches, epoch++))
        {
            using var step = fabric.Step();
            var (logits, values) = Act(batch.Observations);
            fabric.Backward(Ppo.Loss(batch, logits, values, settings.Epsilon, settings.EntropyWeight));
            policyOptimizer.Step();
            valueOptimizer.Step();
        }
    }
    if (done % settings.EvaluateEvery != 0 && done != rollouts) continue;
    mean = Evaluate();
    fabric.Print($"{done * perRollout,9:N0} steps  {clock.Elapsed.TotalSeconds,6:f1} s  mean return {mean,6:f1} over 100 episodes");
}
fabric.Print(mean >= settings.Solved ? $"Solved: {mean:f1} ≥ {settings.Solved}." : $"Not solved yet: {mean:f1}, {settings.Solved} is asked for.");

Module<Tensor, Tensor> Network(int outputs) =>
    Sequential(Linear(environments.ObservationSize, 64), Tanh(), Linear(64, 64), Tanh(), Linear(64, outputs));

OptimizerSetup Optimizer(Module<Tensor, Tensor> network) =>
    Optimizers.Adam(network, settings.LearningRate, epsilon: 1e-5).With(Schedules.WarmupLinear(warmupSteps: 0));

// 100 fresh episodes, in each the action the policy thinks best.
double Evaluate() => Environments(100, seed + 1000).Play((observations, actions) =>
{
    using var none = no_grad();
    using var scope = TensorScope.Open();
    var best = policy.call(tensor(observations, actions.Length, environments.ObservationSize)).argmax(1);
    best.to(ScalarType.Int32).data<int>().CopyTo(actions);
});

/// <summary>What PPO is run with.</summary>
sealed record Settings
{
    public required int Steps { get; init; }
    public required double Solved { get; init; }
    public required int Environments { get; init; }
    public required int Horizon { get; init; }
    public required int BatchSize { get; init; }
    public required int Epochs { get; init; }
    public required double LearningRate { get; init; }
    public required double Discount { get; init; }
    public required double Trace { get; init; }
    public double Epsilon { get; init; } = 0.2;
    public double EntropyWeight { get; init; }
    public required int EvaluateEvery { get; init; }

    public static Settings CartPole { get; } = new()
    {
        Steps = 200_000, Solved = 475, Environments = 8, Horizon = 32, BatchSize = 256, Epochs = 20,
        LearningRate = 1e-3, Discount = 0.98, Trace = 0.8, EvaluateEvery = 10,
    };

    public static Settings Lander { get; } = new()
    {
        Steps = 2_000_000, Solved = 200, Environments = 16, Horizon = 1024, BatchSize = 512, Epochs = 4,
        LearningRate = 5e-4, Discount = 0.999, Trace = 0.98, EntropyWeight = 0.01, EvaluateEvery = 5,
    };
}
