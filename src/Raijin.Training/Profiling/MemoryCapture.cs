// Bytes alive are read where something ends: a phase, a module's forward pass. Between two readings the meter keeps the peak, and each reading hands it to everything that
// is open then: the phase and the modules around. So a module's peak is exact, whatever happened inside.

using System.Diagnostics;
using Raijin.Parallel;
using Raijin.Tensors;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>Watches the memory of some steps for a <see cref="MemoryReport"/>.</summary>
sealed class MemoryCapture
{
    static readonly BufferKind[] Kinds = Enum.GetValues<BufferKind>();

    readonly AllocationMeter? _meter;
    readonly ModuleCalls _calls;
    readonly Dictionary<Module, string> _paths = new(ReferenceEqualityComparer.Instance);
    readonly Dictionary<string, Use> _phases = new(StringComparer.Ordinal);
    readonly Dictionary<string, Use> _modules = new(StringComparer.Ordinal);
    readonly List<MemorySample> _timeline = [];
    readonly Stack<Frame> _open = new();
    readonly SortedDictionary<ProfilePhase, long[]> _held = [];
    readonly Func<Ledger?> _ledger;
    readonly int _maxSamples;
    readonly long _base;
    readonly long _modelBytes;
    readonly long _began = Stopwatch.GetTimestamp();
    ProfilePhase _phase = ProfilePhase.Loop;
    ProfilePhase _peakPhase = ProfilePhase.Loop;
    long _peak;
    long _lost;

    public MemoryCapture(Module model, Func<Ledger?> ledger, bool counts, int maxSamples)
    {
        _ledger = ledger;
        _maxSamples = maxSamples;
        foreach (var (name, module) in model.named_modules()) _paths.TryAdd(module, name);
        _modelBytes = ModelInspection.Distinct(model.parameters().Concat(model.buffers())).Sum(t => t.numel() * t.ElementSize);
        _calls = ModuleCalls.Watch(model, Entered, (module, _) => Left(module));
        if (counts) _meter = AllocationMeter.Open();
        _base = _meter is null ? 0 : _modelBytes;
        _peak = Live;
    }

    long Live => _meter is null ? TensorLedger.NativeBytes ?? 0 : _base + _meter.LiveBytes;

    long Allocated => _meter?.AllocatedBytes ?? 0;

    public void PhaseStart(ProfilePhase phase)
    {
        // A phase's hooks may have left modules open that threw.
        _open.Clear();
        _phase = phase;
        _open.Push(new Frame(null, Live, Allocated));
        _meter?.RestartPeak();
    }

    public void PhaseEnd(ProfilePhase phase)
    {
        var live = Sample(Name(phase));
        while (_open.Count > 1) _open.Pop();
        if (_open.TryPop(out var frame)) Add(_phases, Name(phase), frame, live);
        if (phase is not (ProfilePhase.Forward or ProfilePhase.Backward or ProfilePhase.Reduce or ProfilePhase.Optimizer) || _ledger() is not { } ledger) return;
        if (!_held.TryGetValue(phase, out var held)) _held.Add(phase, held = new long[Kinds.Length]);
        foreach (var kind in Kinds) held[(int)kind] = ledger.Held(kind);
    }

    /// <summary>Ends watching and gives the report.</summary>
    public MemoryReport Finish()
    {
        _calls.Dispose();
        _meter?.Dispose();
        return new MemoryReport
        {
            IsCounted = _meter is not null,
            ModelBytes = _modelBytes,
            Peak = _peak,
            PeakPhase = _peakPhase,
            Phases = [.. _phases.Select(p => p.Value.Summary(p.Key))],
            Modules = [.. _modules.Select(p => p.Value.Summary(p.Key)).OrderByDescending(m => m.PeakRise)],
            Holdings = [.. _held.Select(phase => new PhaseHoldings(phase.Key, [.. Kinds.Where(kind => _held.Values.Any(held => held[(int)kind] > 0)).Select(kind => KeyValuePair.Create(kind, phase.Value[(int)kind]))]))],
            Timeline = _timeline,
            LostSamples = _lost,
        };
    }

    static string Name(ProfilePhase phase) => Enum.GetName(phase)!.ToLowerInvariant();

    void Entered(Module module)
    {
        Observe();
        _open.Push(new Frame(module, Live, Allocated));
    }

    void Left(Module module)
    {
        var live = Sample(_paths[module]);
        // Calls that threw never came back.
        while (_open.TryPeek(out var frame) && frame.Module is not null)
        {
            _open.Pop();
            if (!ReferenceEquals(frame.Module, module)) continue;
            Add(_modules, _paths[module], frame, live);
            return;
        }
    }

    /// <summary>Hands the peak since the last reading to all that is open.</summary>
    long Observe()
    {
        var peak = _meter is null ? Live : _base + _meter.PeakBytes;
        foreach (var frame in _open) frame.Peak = Math.Max(frame.Peak, peak);
        if (peak > _peak) (_peak, _peakPhase) = (peak, _phase);
        _meter?.RestartPeak();
        return peak;
    }

    long Sample(string place)
    {
        var peak = Observe();
        var live = Live;
        if (_timeline.Count >= _maxSamples) _lost++;
        else _timeline.Add(new MemorySample(ProfileSpan.Time(Stopwatch.GetTimestamp() - _began), live, peak, TensorLedger.Read().LiveTensors, _phase, place));
        return live;
    }

    void Add(Dictionary<string, Use> to, string name, Frame frame, long live)
    {
        if (!to.TryGetValue(name, out var use)) to[name] = use = new Use();
        use.Count++;
        use.Peak = Math.Max(use.Peak, frame.Peak);
        use.PeakRise = Math.Max(use.PeakRise, frame.Peak - frame.Live);
        use.Kept += live - frame.Live;
        use.Allocated += Allocated - frame.Allocated;
    }

    sealed record Frame(Module? Module, long Live, long Allocated)
    {
        public long Peak { get; set; } = Live;
    }

    sealed class Use
    {
        public long Count;
        public long Peak;
        public long PeakRise;
        public long Kept;
        public long Allocated;

        public MemoryUse Summary(string name) => new(name, Count, Peak, PeakRise, (double)Kept / Count, (double)Allocated / Count);
    }
}
