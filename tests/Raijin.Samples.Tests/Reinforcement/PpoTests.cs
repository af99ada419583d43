using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Samples.Tests.Reinforcement;

public sealed class PpoTests
{
    [Fact]
    public void Advantages_are_the_discounted_sum_of_the_episodes_surprises()
    {
        const int Steps = 13, N = 3;
        const double Discount = 0.97, Trace = 0.9;
        var random = new RandomStream(1);
        float[] Draw() => [.. Enumerable.Range(0, Steps * N).Select(_ => (float)random.NextGaussian())];
        var (rewards, values, next) = (Draw(), Draw(), Draw());
        bool[] ended = [.. Enumerable.Range(0, Steps * N).Select(_ => random.NextDouble() < 0.2)];
        Assert.Contains(true, ended);

        var advantages = new float[Steps * N];
        Rollout.Advantages(rewards, values, next, ended, N, Discount, Trace, advantages);

        for (var t = 0; t < Steps; t++)
            for (var i = 0; i < N; i++)
            {
                var (expected, weight) = (0.0, 1.0);
                for (var k = t; k < Steps; k++)
                {
                    var at = k * N + i;
                    expected += weight * (rewards[at] + Discount * next[at] - values[at]);
                    weight *= Discount * Trace;
                    if (ended[at]) break;
                }
                Assert.Equal(expected, advantages[t * N + i], 1e-5);
            }
    }

    [Fact]
    public void The_policy_loss_is_the_clipped_one()
    {
        double[] now = [-0.5, -1.2, -0.1, -2.0, -0.7, -0.7], old = [-0.9, -0.8, -0.1, -1.0, -0.75, -1.5], gain = [1.0, -2.0, 0.5, 1.5, -1.0, -0.3];
        var expected = -now.Select((log, i) =>
        {
            var ratio = Math.Exp(log - old[i]);
            return Math.Min(ratio * gain[i], Math.Clamp(ratio, 0.8, 1.2) * gain[i]);
        }).Average();

        using var scope = TensorScope.Open();
        var loss = Ppo.PolicyLoss(tensor(now), tensor(old), tensor(gain), epsilon: 0.2);
        Assert.Equal(expected, loss.item<double>(), 1e-12);
    }

    [Fact]
    public void Beyond_the_clip_nothing_is_to_be_gained()
    {
        using var scope = TensorScope.Open();
        // The first is worth more and likelier than before by more than ε, the second the other way round: no slope. The third is within.
        var now = tensor(new[] { -0.1, -3.0, -1.0 }, requires_grad: true);
        Ppo.PolicyLoss(now, tensor(new[] { -1.0, -1.0, -1.0 }), tensor(new[] { 2.0, -2.0, 3.0 }), epsilon: 0.2).backward();
        Assert.Equal([0.0, 0.0, -1.0], now.grad!.data<double>().ToArray());
    }

    [Fact]
    public void The_whole_loss_is_the_sum_of_its_parts()
    {
        using var scope = TensorScope.Open();
        double[][] logits = [[0.2, -0.4], [1.0, 0.3], [-0.6, 0.9], [0.0, 0.1]];
        double[] values = [0.3, -0.2, 0.8, 1.1], returns = [1.0, 0.5, 0.2, 0.9], advantages = [0.7, -0.4, 0.2, 1.5], old = [-0.6, -0.5, -0.4, -0.8];
        long[] actions = [0, 1, 1, 0];
        var batch = new PpoBatch(zeros(4, 1), tensor(actions), tensor(old), tensor(advantages), tensor(returns));
        var loss = Ppo.Loss(batch, stack([.. logits.Select(l => tensor(l))]), tensor(values), epsilon: 0.2, entropyWeight: 0.01);

        var mean = advantages.Average();
        var deviation = Math.Sqrt(advantages.Sum(a => (a - mean) * (a - mean)) / 3) + 1e-8;
        var (policy, value, entropy) = (0.0, 0.0, 0.0);
        for (var i = 0; i < 4; i++)
        {
            var norm = Math.Log(logits[i].Sum(Math.Exp));
            var ratio = Math.Exp(logits[i][actions[i]] - norm - old[i]);
            var gain = (advantages[i] - mean) / deviation;
            policy -= Math.Min(ratio * gain, Math.Clamp(ratio, 0.8, 1.2) * gain) / 4;
            value += Math.Pow(values[i] - returns[i], 2) / 4;
            entropy -= logits[i].Sum(l => Math.Exp(l - norm) * (l - norm)) / 4;
        }
        Assert.Equal(policy + 0.5 * value - 0.01 * entropy, loss.item<double>(), 1e-9);
    }

    [Fact]
    public void A_rollout_holds_what_was_done_and_what_the_agent_thought_of_it()
    {
        using var scope = TensorScope.Open();
        Seed.Everything(0);
        using var policy = Linear(4, 2);
        using var value = Linear(4, 1);
        (Tensor, Tensor) Act(Tensor seen) => (policy.call(seen), value.call(seen).squeeze(1));
        float[] Play(out float[] observations, out long[] actions)
        {
            var environments = new CartPole(3, seed: 6);
            environments.Reset();
            var rollout = new Rollout(environments, steps: 40, seed: 6);
            rollout.Collect(Act, discount: 0.98, trace: 0.8);
            var rows = rollout.Rows;
            (observations, actions) = (rows.Observations.data<float>().ToArray(), rows.Actions.data<long>().ToArray());
            var logs = functional.log_softmax(policy.call(rows.Observations), 1).gather(1, rows.Actions.unsqueeze(1)).squeeze(1);
            Assert.True(logs.allclose(rows.LogProbabilities, 1e-5, 1e-6));
            Assert.True((rows.Returns - rows.Advantages).allclose(value.call(rows.Observations).squeeze(1), 1e-4, 1e-5));
            return rows.Advantages.data<float>().ToArray();
        }

        var first = Play(out var seen, out var done);
        Assert.Equal(first, Play(out var seenAgain, out var doneAgain));
        Assert.Equal(seen, seenAgain);
        Assert.Equal(done, doneAgain);
        Assert.Equal([0L, 1L], done.Distinct().Order());

        // The recorded actions lead through the recorded observations.
        var replayed = new CartPole(3, seed: 6);
        replayed.Reset();
        for (var t = 0; t < 40; t++)
        {
            Assert.Equal(seen[(t * 12)..((t + 1) * 12)], replayed.Observations);
            replayed.Step([(int)done[t * 3], (int)done[t * 3 + 1], (int)done[t * 3 + 2]]);
        }
    }
}
