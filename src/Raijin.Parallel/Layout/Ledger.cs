using Raijin.Collectives;

namespace Raijin.Parallel;

/// <summary>
/// The engine's books on one rank: what it holds of each kind, the most it ever held, and what crossed between ranks for which purpose. Compared with the plan, and gated exactly by tests.
/// </summary>
public sealed class Ledger
{
    static readonly int Kinds = Enum.GetValues<BufferKind>().Length;

    readonly long[] _held = new long[Kinds];
    readonly long[] _peak = new long[Kinds];
    readonly long[] _onDisk = new long[Kinds];
    readonly Dictionary<(BufferKind Kind, CollectiveKind Collective), Crossing> _crossings = [];
    readonly Dictionary<(BufferKind Kind, CollectiveKind Collective), Crossing> _sinceStep = [];
    readonly Dictionary<(BufferKind Kind, CollectiveKind Collective), Crossing> _leastStep = [];
    long _total;

    /// <summary>Bytes of memory held of a kind now.</summary>
    public long Held(BufferKind kind) => _held[(int)kind];

    /// <summary>Bytes of a kind in files now; no memory is held for them.</summary>
    public long HeldOnDisk(BufferKind kind) => _onDisk[(int)kind];

    /// <summary>The most bytes of memory ever held of a kind at once.</summary>
    public long Peak(BufferKind kind) => _peak[(int)kind];

    /// <summary>Bytes of memory held now, over all kinds.</summary>
    public long TotalHeld => _total;

    /// <summary>The most bytes of memory ever held at once, over all kinds.</summary>
    public long TotalPeak { get; private set; }

    /// <summary>Calls and bytes of one collective for one kind of buffer: the bytes of the whole tensor, as <see cref="TrafficCount"/> counts.</summary>
    public Crossing Crossed(BufferKind kind, CollectiveKind collective) => _crossings.GetValueOrDefault((kind, collective));

    /// <summary>Everything that crossed, by purpose.</summary>
    public IReadOnlyDictionary<(BufferKind Kind, CollectiveKind Collective), Crossing> Crossings => _crossings;

    /// <summary>Updates so far.</summary>
    public long Steps { get; private set; }

    /// <summary>What crossed from one update to the next where that was least: a training step's own, without an evaluation that fell between two.</summary>
    public IReadOnlyDictionary<(BufferKind Kind, CollectiveKind Collective), Crossing> LeastStep => _leastStep;

    /// <summary>
    /// Bytes that a ring moves over each rank's link for all that crossed, less the factor (n - 1)/n: an all-reduce counts twice its bytes, a reduce-scatter, an all-gather and a broadcast once. In these units a step of
    /// data parallelism moves 2Ψ and one of stage 3 moves 3Ψ (Rajbhandari et al. 2020, §7).
    /// </summary>
    public long Volume => VolumeOf(_crossings);

    /// <summary>
    /// Bytes that leave the rank's node for all that crossed, less the factor (H - 1)/H of H nodes: what <see cref="Strategy.SecondaryShardSize"/> ranks have together on the slow wire. Where that is 0, each rank counts as a
    /// node of its own, and this is <see cref="Volume"/>. ZeRO++ moves 0.75 of the 3M of stage 3 in these units (Wang et al. 2023, table 1).
    /// </summary>
    public long NodeVolume => _crossings.Sum(c => c.Value.NodeBytes * (c.Key.Collective == CollectiveKind.AllReduce ? 2 : 1));

    /// <summary>Forgets what crossed; what is held stays.</summary>
    public void ResetCrossings() => _crossings.Clear();

    /// <summary>The books as they are now, which later entries don't change.</summary>
    public Ledger Snapshot()
    {
        var copy = new Ledger { _total = _total, TotalPeak = TotalPeak };
        _held.CopyTo(copy._held, 0);
        _peak.CopyTo(copy._peak, 0);
        _onDisk.CopyTo(copy._onDisk, 0);
        foreach (var (key, crossing) in _crossings) copy._crossings.Add(key, crossing);
        foreach (var (key, crossing) in _leastStep) copy._leastStep.Add(key, crossing);
        copy.Steps = Steps;
        return copy;
    }

    internal void Allocated(BufferKind kind, long bytes)
    {
        var held = _held[(int)kind] += bytes;
        if (held > _peak[(int)kind]) _peak[(int)kind] = held;
        _total += bytes;
        if (_total > TotalPeak) TotalPeak = _total;
    }

    internal void Freed(BufferKind kind, long bytes)
    {
        _held[(int)kind] -= bytes;
        _total -= bytes;
    }

    internal void AllocatedOnDisk(BufferKind kind, long bytes) => _onDisk[(int)kind] += bytes;

    internal void FreedOnDisk(BufferKind kind, long bytes) => _onDisk[(int)kind] -= bytes;

    internal void Posted(BufferKind kind, CollectiveKind collective, long bytes, long nodeBytes)
    {
        Add(_crossings);
        Add(_sinceStep);

        void Add(Dictionary<(BufferKind Kind, CollectiveKind Collective), Crossing> crossings)
        {
            var crossing = crossings.GetValueOrDefault((kind, collective));
            crossings[(kind, collective)] = new(crossing.Calls + 1, crossing.Bytes + bytes, crossing.NodeBytes + nodeBytes);
        }
    }

    /// <summary>An update is done.</summary>
    internal void EndStep()
    {
        Steps++;
        if (_leastStep.Count == 0 || VolumeOf(_sinceStep) < VolumeOf(_leastStep))
        {
            _leastStep.Clear();
            foreach (var (key, crossing) in _sinceStep) _leastStep.Add(key, crossing);
        }
        _sinceStep.Clear();
    }

    static long VolumeOf(Dictionary<(BufferKind Kind, CollectiveKind Collective), Crossing> crossings)
    {
        var sum = 0L;
        foreach (var (key, crossing) in crossings) sum += crossing.Bytes * (key.Collective == CollectiveKind.AllReduce ? 2 : 1);
        return sum;
    }
}

/// <summary>How often, and with how many bytes.</summary>
/// <param name="Calls">Calls.</param>
/// <param name="Bytes">Bytes of the whole tensors.</param>
/// <param name="NodeBytes">Those of them that leave the rank's node, for all ranks on it: <see cref="Ledger.NodeVolume"/>.</param>
public readonly record struct Crossing(long Calls, long Bytes, long NodeBytes);
