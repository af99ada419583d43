// T steps of N environments; row t N + i of every tensor holds step t of environment i. D numbers observed.

using System.Runtime.InteropServices;
using Raijin;
using Raijin.Data;
using static TorchSharp.torch;

/// <summary>What PPO learns from: what was seen and done, how likely that was then, how much better it went than expected, and what it was worth.</summary>
sealed record PpoBatch(Tensor Observations, Tensor Actions, Tensor LogProbabilities, Tensor Advantages, Tensor Returns) : IBatch<PpoBatch>
{
    public int Count => (int)Actions.shape[0];

    public PpoBatch Map(Func<Tensor, Tensor> map) => new(map(Observations), map(Actions), map(LogProbabilities), map(Advantages), map(Returns));
}

/// <summary>The rows of a rollout as a dataset. Its tensors are made once and written over by each rollout.</summary>
sealed class RolloutRows : TensorDataset<PpoBatch>
{
    public RolloutRows(PpoBatch rows) : base(
        ("observations", rows.Observations), ("actions", rows.Actions), ("log probabilities", rows.LogProbabilities), ("advantages", rows.Advantages), ("returns", rows.Returns))
    { }

    RolloutRows(RolloutRows whole, DatasetPart part) : base(whole, part) { }

    protected override PpoBatch Make(ReadOnlySpan<Tensor> columns) => new(columns[0], columns[1], columns[2], columns[3], columns[4]);

    protected override TensorDataset<PpoBatch> Take(DatasetPart part) => new RolloutRows(this, part);
}

/// <summary>Plays an agent for T steps in N environments.</summary>
sealed class Rollout(VectorEnvironment environments, int steps, ulong seed)
{
    readonly int _n = environments.Count, _d = environments.ObservationSize;
    readonly RandomStream _random = new(seed, stream: ulong.MaxValue);
    readonly int[] _actions = new int[environments.Count];
    readonly float[] _rewards = new float[steps * environments.Count], _values = new float[steps * environments.Count], _next = new float[steps * environments.Count];
    readonly bool[] _ended = new bool[steps * environments.Count];

    public PpoBatch Rows { get; } = new(
        zeros(steps * environments.Count, environments.ObservationSize), zeros(steps * environments.Count, ScalarType.Int64),
        zeros(steps * environments.Count), zeros(steps * environments.Count), zeros(steps * environments.Count));

    /// <summary>Fills <see cref="Rows"/>.</summary>
    /// <param name="act">Logits [N, A] and values [N] of observations [N, D].</param>
    /// <param name="discount">γ.</param>
    /// <param name="trace">λ of the generalised advantage estimate.</param>
    public void Collect(Func<Tensor, (Tensor Logits, Tensor Values)> act, double discount, double trace)
    {
        var observations = Host<float>(Rows.Observations);
        var actions = Host<long>(Rows.Actions);
        var logs = Host<float>(Rows.LogProbabilities);
        using var _ = no_grad();
        for (var t = 0; t <= steps; t++)
        {
            using var scope = TensorScope.Open();
            var (logits, values) = act(tensor(environments.Observations, _n, _d));
            var expected = Host<float>(values);
            var row = t * _n;
            for (var i = 0; t > 0 && i < _n; i++)
                if (!_ended[row - _n + i]) _next[row - _n + i] = expected[i];
            if (t == steps) break;

            expected.CopyTo(_values.AsSpan(row));
            environments.Observations.CopyTo(observations[(row * _d)..]);
            var probabilities = Host<float>(nn.functional.log_softmax(logits, 1));
            for (var i = 0; i < _n; i++)
            {
                _actions[i] = Sample(probabilities.Slice(i * environments.NumActions, environments.NumActions));
                (actions[row + i], logs[row + i]) = (_actions[i], probabilities[i * environments.NumActions + _actions[i]]);
            }
            environments.Step(_actions);
            environments.Rewards.CopyTo(_rewards, row);
            // An episode that was only cut off would have gone on: its end is worth what the agent expects from there.
            var lastValues = environments.Truncated.Contains(true) ? Host<float>(act(tensor(environments.LastObservations, _n, _d)).Values) : [];
            for (var i = 0; i < _n; i++)
            {
                _ended[row + i] = environments.Terminated[i] || environments.Truncated[i];
                _next[row + i] = environments.Truncated[i] ? lastValues[i] : 0;
            }
        }
        var advantages = Host<float>(Rows.Advantages);
        var returns = Host<float>(Rows.Returns);
        Advantages(_rewards, _values, _next, _ended, _n, discount, trace, advantages);
        for (var i = 0; i < returns.Length; i++) returns[i] = advantages[i] + _values[i];
    }

    /// <summary>
    /// A_t = δ_t + γ λ A_{t+1} within an episode, δ_t = r_t + γ v(s_{t+1}) − v(s_t) (Schulman et al. 2016, "High-dimensional continuous control using
    /// generalized advantage estimation").
    /// </summary>
    /// <param name="next">Value of the state after each step: 0 where the episode terminated.</param>
    /// <param name="ended">Whether the step was its episode's last.</param>
    public static void Advantages(float[] rewards, float[] values, float[] next, bool[] ended, int n, double discount, double trace, Span<float> advantages)
    {
        for (var at = rewards.Length - 1; at >= 0; at--)
        {
            var later = ended[at] || at + n >= rewards.Length ? 0 : advantages[at + n];
            advantages[at] = (float)(rewards[at] + discount * next[at] - values[at] + discount * trace * later);
        }
    }

    int Sample(ReadOnlySpan<float> logProbabilities)
    {
        var left = _random.NextDouble();
        for (var action = 0; action < logProbabilities.Length - 1; action++)
            if ((left -= Math.Exp(logProbabilities[action])) < 0) return action;
        return logProbabilities.Length - 1;
    }

    static Span<T> Host<T>(Tensor tensor) where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.bytes);
}
