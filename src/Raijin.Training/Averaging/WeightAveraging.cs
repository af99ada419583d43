using System.Text.Json.Nodes;
using Raijin.Tensors;
using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Keeps an average of the model's weights while they are trained, evaluates by it, and leaves it in the model when the fit is over. The weights in training go on as if there were no average; a
/// checkpoint holds both.
/// </summary>
/// <remarks>
/// An evaluation that loads a checkpoint (<see cref="Weights.Best"/>, <see cref="Weights.Last"/>, <see cref="Weights.From"/>) with a trainer that has this callback takes the averages
/// of it, so that its figures are those the fit logged. Lightning's <c>WeightAveraging</c>.
/// </remarks>
public abstract class WeightAveraging : Callback
{
    internal override string? NeedsWholeWeights => "averages weights";

    readonly Averaging _averaging;
    WeightAverager[] _averager = [];
    JsonObject? _loadedState;
    bool _failed;
    Dictionary<string, Tensor> _loaded = [];

    private protected WeightAveraging(Averaging averaging) => _averaging = averaging;

    /// <summary>Whether buffers, such as the statistics of batch norms, are averaged too; otherwise evaluations use them as they are.</summary>
    /// <value>Default true.</value>
    public bool IncludeBuffers { get; init; } = true;

    /// <summary>Weights that are in the average so far: updates of it.</summary>
    public long Updates => _averager is [var averager] ? averager.Updates : 0;

    /// <inheritdoc/>
    /// <remarks>After callbacks that change the weights in a step.</remarks>
    public override int Priority => 10;

    /// <inheritdoc/>
    public override JsonObject? SaveState() => _averager is [var averager] ? new() { ["updates"] = averager.Updates } : null;

    /// <inheritdoc/>
    public override void LoadState(JsonObject state) => _loadedState = state;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, Tensor>> SaveTensors() => _averager is [var averager] ? averager.CaptureState().Averages : [];

    /// <inheritdoc/>
    public override void LoadTensors(IReadOnlyDictionary<string, Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        using var none = no_grad();
        _loaded = tensors.ToDictionary(t => t.Key, t => t.Value.clone().DetachFromDisposeScope());
    }

    /// <inheritdoc/>
    public override void OnFitStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        // A model's state is its parameters and its buffers, which is what a checkpoint of it holds.
        var parameters = run.Module.named_parameters().Select(p => p.name).ToHashSet(StringComparer.Ordinal);
        _averager = [new WeightAverager(run.Module.state_dict().Where(t => IncludeBuffers || parameters.Contains(t.Key)), _averaging)];
        if (_loadedState is not null) _averager[0].LoadState(new WeightAveragerState((long)_loadedState["updates"]!, [.. _loaded]));
        ForgetLoaded();
    }

    /// <inheritdoc/>
    public override void OnValidationStart(EvalEpoch epoch)
    {
        if (_averager is [{ Updates: > 0 } averager]) averager.UseAverages();
    }

    /// <inheritdoc/>
    public override void OnValidationEnd(EvalEpoch epoch) => UseWeights();

    /// <inheritdoc/>
    public override void OnTrainEnd(TrainingRun run) => UseWeights();

    /// <inheritdoc/>
    public override void OnException(TrainingRun? run, Exception error)
    {
        UseWeights();
        _failed = true;
    }

    /// <inheritdoc/>
    public override void OnTeardown(RunSetup setup)
    {
        // The last checkpoint is written: what the caller gets is the average.
        if (!_failed && _averager is [{ Updates: > 0 } averager]) averager.UseAverages();
        _failed = false;
        foreach (var owned in _averager) owned.Dispose();
        _averager = [];
        ForgetLoaded();
    }

    /// <summary>Takes the weights as they are now into the average.</summary>
    private protected void Update() => _averager[0].Update();

    /// <summary>Puts a checkpoint's averages into a model, if it holds some of this callback.</summary>
    internal void UseSaved(LoadedCheckpoint checkpoint, nn.Module module)
    {
        using var none = no_grad();
        using var scope = NewDisposeScope();
        var saved = checkpoint.NamesOf(RunState.CallbackFile).ToHashSet(StringComparer.Ordinal);
        var prefix = StateKey + "/";
        foreach (var (name, tensor) in module.state_dict())
            if (saved.Contains(prefix + name)) tensor.copy_(checkpoint.Read(RunState.CallbackFile, prefix + name));
    }

    void UseWeights()
    {
        foreach (var averager in _averager) averager.UseWeights();
    }

    void ForgetLoaded()
    {
        foreach (var tensor in _loaded.Values) tensor.Dispose();
        _loaded = [];
        _loadedState = null;
    }
}
