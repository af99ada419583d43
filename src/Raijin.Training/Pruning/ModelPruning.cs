using System.IO.Enumeration;
using System.Text.Json.Nodes;
using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Sets a growing share of the weights to zero while training goes on, and keeps them there: after each optimizer step the masked weights are zero again, so that
/// momentum and weight decay never bring one back. Masks are in the checkpoint; in the saved model the zeros are plain zeros.
/// </summary>
/// <remarks>
/// The share grows from 0 to <see cref="Amount"/> along the cubic schedule of Zhu and Gupta (2017, arXiv:1710.01878) over <see cref="Rounds"/> prunings. With <see cref="Rewind"/> what
/// stays goes back to its first values at each pruning: the lottery ticket (Frankle and Carbin 2019). Lightning's <c>ModelPruning</c>.
/// </remarks>
public sealed class ModelPruning : Callback
{
    readonly string[] _patterns;
    readonly List<PrunedWeight> _pruned = [];
    ModelParts? _parts;
    TrainingRun? _run;
    TimeSpan _due;
    long _rounds;
    long _kept;

    /// <summary>Prunes the weights whose names match.</summary>
    /// <param name="patterns">Names, with <c>*</c> and <c>?</c>; none: every <c>*weight</c> of two and more dims.</param>
    public ModelPruning(params string[] patterns)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        _patterns = patterns;
    }

    /// <summary>Which weights go.</summary>
    /// <value>Default <see cref="PruningMethod.Magnitude"/>.</value>
    public PruningMethod Method { get; init; } = PruningMethod.Magnitude;

    /// <summary>The share of weights that is zero in the end; in (0, 1).</summary>
    /// <value>Default 0.5.</value>
    public double Amount { get; init; } = 0.5;

    /// <summary>Whether single weights compete over all layers, so that some layers lose more than others; slices always compete within their layer.</summary>
    /// <value>Default true.</value>
    public bool Globally { get; init; } = true;

    /// <summary>When a share is pruned.</summary>
    /// <value>Default each epoch.</value>
    public Every Prune { get; init; } = Every.Epochs(1);

    /// <summary>In how many prunings the share is reached; 1 and more.</summary>
    /// <value>Default 1: all at the first.</value>
    public int Rounds { get; init; } = 1;

    /// <summary>Whether the weights that stay go back to their first values at each pruning.</summary>
    /// <value>Default false.</value>
    public bool Rewind { get; init; }

    /// <summary>The share of the pruned weights that is zero now.</summary>
    public double Sparsity => _pruned.Count == 0 ? 0 : 1 - _kept / (double)_pruned.Sum(p => p.NumElements);

    /// <inheritdoc/>
    public override IEnumerable<OptionFault> Faults()
    {
        if (!(Amount > 0 && Amount < 1)) yield return new("modelPruning.amount", $"= {Amount}; allowed: above 0 and below 1");
        if (Rounds < 1) yield return new("modelPruning.rounds", $"= {Rounds}; allowed: 1 and more");
    }

    /// <inheritdoc/>
    public override JsonObject SaveState() => new() { ["rounds"] = _rounds };

    /// <inheritdoc/>
    public override void LoadState(JsonObject state) => _rounds = (long)state?["rounds"]!;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, Tensor>> SaveTensors() => [.. _pruned.Where(p => !p.IsDivided).SelectMany(p => p.Tensors())];

    internal override IEnumerable<LogicalSlice> SaveSlices(string stem) => _pruned.Where(p => p.IsDivided).SelectMany(p => p.Slices(stem));

    internal override void TakeBack(TrainingRun run, SavedTensors saved) => Begin(run, saved);

    /// <inheritdoc/>
    public override void OnFitStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (_pruned.Count == 0) Begin(run, null);
        _due = run.Elapsed;
    }

    /// <inheritdoc/>
    public override void OnTrainStepEnd(TrainStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (Prune.IsDueAfterStep(step.Run.Step, step.Run.Elapsed - _due)) PruneNow(step.Run);
        else if (_rounds > 0) ApplyMasks();
    }

    /// <inheritdoc/>
    public override void OnTrainEpochEnd(TrainEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        if (Prune.IsDueAfterEpoch(epoch.Index)) PruneNow(epoch.Run);
    }

    /// <inheritdoc/>
    public override void OnTeardown(RunSetup setup)
    {
        foreach (var weight in _pruned) weight.Dispose();
        _pruned.Clear();
        _parts?.Dispose();
        _parts = null;
        _run = null;
    }

    void Begin(TrainingRun run, SavedTensors? saved)
    {
        using var gradients = no_grad();
        _run = run;
        _parts = ModelParts.Held(run.Module, run.Sharded);
        // All ranks have the same list, whether or not one has a part of each.
        foreach (var (name, parameter) in run.Module.named_parameters())
        {
            var chosen = _patterns.Length == 0 ? name.EndsWith("weight", StringComparison.Ordinal) && parameter.dim() >= 2
                : _patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, name)) && parameter.dim() >= Method.LeastDims;
            if (!chosen) continue;
            ModelPart? part = _parts.Any(p => p.Name == name) ? _parts.First(p => p.Name == name) : null;
            _pruned.Add(new PrunedWeight(name, parameter.shape, part, run.Sharded?.IsDivided(name) == true, Method, Rewind, run.Sharded, saved));
        }
        if (_pruned.Count == 0)
            InvalidOptionsException.ThrowIfAny([new("modelPruning", $"prunes nothing: no parameter of {run.Module.GetName()} {(_patterns.Length == 0 ? "is a weight of two dims" : "matches " + string.Join(", ", _patterns))}")]);
        CountKept();
    }

    void PruneNow(TrainingRun run)
    {
        _due = run.Elapsed;
        if (_rounds < Rounds)
        {
            _rounds++;
            var left = 1 - _rounds / (double)Rounds;
            SetMasks(Amount * (1 - left * left * left));
        }
        ApplyMasks();
        run.Log("sparsity", Sparsity);
    }

    void SetMasks(double share)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var scores = _pruned.Select((weight, i) => weight.Scores(new RandomStream((ulong)_run!.Plan.Options.Seed, Stream(i)))).ToList();
        var divided = _pruned.ConvertAll(weight => weight.ScoresAreDivided);
        if (Globally && !Method.IsStructured)
        {
            var lowest = Lowest(scores, divided, _pruned.Sum(p => p.NumElements), share);
            for (var i = 0; i < lowest.Length; i++) _pruned[i].TakeAway(lowest[i]);
        }
        else
        {
            for (var i = 0; i < scores.Count; i++)
                _pruned[i].TakeAway(Lowest([scores[i]], [divided[i]], Method.IsStructured ? scores[i].numel() : _pruned[i].NumElements, share)[0]);
        }
        CountKept();
    }

    // One for each pruning and weight: far from those that ranks and loaders draw from.
    ulong Stream(int weight) => (0x7072_756EUL << 32) | ((ulong)_rounds << 20) | (uint)weight;

    // Exactly the share, rounded to the nearest number of weights: of equal scores those that come first.
    Tensor[] Lowest(IReadOnlyList<Tensor> scores, IReadOnlyList<bool> isDivided, long all, double share) =>
        LowestScores.Mark(scores, isDivided, (long)Math.Round(all * share), (_parts!.Sum, _run!.Sharded?.NumParts ?? 1, _run.Sharded?.Part ?? 0));

    void CountKept()
    {
        using var scope = NewDisposeScope();
        var divided = tensor((long[])[_pruned.Where(p => p.IsDivided).Sum(p => p.Kept)]);
        if (_pruned.Exists(p => p.IsDivided)) _parts!.Sum(divided);
        _kept = divided.item<long>() + _pruned.Where(p => !p.IsDivided).Sum(p => p.Kept);
    }

    void ApplyMasks()
    {
        using var gradients = no_grad();
        foreach (var weight in _pruned) weight.Apply();
        _parts!.Share();
    }
}
