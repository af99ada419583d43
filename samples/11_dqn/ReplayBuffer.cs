// B transitions, D numbers observed

using System.Runtime.InteropServices;
using Raijin;
using Raijin.Data;
using static TorchSharp.torch;

/// <summary>B moves: what was seen, what was done, the reward, what was seen then, and 1 where there is no "then" (else 0).</summary>
sealed record Transitions(Tensor Observations, Tensor Actions, Tensor Rewards, Tensor Next, Tensor Terminal) : IBatch<Transitions>
{
    public int Count => (int)Actions.shape[0];

    public Transitions Map(Func<Tensor, Tensor> map) => new(map(Observations), map(Actions), map(Rewards), map(Next), map(Terminal));
}

/// <summary>The last moves made, as a ring of rows. A batch of them is one gather a tensor.</summary>
sealed class ReplayBuffer : TensorDataset<Transitions>
{
    readonly Transitions _rows;
    readonly int _width;
    readonly long[] _picked;
    long _added;

    public ReplayBuffer(int capacity, int observationSize, int batchSize) : this(
        new Transitions(zeros(capacity, observationSize), zeros(capacity, ScalarType.Int64), zeros(capacity), zeros(capacity, observationSize), zeros(capacity)), observationSize, batchSize)
    { }

    ReplayBuffer(Transitions rows, int width, int batchSize) : base(
        ("observations", rows.Observations), ("actions", rows.Actions), ("rewards", rows.Rewards), ("next", rows.Next), ("terminal", rows.Terminal)) =>
        (_rows, _width, _picked) = (rows, width, new long[batchSize]);

    public long Filled => Math.Min(_added, Count);

    public void Add(ReadOnlySpan<float> observation, int action, float reward, ReadOnlySpan<float> next, bool terminal)
    {
        var row = (int)(_added++ % Count);
        observation.CopyTo(Host<float>(_rows.Observations)[(row * _width)..]);
        next.CopyTo(Host<float>(_rows.Next)[(row * _width)..]);
        Host<long>(_rows.Actions)[row] = action;
        Host<float>(_rows.Rewards)[row] = reward;
        Host<float>(_rows.Terminal)[row] = terminal ? 1 : 0;
    }

    /// <summary>A batch of moves, each as likely as the other.</summary>
    public Transitions Sample(RandomStream random)
    {
        foreach (ref var pick in _picked.AsSpan()) pick = random.NextInt64(Filled);
        return Gather(_picked);
    }

    protected override Transitions Make(ReadOnlySpan<Tensor> columns) => new(columns[0], columns[1], columns[2], columns[3], columns[4]);

    protected override TensorDataset<Transitions> Take(DatasetPart part) => throw new NotSupportedException("A replay buffer is not divided.");

    static Span<T> Host<T>(Tensor tensor) where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.bytes);
}
