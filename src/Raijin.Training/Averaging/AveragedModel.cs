using System.Text.Json.Nodes;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>The average of a model in training. Where ranks divide the updates each averages what it updates, and the parts meet when the average is put in.</summary>
sealed class AveragedModel : IDisposable
{
    readonly TrainingRun _run;
    readonly ModelParts _parts;
    readonly ModelPart[] _averaged;

    // None where a rank has no part of anything.
    readonly WeightAverager? _averager;

    AveragedModel(TrainingRun run, Averaging averaging, bool includeBuffers)
    {
        _run = run;
        _parts = ModelParts.Updated(run.Module, run.Sharded);
        _averaged = [.. _parts.Where(p => includeBuffers || !p.IsBuffer)];
        if (_averaged.Length > 0 || run.Sharded is null) _averager = new WeightAverager(_averaged.Select(p => KeyValuePair.Create(p.Name, p.Values)), averaging);
    }

    /// <summary>Begins an average at the weights as they are.</summary>
    public static AveragedModel Of(TrainingRun run, Averaging averaging, bool includeBuffers) => new(run, averaging, includeBuffers);

    /// <summary>Weights that are in the average so far.</summary>
    public long Updates { get; private set; }

    public bool AveragesAreIn { get; private set; }

    /// <summary>Takes the weights as they are now into the average.</summary>
    public void Update()
    {
        _averager?.Update();
        Updates++;
    }

    /// <summary>Puts the average in place of the weights, on all ranks the same. Every rank calls it.</summary>
    public void UseAverages()
    {
        if (AveragesAreIn) return;
        AveragesAreIn = true;
        _averager?.UseAverages();
        _parts.Share();
        // Those of buffers are each rank's own.
        if (Array.Exists(_averaged, p => p.IsBuffer)) _run.Fabric.Models.ShareBuffers();
    }

    /// <summary>Puts the weights back. Every rank calls it, unless they don't meet any more.</summary>
    public void UseWeights(bool isLast = false)
    {
        if (!AveragesAreIn) return;
        AveragesAreIn = false;
        _averager?.UseWeights();
        if (!isLast) _parts.Share();
    }

    /// <summary>The averages that every rank has whole.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> Wholes => [.. Averages().Where(a => !a.Part.IsDivided).Select(a => KeyValuePair.Create(a.Part.Name, a.Average))];

    /// <summary>This rank's parts of the others.</summary>
    /// <param name="stem">What stands before the names.</param>
    public IEnumerable<LogicalSlice> Slices(string stem) => Averages().Where(a => a.Part.IsDivided).Select(a => a.Part.Slice(stem + a.Part.Name, a.Average));

    IEnumerable<(ModelPart Part, Tensor Average)> Averages() => _averager is null ? [] : _averaged.Zip(_averager.CaptureState().Averages, (part, average) => (part, average.Value));

    /// <summary>Takes over an average that was saved, whoever wrote it.</summary>
    public void Load(JsonObject state, SavedTensors saved)
    {
        using var scope = NewDisposeScope();
        Updates = (long)state["updates"]!;
        _averager?.LoadState(new(Updates, [.. _averaged.Select(part => KeyValuePair.Create(part.Name, saved.Read(part.Name, part)))]));
    }

    public void Dispose()
    {
        _averager?.Dispose();
        _parts.Dispose();
    }
}
