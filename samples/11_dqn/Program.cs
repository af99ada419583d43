// Deep Q-learning on Fabric: a replay buffer, a target network, and the double estimate of van Hasselt et al. 2016 balance a pole.
//   dotnet run -c Release --project samples/11_dqn -- [steps] [seed]

using System.Diagnostics;
using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

const int Environments = 8, BatchSize = 128, LearnAfter = 1_000, TargetEvery = 50, EvaluateEvery = 2_000;
const double Discount = 0.99, Solved = 475, FirstRandom = 1, LastRandom = 0.02;
var steps = args.Length > 0 ? int.Parse(args[0]) : 100_000;
var seed = args.Length > 1 ? ulong.Parse(args[1]) : 1;

set_num_threads(1);  // The network is tiny: a second thread would only have to be woken.
var clock = Stopwatch.StartNew();
using var fabric = Fabric.Launch(new() { Seed = (long)seed, ClipGradients = Clip.Norm(10) });
var (online, optimizer) = fabric.Setup(Network(), m => Optimizers.Adam(m, 5e-4));
var target = fabric.Setup(Network());
CopyTo(target);

var environments = new CartPole(Environments, seed);
var replay = new ReplayBuffer(capacity: 50_000, environments.ObservationSize, BatchSize);
var random = new RandomStream(seed, stream: ulong.MaxValue);
var (actions, before) = (new int[Environments], new float[environments.Observations.Length]);
var mean = double.NaN;
environments.Reset();

for (long done = 0, updates = 0; done < steps && !(mean >= Solved);)
{
    var exploration = double.Max(LastRandom, FirstRandom - (FirstRandom - LastRandom) * done / (0.1 * steps));
    environments.Observations.CopyTo(before, 0);
    Greedy(before, actions);
    foreach (ref var action in actions.AsSpan())
        if (random.NextDouble() < exploration) action = (int)random.NextInt64(environments.NumActions);
    environments.Step(actions);
    for (var i = 0; i < Environments; i++)
    {
        var ended = environments.Terminated[i] || environments.Truncated[i];
        replay.Add(Row(before, i), actions[i], environments.Rewards[i], Row(ended ? environments.LastObservations : environments.Observations, i), environments.Terminated[i]);
    }
    done += Environments;
    if (done < LearnAfter) continue;

    for (var i = 0; i < Environments / 2; i++)
    {
        using var step = fabric.Step();
        fabric.Backward(Loss(replay.Sample(random)));
        optimizer.Step();
        if (++updates % TargetEvery == 0) CopyTo(target);
    }
    if (done % EvaluateEvery >= Environments && done < steps) continue;
    mean = new CartPole(100, seed + 1000).Play(Greedy);
    fabric.Print($"{done,9:N0} steps  {clock.Elapsed.TotalSeconds,6:f1} s  mean return {mean,6:f1} over 100 episodes");
}
fabric.Print(mean >= Solved ? $"Solved: {mean:f1} ≥ {Solved}." : $"Not solved yet: {mean:f1}, {Solved} is asked for.");

// The online network says which action is best next, the target network what it is worth: one alone would pick its own overestimates.
Tensor Loss(Transitions batch)
{
    var now = online.call(batch.Observations).gather(1, batch.Actions.unsqueeze(1)).squeeze(1);
    Tensor goal;
    using (no_grad())
    {
        var best = online.call(batch.Next).argmax(1, keepdim: true);
        goal = batch.Rewards + Discount * (1 - batch.Terminal) * target.call(batch.Next).gather(1, best).squeeze(1);
    }
    return functional.smooth_l1_loss(now, goal);
}

void Greedy(float[] observations, int[] chosen)
{
    using var none = no_grad();
    using var scope = TensorScope.Open();
    online.call(tensor(observations, chosen.Length, environments.ObservationSize)).argmax(1).to(ScalarType.Int32).data<int>().CopyTo(chosen);
}

void CopyTo(Module<Tensor, Tensor> network)
{
    using var scope = TensorScope.Open();
    network.load_state_dict(online.state_dict());
}

ReadOnlySpan<float> Row(float[] observations, int i) => observations.AsSpan(i * environments.ObservationSize, environments.ObservationSize);

static Module<Tensor, Tensor> Network() => Sequential(Linear(4, 128), ReLU(), Linear(128, 128), ReLU(), Linear(128, 2));
