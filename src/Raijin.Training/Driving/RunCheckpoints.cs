using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Raijin.Training;

/// <summary>The checkpoints of one run: carries out requests where the state is whole, and prunes by what all who asked want kept.</summary>
/// <remarks>Every rank takes part in making what is written. The first one writes it, or each its share; what they write in the background they finish together, when they meet and none is at it any more.</remarks>
sealed class RunCheckpoints(CheckpointStore store, Peers peers, ILogger logger) : IDisposable
{
    /// <summary>Weights below this make a first copy whose fresh memory costs a millisecond or two.</summary>
    const long WorthPreparingBytes = 16 << 20;

    readonly Dictionary<string, Retention> _retentions = new(StringComparer.Ordinal);
    PendingCheckpoint? _pending;
    PendingShardedCheckpoint? _shared;
    bool _allHaveWritten;
    TrainingRun? _run;
    HookTable? _hooks;
    bool _prepared;

    public CheckpointStore Store => store;

    /// <summary>Called before a checkpoint is written: what must be on the disk before it is.</summary>
    public Action? BeforeSave { get; set; }

    /// <summary>Writes one checkpoint for all requests of this boundary.</summary>
    /// <exception cref="CheckpointException">It, or the one still being written, failed. What was there before is untouched.</exception>
    public void Execute(TrainingRun run, Func<CheckpointContent> capture, HookTable hooks)
    {
        // After the first step, when the optimizers have their state too.
        if (!_prepared && peers.IsAlone && run.Step > run.FirstStep) Prepare(run, capture);
        var requests = run.TakeRequests();
        if (requests.Count == 0) return;
        (_run, _hooks) = (run, hooks);
        Settle();
        BeforeSave?.Invoke();

        foreach (var request in requests) _retentions[request.By] = request.Retention;
        store.Retain = all => _retentions.Values.SelectMany(r => r.Select(all));
        var name = NameOf(requests, run);
        var facts = new CheckpointFacts(run.Step, ScoreOf(requests, run, name), new Dictionary<string, double>(run.Metrics));
        var inBackground = requests.All(r => r.InBackground);

        using var scope = TensorScope.Open();
        var content = capture();
        if (content.Slices is not null)
        {
            _shared = store.BeginTogether(name, peers.World!.Group, content, facts, inBackground);
            _allHaveWritten = false;
            if (!inBackground) Settle();
        }
        else if (peers.IsFirst)
        {
            if (inBackground) _pending = store.SaveInBackground(name, content, facts);
            else Written(store.Save(name, content, facts));
        }
    }

    /// <summary>Whether this rank is writing its share of a checkpoint.</summary>
    public bool IsWriting => _shared is { IsBusy: true };

    /// <summary>Hears how many ranks were writing when they last met.</summary>
    public void Hear(double writers) => _allHaveWritten = _shared is not null && writers == 0;

    /// <summary>Goes on with what ranks write together, where none of them waits for that. Every rank calls it.</summary>
    public void Advance()
    {
        if (!_allHaveWritten) return;
        _allHaveWritten = false;
        if (_shared!.Advance()) Settle();
    }

    double? ScoreOf(IReadOnlyList<CheckpointRequest> requests, TrainingRun run, string name)
    {
        if (requests.FirstOrDefault(r => r.Score is not null)?.Score is not { } scored) return null;
        if (run.Metrics.TryGetValue(scored.Metric, out var value)) return value;
        if (peers.IsFirst)
            logger.LogWarning("Checkpoint {Name} has no {Metric} to be ranked by; known so far: {Known}.", name, scored.Metric, run.Metrics.Count == 0 ? "nothing" : string.Join(", ", run.Metrics.Keys));
        return null;
    }

    static string NameOf(IReadOnlyList<CheckpointRequest> requests, TrainingRun run) => string.Create(CultureInfo.InvariantCulture, $"{requests[0].Prefix}-{run.Step:D8}");

    /// <summary>Waits until everything asked for lies on the disk.</summary>
    public void Flush() => Settle();

    /// <summary>Has the memory of background saves made while training goes on.</summary>
    void Prepare(TrainingRun run, Func<CheckpointContent> capture)
    {
        _prepared = true;
        if (run.Module.parameters().Sum(p => p.NumberOfElements * p.ElementSize) < WorthPreparingBytes) return;
        using var scope = TensorScope.Open();
        store.Prepare(capture());
    }

    void Settle()
    {
        if (_shared is { } shared)
        {
            _shared = null;
            using (shared) Written(shared.Wait());
        }
        if (_pending is not { } pending) return;
        _pending = null;
        Written(pending.Wait());
    }

    void Written(CheckpointInfo info)
    {
        if (peers.IsFirst) HookTable.Call(_hooks!.CheckpointSaved, _run!, info);
    }

    public void Dispose()
    {
        _shared?.Dispose();
        store.Dispose();
    }
}
