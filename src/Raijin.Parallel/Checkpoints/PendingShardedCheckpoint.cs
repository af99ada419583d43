using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization.Metadata;
using Raijin.Collectives;
using Raijin.Parallel;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

// begin     every rank says what it holds, rank 0 makes the temporary folder and says where; all plan who writes what; copies     one exchange
// writing   every rank writes its share as one file, durable                                                                     a thread of each
// outcome   every rank says what it wrote, or why not                                                                            one exchange
// publish   rank 0 writes index, state and manifest, and gives the folder its name                                               a thread of rank 0
// end       rank 0 says so                                                                                                       one exchange
// Exchanges are made by whoever calls, never by a thread of its own: they stand in one order with all that ranks do.

/// <summary>A checkpoint that all ranks of a group write, each its part; at once, or while they do something else.</summary>
public sealed class PendingShardedCheckpoint : IDisposable
{
    const string Consequence = "Nothing was saved.";

    readonly string _path;
    readonly Group _group;
    readonly ShardedContent _content;
    readonly CheckpointFacts _facts;
    readonly ShardedSaveOptions _options;
    readonly DateTimeOffset _created;
    readonly IReadOnlyList<(HeldSlice Tensor, IReadOnlyList<PlannedSlice> Slices)> _plan;
    readonly bool _isPlain;
    CheckpointStaging? _staging;
    SaveOutcome _written = new(0, null, new Dictionary<string, string>(), null, null);
    SaveOutcome[]? _outcomes;
    CheckpointInfo? _published;
    Task<Exception?> _work;

