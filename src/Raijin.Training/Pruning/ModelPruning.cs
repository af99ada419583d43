using System.IO.Enumeration;
using System.Text.Json.Nodes;
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
    internal override string? NeedsWholeWeights => "prunes weights";

    readonly string[] _patterns;
    readonly List<Pruned> _pruned = [];
    long _rounds;

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
    public double Sparsity => _pruned.Count == 0 ? 0 : 1 - _pruned.Sum(p => p.Kept) / (double)_pruned.Sum(p => p.Weight.numel());

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
    public override IReadOnlyList<KeyValuePair<string, Tensor>> SaveTensors() =>
        [.. _pruned.Select(p => KeyValuePair.Create("mask/" + p.Name, p.Mask)), .. _pruned.Where(p => p.First is not null).Select(p => KeyValuePair.Create("first/" + p.Name, p.First!))];

    /// <inheritdoc/>
    public override void LoadTensors(IReadOnlyDictionary<string, Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        _loaded = tensors.ToDictionary(t => t.Key, t => t.Value.clone().DetachFromDisposeScope());
    }

    Dictionary<string, Tensor> _loaded = [];

    /// <inheritdoc/>
    public override void OnFitStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, parameter) in run.Module.named_parameters())
        {
            var chosen = _patterns.Length == 0 ? name.EndsWith("weight", StringComparison.Ordinal) && parameter.dim() >= 2
                : _patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, name)) && parameter.dim() >= Method.LeastDims;
            if (!chosen) continue;
            var mask = _loaded.Remove("mask/" + name, out var saved) ? saved : ones_like(parameter, requires_grad: false).DetachFromDisposeScope();
            var first = !Rewind ? null : _loaded.Remove("first/" + name, out var start) ? start : parameter.detach().clone().DetachFromDisposeScope();
            _pruned.Add(new Pruned(name, parameter, mask, first));
        }
        if (_pruned.Count == 0)
            InvalidOptionsException.ThrowIfAny([new("modelPruning", $"prunes nothing: no parameter of {run.Module.GetName()} {(_patterns.Length == 0 ? "is a weight of two dims" : "matches " + string.Join(", ", _patterns))}")]);
        _due = run.Elapsed;
    }

    TimeSpan _due;

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
        foreach (var part in _pruned) part.Dispose();
        _pruned.Clear();
        foreach (var unused in _loaded.Values) unused.Dispose();
        _loaded.Clear();
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
        // What is gone already has the lowest score there is, so that it stays gone.
        var scores = _pruned.ConvertAll(p => Method.Scores(p.Weight).masked_fill(Method.Scores(p.Mask).eq(0), -1));
        if (Globally && !Method.IsStructured)
        {
            var lowest = LowestOf(cat(scores), share);
            var at = 0L;
            for (var i = 0; i < scores.Count; i++)
            {
                var count = scores[i].numel();
                _pruned[i].SetMask(Method.Spread(lowest.narrow(0, at, count).logical_not(), _pruned[i].Weight));
                at += count;
            }
            return;
        }
        for (var i = 0; i < scores.Count; i++) _pruned[i].SetMask(Method.Spread(LowestOf(scores[i], share).logical_not(), _pruned[i].Weight));
    }

    // Exactly the share, rounded to the nearest number of weights: of equal scores those that come first.
    static Tensor LowestOf(Tensor scores, double share)
    {
        var count = (long)Math.Round(scores.numel() * share);
        var lowest = zeros(scores.numel(), dtype: ScalarType.Bool, device: scores.device);
        return lowest.index_fill_(0, scores.sort(stable: true).Indices[..(int)count], true);
    }

    void ApplyMasks()
    {
        using var gradients = no_grad();
        foreach (var part in _pruned) part.Apply();
    }

    sealed class Pruned(string name, Tensor weight, Tensor mask, Tensor? first) : IDisposable
    {
        public string Name => name;
        public Tensor Weight => weight;
        public Tensor Mask => mask;
        public Tensor? First => first;
        public long Kept { get; private set; } = CountOf(mask);

        public void SetMask(Tensor kept)
        {
            mask.copy_(kept);
            Kept = CountOf(mask);
            if (first is null) return;
            using var values = weight.detach();
            values.copy_(first);
        }

        public void Apply()
        {
            using var values = weight.detach();
            values.mul_(mask);
        }

        static long CountOf(Tensor mask)
        {
            using var scope = NewDisposeScope();
            return mask.count_nonzero().item<long>();
        }

        public void Dispose()
        {
            mask.Dispose();
            first?.Dispose();
        }
    }
}
