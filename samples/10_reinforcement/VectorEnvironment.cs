// N copies of an environment, D numbers observed, A actions

using Raijin;

/// <summary>
/// N copies of an environment that step together: one pass over arrays made once. An episode that ends is followed by the next one in the same
/// step. Each copy draws from a random stream of its own, so what happens in it depends on the seed and its number alone.
/// </summary>
abstract class VectorEnvironment
{
    readonly RandomStream[] _random;
    readonly int[] _age;

    protected VectorEnvironment(int count, int observationSize, int numActions, int maxSteps, ulong seed)
    {
        (Count, ObservationSize, NumActions, MaxSteps) = (count, observationSize, numActions, maxSteps);
        _random = [.. Enumerable.Range(0, count).Select(i => new RandomStream(seed, (ulong)i))];
        _age = new int[count];
        Observations = new float[count * observationSize];
        LastObservations = new float[count * observationSize];
        Rewards = new float[count];
        Returns = new double[count];
        Terminated = new bool[count];
        Truncated = new bool[count];
    }

    /// <summary>Number of copies, N.</summary>
    public int Count { get; }

    /// <summary>Numbers in an observation, D.</summary>
    public int ObservationSize { get; }

    /// <summary>Number of actions, A.</summary>
    public int NumActions { get; }

    /// <summary>Steps after which an episode is cut off.</summary>
    public int MaxSteps { get; }

    /// <summary>What is seen now, [N, D].</summary>
    public float[] Observations { get; }

    /// <summary>Where the last step ended an episode: its last observation, [N, D]. <see cref="Observations"/> then shows the next episode's first.</summary>
    public float[] LastObservations { get; }

    /// <summary>Rewards of the last step, [N].</summary>
    public float[] Rewards { get; }

    /// <summary>Sum of the rewards of the episode the last step belongs to, [N].</summary>
    public double[] Returns { get; }

    /// <summary>Whether the last step ended the episode by the environment's rules, [N].</summary>
    public bool[] Terminated { get; }

    /// <summary>Whether the last step was the last one allowed and ended nothing else, [N]: what would have come after is worth something.</summary>
    public bool[] Truncated { get; }

    /// <summary>Begins an episode in every copy.</summary>
    public void Reset()
    {
        for (var i = 0; i < Count; i++) Begin(i);
    }

    /// <summary>One step in every copy. Allocates nothing.</summary>
    /// <param name="actions">[N], 0 to <see cref="NumActions"/> − 1.</param>
    public void Step(ReadOnlySpan<int> actions)
    {
        if (actions.Length != Count) throw new ArgumentException($"{actions.Length} actions for {Count} environments: give one each.", nameof(actions));
        for (var i = 0; i < Count; i++)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)actions[i], (uint)NumActions, nameof(actions));
            if (_age[i] == 0) Returns[i] = 0;
            Rewards[i] = Advance(i, actions[i], out Terminated[i]);
            Returns[i] += Rewards[i];
            Truncated[i] = ++_age[i] >= MaxSteps && !Terminated[i];
            if (Terminated[i] || Truncated[i])
            {
                Observe(i, LastObservations.AsSpan(i * ObservationSize, ObservationSize));
                Begin(i);
            }
            else Observe(i, Observations.AsSpan(i * ObservationSize, ObservationSize));
        }
    }

    /// <summary>Plays one episode in every copy and gives the mean of their returns.</summary>
    /// <param name="choose">Fills in the actions [N] for the observations [N, D].</param>
    public double Play(Action<float[], int[]> choose)
    {
        var (actions, returns) = (new int[Count], new double?[Count]);
        Reset();
        while (returns.Contains(null))
        {
            choose(Observations, actions);
            Step(actions);
            for (var i = 0; i < Count; i++)
                if (Terminated[i] || Truncated[i]) returns[i] ??= Returns[i];
        }
        return returns.Average()!.Value;
    }

    /// <summary>Puts a copy into a random first state.</summary>
    protected abstract void Start(int i, RandomStream random);

    /// <summary>Moves a copy on by one step and gives its reward.</summary>
    protected abstract float Advance(int i, int action, out bool terminated);

    /// <summary>Writes what can be seen of a copy, [D].</summary>
    protected abstract void Observe(int i, Span<float> observation);

    void Begin(int i)
    {
        _age[i] = 0;
        Start(i, _random[i]);
        Observe(i, Observations.AsSpan(i * ObservationSize, ObservationSize));
    }
}