    internal PendingShardedCheckpoint(string path, Group group, ShardedContent content, CheckpointFacts facts, ShardedSaveOptions options, CancellationToken cancellation)
    {
        (_path, _group, _content, _facts, _options) = (Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), group, content, facts, options);
        _created = (options.Time ?? TimeProvider.System).GetUtcNow();
        _work = Task.FromResult<Exception?>(null);
        try
        {
            IReadOnlyList<LogicalSlice> mine = [];
            IReadOnlyList<HeldSlice> held = [];
            var error = Attempt(() =>
            {
                if (group.Rank == 0) _staging = CheckpointStaging.Create(_path);
                mine = [.. content.Slices];
                held = [.. mine.Select(ShardFile.Describe)];
            });
            var offers = Exchange(new SaveOffer(_path, _staging?.Folder, held, RankProblem.Of(error, group.Rank)), ShardJson.Default.SaveOffer);
            RankProblem.ThrowFirst(_path, offers.Select(o => o.Problem), error, Consequence);
            if (offers.Index().FirstOrDefault(o => o.Item.Path != offers[0].Path) is (var other, { } strayed))
                throw new CheckpointException(_path, $"rank {other} saves to {strayed.Path}, rank 0 to {offers[0].Path}: give all the same folder.");
            _plan = ShardPlan.Make(_path, [.. offers.Select(o => o.Held)]);
            _isPlain = group.Size == 1 && mine.Count == _plan.Count && held.All(h => h.Start == 0);
            BeginWriting(offers[0].Folder!, mine, cancellation);
        }
        catch
        {
            _staging?.Dispose();
            throw;
        }
    }

    /// <summary>Whether this rank is writing. Once no rank is, <see cref="Advance"/> does not wait.</summary>
    public bool IsBusy => !_work.IsCompleted;

    /// <summary>The checkpoint, once it is there, whole and durable; null until then.</summary>
    public CheckpointInfo? Info { get; private set; }

    /// <summary>Goes on to the next stage, after waiting for what ranks are writing. All ranks call it, as often.</summary>
    /// <returns>Whether the checkpoint is there.</returns>
    /// <exception cref="CheckpointException">A rank could not write; the message names it. What was there before is untouched.</exception>
    /// <exception cref="OperationCanceledException">A rank was cancelled.</exception>
    public bool Advance()
    {
        if (Info is not null) return true;
        var error = _work.GetAwaiter().GetResult();
        var problem = RankProblem.Of(error, _group.Rank);
        if (_outcomes is null)
        {
            _outcomes = Exchange(_written with { RankState = _content.RankState, Problem = problem }, ShardJson.Default.SaveOutcome);
            RankProblem.ThrowFirst(_path, _outcomes.Select(o => o.Problem), error, Consequence);
            if (_group.Rank == 0) _work = Run(Publish);
            return false;
        }
        var ends = Exchange(new SaveEnd(_published, problem), ShardJson.Default.SaveEnd);
        RankProblem.ThrowFirst(_path, ends.Select(e => e.Problem), error, Consequence);
        Info = ends[0].Info!;
        return true;
    }

    /// <summary>Waits until it is there. All ranks call it.</summary>
    /// <inheritdoc cref="Advance"/>
    public CheckpointInfo Wait()
    {
        while (!Advance()) { }
        return Info!;
    }

    /// <summary>Waits for what this rank is writing, and lets go; what is not published by then is removed.</summary>
    public void Dispose()
    {
        _work.Wait();
        _staging?.Dispose();
    }

    void BeginWriting(string folder, IReadOnlyList<LogicalSlice> mine, CancellationToken cancellation)
    {
        // A group of one writes at once: there is nobody to go on with.
        if (_isPlain)
        {
            _work = Task.FromResult(Attempt(() =>
            {
                cancellation.ThrowIfCancellationRequested();
                ShardFile.WriteStems(_staging!, mine);
            }));
            return;
        }
        if (_options.Memory is not { } memory)
        {
            _work = Task.FromResult(Attempt(() =>
            {
                cancellation.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                _written = ShardFile.Write(folder, _group.Rank, ShardFile.SharesOf(_group.Rank, mine, _plan));
            }));
            return;
        }
        var isEmpty = false;
        var error = Attempt(() =>
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var shares = ShardFile.SharesOf(_group.Rank, mine, _plan);
            isEmpty = shares.Count == 0;
            if (!isEmpty) memory.Capture(shares);
        });
        if (error is not null || isEmpty) _work = Task.FromResult(error);
        else _work = Run(() => _written = ShardFile.Write(folder, _group.Rank, memory));
    }

    void Publish()
    {
        if (!_isPlain) ShardFile.AddTo(_staging!, _plan, _outcomes!);
        _staging!.Write(CheckpointStaging.StateFile, ShardFile.StateBytes(_content.State, _outcomes!));
        _published = _staging.Publish(_facts, _created, _options.Sequence);
        _options.Published?.Invoke(_published);
    }

    Task<Exception?> Run(Action action) => _options.Memory is null
        ? Task.FromResult(Attempt(action))
        : Task.Factory.StartNew(() => Attempt(action), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    [SuppressMessage("Design", "CA1031", Justification = "Whatever stops one rank must stop the others too: it is told to all, then thrown again.")]
    Exception? Attempt(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return CheckpointStaging.Refused(_path, error);
        }
        catch (Exception error)
        {
            return error;
        }
    }

    // Never cancelled: a rank that stops says so in its message, and the group stays usable.
    T[] Exchange<T>(T mine, JsonTypeInfo<T> type) => _group.AllGatherObjects(mine, type, cancellationToken: CancellationToken.None);
}

/// <summary>How ranks write a checkpoint together.</summary>
/// <param name="Sequence">Its number among the saves of its store; rank 0's counts.</param>
/// <param name="Time">Where its date comes from; the system's clock when none is given.</param>
/// <param name="Memory">Where this rank's share is copied to, to be written while the caller goes on; null: it is written at once. All ranks give one, or none does.</param>
/// <param name="Published">Called with the checkpoint by the thread that published it, on rank 0.</param>
public sealed record ShardedSaveOptions(long Sequence = 0, TimeProvider? Time = null, TensorSnapshot? Memory = null, Action<CheckpointInfo>? Published = null);
