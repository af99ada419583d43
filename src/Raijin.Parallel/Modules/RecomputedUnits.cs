using Raijin.Tensors;
using Module = TorchSharp.torch.nn.Module;

namespace Raijin.Parallel;

/// <summary>
/// Has the units of a model compute twice instead of keeping what backward needs: <see cref="Recompute"/> around each unit's call, by watching it. The module stays what it was. Units are those of <see cref="ShardedModel"/>:
/// the blocks a model names (<see cref="IShardable"/>), else the largest modules below <see cref="Strategy.UnitBytes"/>; of units within units the inner ones.
/// </summary>
/// <remarks>
/// <para>Made before the model is divided: then a unit that stage 3 divides has gathered its parameters when its outputs' gradient comes back, and is computed again inside that gather. No call between ranks is added, unless the
/// unit itself makes some (batch norms over all ranks).</para>
/// <para>Only passes that keep a graph are changed: an evaluation is not.</para>
/// </remarks>
public sealed class RecomputedUnits : IDisposable
{
    readonly List<IDisposable> _watches = [];
    readonly List<string> _names = [];

    /// <summary>Watches a model's units.</summary>
    /// <param name="module">The model.</param>
    /// <param name="strategy">What says which its units are.</param>
    public RecomputedUnits(Module module, Strategy strategy)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(strategy);
        foreach (var unit in UnitPlan.Recomputable(module, strategy))
        {
            Recomputation? call = null;
            _names.Add(unit.Name);
            _watches.Add(unit.Watch(inputs => call = Recomputation.Begin(unit.Forward, inputs, [unit.Module]), (inputs, outputs) =>
            {
                // A call within the call of the same unit has taken its place: it is the one that is recomputed.
                var results = call?.Complete(inputs, outputs) ?? outputs;
                call = null;
                return results;
            }));
        }
    }

    /// <summary>The units that are recomputed, in the order of the forward pass as far as the model's structure tells.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>The units compute once again.</summary>
    public void Dispose()
    {
        foreach (var watch in _watches) watch.Dispose();
    }
}
