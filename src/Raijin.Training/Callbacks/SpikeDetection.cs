using System.Globalization;
using System.Text.Json.Nodes;
using Raijin.Tensors;
using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>What happens to a step whose loss explodes.</summary>
public enum SpikeAction
{
    /// <summary>The microbatch gives no gradient; training goes on with the next.</summary>
    Skip,

    /// <summary>The microbatch gives no gradient, and weights and optimizers go back to a copy of some steps ago; the data goes on.</summary>
    Rewind,

    /// <summary>Training stops, saved.</summary>
    Stop,
}

/// <summary>
/// Watches for a loss that is not finite, or far above the losses before it, and keeps it from the weights. What was passed over is logged as <c>spikes</c> and kept in
/// <see cref="Spikes"/>.
/// </summary>
/// <remarks>
/// Reads each loss back to the host: free on a CPU, a wait for the device elsewhere. Passing over the batches that made a loss spike is what large runs do by hand (Chowdhery et
/// al. 2022, §5.1). A non-finite loss is met before the trainer would throw for it. Lightning's callback of the same name.
/// </remarks>
public sealed class SpikeDetection : Callback
{
    readonly Queue<double> _recent = [];
    readonly List<long> _spikes = [];
    TrainingSnapshot? _snapshot;

    /// <summary>What happens.</summary>
    /// <value>Default <see cref="SpikeAction.Skip"/>.</value>
    public SpikeAction Action { get; init; } = SpikeAction.Skip;

    /// <summary>How many losses the mean is taken over; 1 and more.</summary>
    /// <value>Default 20.</value>
    public int Window { get; init; } = 20;

    /// <summary>How many times the mean of the last losses a loss may be; above 1.</summary>
    /// <value>Default 3.</value>
    public double Factor { get; init; } = 3;

    /// <summary>How far above that mean it must be at least, so that a loss near zero may wobble.</summary>
    /// <value>Default 0.1.</value>
    public double Margin { get; init; } = 0.1;

    /// <summary>Whether only losses that are not finite count.</summary>
    /// <value>Default false.</value>
    public bool OnlyNonFinite { get; init; }

    /// <summary>Optimizer steps between two copies that <see cref="SpikeAction.Rewind"/> may go back to; 1 and more. A copy holds weights and optimizer state in memory once more.</summary>
    /// <value>Default 50.</value>
    public int SnapshotSteps { get; init; } = 50;

    /// <summary>Spikes in a row after which training stops whatever <see cref="Action"/> says: it is not the batch then.</summary>
    /// <value>Default 10.</value>
    public int MaxInARow { get; init; } = 10;

    /// <summary>Microbatches of the run (the first is 0) that were passed over.</summary>
    public IReadOnlyList<long> Spikes => _spikes;

    int _inARow;

    /// <inheritdoc/>
    public override IEnumerable<OptionFault> Faults()
    {
        if (Window < 1) yield return new("spikeDetection.window", $"= {Window}; allowed: 1 and more");
        if (!(Factor > 1)) yield return new("spikeDetection.factor", $"= {Factor}; allowed: above 1");
        if (!(Margin >= 0)) yield return new("spikeDetection.margin", $"= {Margin}; allowed: 0 and more");
        if (SnapshotSteps < 1) yield return new("spikeDetection.snapshotSteps", $"= {SnapshotSteps}; allowed: 1 and more");
        if (MaxInARow < 1) yield return new("spikeDetection.maxInARow", $"= {MaxInARow}; allowed: 1 and more");
    }

    /// <inheritdoc/>
    public override JsonObject SaveState() => new()
    {
        ["recent"] = new JsonArray([.. _recent.Select(loss => (JsonNode)BitConverter.DoubleToInt64Bits(loss))]),
        ["spikes"] = new JsonArray([.. _spikes.Select(batch => (JsonNode)batch)]),
        ["inARow"] = _inARow,
    };

    /// <inheritdoc/>
    public override void LoadState(JsonObject state)
    {
        ArgumentNullException.ThrowIfNull(state);
        foreach (var bits in state["recent"]!.AsArray()) _recent.Enqueue(BitConverter.Int64BitsToDouble((long)bits!));
        _spikes.AddRange(state["spikes"]!.AsArray().Select(batch => (long)batch!));
        _inARow = (int)state["inARow"]!;
    }

    /// <inheritdoc/>
    public override void OnTrainStart(TrainingRun run)
    {
        if (Action == SpikeAction.Rewind) _snapshot = TrainingSnapshot.Of(run);
    }

    /// <inheritdoc/>
    public override void OnBeforeBackward(TrainStep step, Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (!ScalarReader.TryRead(loss, out var value)) value = loss.to(ScalarType.Float64).item<double>();
        // Ranks pass over a batch, stop or go back together.
        value = step.Run.Mean(value);
        if (!IsSpike(value))
        {
            _recent.Enqueue(value);
            if (_recent.Count > Window) _recent.Dequeue();
            _inARow = 0;
            return;
        }

        _spikes.Add(step.Run.Batches);
        var reason = string.Create(CultureInfo.InvariantCulture, $"the loss of batch {step.Run.Batches} is {value:G4}, after {(_recent.Count == 0 ? "none" : _recent.Average().ToString("G4", CultureInfo.InvariantCulture))} on average");
        step.Skip();
        step.Run.Log("spikes", _spikes.Count);
        if (Action == SpikeAction.Stop) step.Run.RequestStop(reason);
        else if (++_inARow >= MaxInARow) step.Run.RequestStop($"{_inARow} batches in a row had a loss out of all proportion; the last: {reason}");
        else if (Action == SpikeAction.Rewind) _snapshot!.Restore(step.Run);
    }

    /// <inheritdoc/>
    public override void OnTrainStepEnd(TrainStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (_snapshot is not null && _inARow == 0 && step.Run.Step % SnapshotSteps == 0) _snapshot.Take(step.Run);
    }

    /// <inheritdoc/>
    public override void OnTeardown(RunSetup setup)
    {
        _snapshot?.Dispose();
        _snapshot = null;
    }

    internal bool IsSpike(double loss)
    {
        if (!double.IsFinite(loss)) return true;
        if (OnlyNonFinite || _recent.Count < Window) return false;
        var mean = _recent.Average();
        return loss > mean + Margin && loss > mean * Factor;
    }
}
