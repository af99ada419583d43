using System.Globalization;
using static TorchSharp.torch;

namespace Raijin.Tensors;

public sealed partial class Lbfgs
{
    const string StepSlot = "step.";
    const string ChangeSlot = "change.";

    /// <summary>
    /// The state as it is, under the same kind of keys as that of a <see cref="FusedOptimizer"/>: per parameter its part of the last <c>direction</c> and <c>gradient</c> and of each pair
    /// (<c>step.0</c>, <c>change.0</c> the oldest). Live tensors, borrowed until the next step or load.
    /// </summary>
    public OptimizerState CaptureState()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var numbers = new Dictionary<string, double>
        {
            ["iterations"] = Iterations,
            ["evaluations"] = Evaluations,
            ["pairs"] = _pairs.Count,
            ["step"] = _step,
            ["scale"] = _scale,
            ["loss"] = _loss,
        };
        var scalars = new OptimizerScalars(
            Options,
            Updates,
            [new(Group.Name, Group.LearningRate, Group.WeightDecay)],
            _names.ToDictionary(name => name, _ => Updates, StringComparer.Ordinal),
            new Dictionary<string, IReadOnlyDictionary<string, double>> { [Group.Name] = numbers });
        return new(scalars, Iterations == 0 ? [] : _names.SelectMany((name, i) => Vectors().Select(v => ($"{name}/{v.Slot}", v.Vector.Parts[i]))));
    }

    /// <summary>Takes over a state by parameter names, in any order. Values are copied; the learning rate follows the state, the options do not.</summary>
    /// <param name="state">Borrowed; any device, and any floating dtype.</param>
    /// <exception cref="OptimizerStateMismatchException">The state is of another algorithm, or names or shapes differ. Nothing was changed.</exception>
    public void LoadState(OptimizerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        ObjectDisposedException.ThrowIf(_disposed, this);
        var difference = Compare(state);
        if (!difference.IsEmpty) throw new OptimizerStateMismatchException(difference);

        var saved = state.Scalars.Groups[0];
        var numbers = state.Scalars.Carried![saved.Name];
        (Updates, Iterations, Evaluations) = (state.Scalars.Updates, (long)numbers["iterations"], (long)numbers["evaluations"]);
        (_step, _scale, _loss) = (numbers["step"], numbers["scale"], numbers["loss"]);
        Group.LearningRate = saved.LearningRate;
        foreach (var pair in _pairs) pair.Dispose();
        _pairs.Clear();
        for (var k = 0; k < (int)numbers["pairs"]; k++) _pairs.Add(new(new(_parameters), new(_parameters)));
        if (Iterations == 0) return;

        using var none = no_grad();
        foreach (var (slot, vector) in Vectors())
            for (var i = 0; i < _names.Length; i++) vector.Parts[i].copy_(state.Slots(_names[i])[slot]);
        foreach (var pair in _pairs) pair.Inverse = 1 / pair.Change.Dot(pair.Step);
        // A history saved longer than this one keeps: the newest pairs.
        while (_pairs.Count > Options.History)
        {
            _pairs[0].Dispose();
            _pairs.RemoveAt(0);
        }
    }

    IEnumerable<(string Slot, FlatVector Vector)> Vectors()
    {
        yield return ("direction", _direction);
        yield return ("gradient", _previous);
        for (var k = 0; k < _pairs.Count; k++)
        {
            yield return (Numbered(StepSlot, k), _pairs[k].Step);
            yield return (Numbered(ChangeSlot, k), _pairs[k].Change);
        }
    }

    static string Numbered(string slot, int k) => string.Create(CultureInfo.InvariantCulture, $"{slot}{k}");

    OptimizerStateDifference Compare(OptimizerState state)
    {
        if (state.Scalars.Algorithm is not LbfgsOptions)
            return new($"made by {state.Scalars.Algorithm.GetType().Name}, this is {nameof(Lbfgs)}", [], [], []);
        var missing = new List<string>();
        var shapes = new List<string>();
        var numbers = state.Scalars.Groups is [var group] && state.Scalars.Carried?.TryGetValue(group.Name, out var found) == true ? found : null;
        string[] required = ["iterations", "evaluations", "pairs", "step", "scale", "loss"];
        missing.AddRange(required.Where(name => numbers?.ContainsKey(name) != true).Select(name => $"'{name}' of its group"));
        if (missing.Count == 0 && numbers!["iterations"] > 0)
        {
            var pairs = Enumerable.Range(0, (int)numbers["pairs"]);
            string[] slots = [.. Options.Slots, .. pairs.Select(k => Numbered(StepSlot, k)), .. pairs.Select(k => Numbered(ChangeSlot, k))];
            for (var i = 0; i < _names.Length; i++)
            {
                var saved = state.Slots(_names[i]);
                missing.AddRange(slots.Where(slot => !saved.ContainsKey(slot)).Select(slot => $"{_names[i]}/{slot}"));
                shapes.AddRange(slots.Where(slot => saved.TryGetValue(slot, out var tensor) && !tensor.shape.SequenceEqual(_parameters[i].shape))
                    .Select(slot => $"{_names[i]}/{slot}: [{string.Join(", ", saved[slot].shape)}], but the parameter is [{string.Join(", ", _parameters[i].shape)}]"));
            }
        }

        return new(null, missing, [.. state.Scalars.ParameterUpdates.Keys.Except(_names)], shapes);
    }
}
