using Raijin.Collectives;
using Raijin.Parallel;
using Raijin.Tensors;
using Raijin.Training;
using Spectre.Console;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

public sealed partial class Fabric
{
    /// <summary>This rank's number among all, from 0.</summary>
    public int Rank => Peers.Rank;

    /// <summary>How many ranks train together.</summary>
    public int WorldSize => Peers.Size;

    /// <summary>Whether this is the rank that writes and prints for all.</summary>
    public bool IsRankZero => Peers.IsFirst;

    /// <summary>The group of all ranks, for collectives of your own. Every rank makes the same calls in the same order.</summary>
    /// <exception cref="InvalidOperationException">This rank is alone.</exception>
    public Group Group => Peers.World?.Group ?? throw new InvalidOperationException("One rank trains alone: there is no group. Ask for WorldSize first.");

    internal Peers Peers { get; }

    /// <summary>The models that ranks share.</summary>
    internal SharedModels Models => _models;

    /// <summary>What holds a model that several ranks train: whole or local values of its parameters, gradients and state, and what was moved for it. Null where this rank holds all of it.</summary>
    /// <param name="module">A model that was set up, or a part of one.</param>
    public ShardedModel? Sharded(Module module) => _models.Of(module);

    /// <summary>The mean over all ranks, on the host and on each of them. Every rank calls it.</summary>
    public double Mean(Tensor value)
    {
        TensorGuard.ThrowIfFreed(value);
        if (ScalarReader.TryRead(value, out var number)) return Peers.Mean(number);
        using var scope = NewDisposeScope();
        return Peers.Mean(value.to(ScalarType.Float64).cpu().item<double>());
    }

    /// <summary>The sum over all ranks, on each of them. Every rank calls it.</summary>
    public double Sum(double value)
    {
        Span<double> sum = [value];
        Peers.Sum(sum);
        return sum[0];
    }

    /// <summary>Reduces a flat tensor over all ranks, in place: <see cref="Collectives.Group.AllReduce"/> of the group of all. Every rank calls it.</summary>
    public void AllReduce(Tensor buffer, ReduceOp op = ReduceOp.Sum, CancellationToken cancellationToken = default)
    {
        TensorGuard.ThrowIfFreed(buffer);
        if (!Peers.IsAlone) Group.AllReduce(buffer, op, cancellationToken: cancellationToken);
    }

    /// <summary>Nobody goes on before all ranks have come.</summary>
    public void Barrier() => Peers.Meet();

    /// <summary>
    /// While it is open, backward passes leave their gradients on this rank: for accumulation. The first pass after it brings together what was gathered. Without effect where one rank trains.
    /// <code>using (fabric.NoSync()) fabric.Backward(first, 0.5);   fabric.Backward(second, 0.5);</code>
    /// </summary>
    public FabricNoSync NoSync() => new(_models);

    /// <summary>Every parameter whole while it is open, on every rank, whatever the strategy: to read, save or change weights in a way of your own. Every rank opens and closes it.</summary>
    /// <param name="module">A model that was set up.</param>
    /// <param name="changedBy">The rank whose values are everyone's when it is closed; null where nothing is changed.</param>
    public IDisposable Gather(Module module, int? changedBy = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        return Sharded(module)?.Gather(changedBy) ?? new NothingGathered();
    }

    /// <summary>Prints a line, once for all ranks.</summary>
    public void Print(string line)
    {
        if (IsRankZero) (_options.Console ?? AnsiConsole.Console).WriteLine(line);
    }

    /// <summary>
    /// Ends the sharing of what was set up, each model with all its parameters whole again, on every rank. Every rank calls it, and no optimizer is used after it. Without it a model that
    /// stage 3 divided is left without values.
    /// </summary>
    public void MakeWhole()
    {
        if (!_models.Any) return;
        FreeOptimizers();
        _models.Restore();
    }
}
