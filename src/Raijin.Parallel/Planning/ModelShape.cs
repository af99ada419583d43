using Raijin.Parallel;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>Parameters that are gathered together, computed with and let go.</summary>
/// <param name="Name">The submodule's name; empty for what is in no unit.</param>
/// <param name="NumParameters">How many they are.</param>
/// <param name="NumTrained">How many of them want a gradient.</param>
public readonly record struct UnitShape(string Name, long NumParameters, long NumTrained);

/// <summary>How large a model and its units are: all that a plan needs to know of it.</summary>
public sealed record ModelShape
{
    /// <summary>The units, in the order of the forward pass.</summary>
    public required IReadOnlyList<UnitShape> Units { get; init; }

    /// <summary>What is in none of them: embeddings, the head. Needed from the beginning of the forward pass to its end.</summary>
    public UnitShape Rest { get; init; } = new("", 0, 0);

    /// <summary>All parameters; tied ones count once.</summary>
    public long NumParameters => All.Sum(unit => unit.NumParameters);

    /// <summary>Those that want a gradient.</summary>
    public long NumTrained => All.Sum(unit => unit.NumTrained);

    /// <summary>Whether every rank has all of <see cref="Rest"/> in stage 3 too: nobody sees when a module is needed whose calls take or give something else than tensors.</summary>
    public bool KeepsRest { get; init; }

    internal IEnumerable<UnitShape> All => Units.Append(Rest);

    /// <summary>The shape of a module, also of one on the meta device, in the units that training divides it in.</summary>
    /// <param name="module">Borrowed.</param>
    /// <param name="strategy">How large units are where the module names none, and what is in none; null for the defaults.</param>
    /// <exception cref="InvalidOptionsException">The strategy names a parameter that there is not.</exception>
    public static ModelShape Of(Module module, Strategy? strategy = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        var planned = UnitPlan.Of(module, strategy ?? Zero.Stage3);
        // What is around other units is there as long as they are.
        var (around, units) = (new List<UnitShape>(), new List<UnitShape>());
        foreach (var unit in planned)
        {
            var shape = new UnitShape(unit.Name, unit.Parameters.Sum(p => p.Parameter.numel()), unit.Parameters.Where(p => p.Parameter.requires_grad).Sum(p => p.Parameter.numel()));
            var isAround = unit.Name.Length == 0 || planned.Any(other => other.Name.StartsWith(unit.Name + ".", StringComparison.Ordinal));
            (isAround ? around : units).Add(shape);
        }
        return new()
        {
            Units = units,
            Rest = around.Aggregate(new UnitShape("", 0, 0), Sum),
            KeepsRest = planned.Any(unit => unit.Module is null),
        };
    }

    /// <summary>The shape of a model of which only the parameters are known: every list of equal submodules (<c>h.0</c>, <c>h.1</c>, …) is taken for units.</summary>
    /// <param name="parameters">Their names and numbers of elements.</param>
    public static ModelShape Of(IReadOnlyCollection<KeyValuePair<string, long>> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var names = parameters.Select(p => ListMember(p.Key)).OfType<string>().Distinct().ToList();
        return Of(parameters.Select(p => new UnitShape(p.Key, p.Value, p.Value)), names);
    }

    /// <summary>A model of which only the size is known, divided evenly.</summary>
    /// <param name="numParameters">All its parameters; not negative.</param>
    /// <param name="numUnits">At least 1.</param>
    public static ModelShape Even(long numParameters, int numUnits)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(numParameters);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(numUnits);
        var units = Enumerable.Range(0, numUnits).Select(unit => numParameters * (Int128)(unit + 1) / numUnits - numParameters * (Int128)unit / numUnits);
        return new() { Units = [.. units.Select((count, unit) => new UnitShape($"{unit}", (long)count, (long)count))] };
    }

    static ModelShape Of(IEnumerable<UnitShape> parameters, IReadOnlyList<string> names)
    {
        var units = names.ToDictionary(name => name, name => new UnitShape(name, 0, 0), StringComparer.Ordinal);
        var rest = new UnitShape("", 0, 0);
        foreach (var parameter in parameters)
        {
            if (Enclosing(parameter.Name, units) is { } name) units[name] = Sum(units[name], parameter);
            else rest = Sum(rest, parameter);
        }
        return new() { Units = [.. names.Select(name => units[name])], Rest = rest };
    }

    static UnitShape Sum(UnitShape unit, UnitShape part) => unit with { NumParameters = unit.NumParameters + part.NumParameters, NumTrained = unit.NumTrained + part.NumTrained };

    static string? Enclosing(string name, Dictionary<string, UnitShape> units)
    {
        for (var end = name.LastIndexOf('.'); end > 0; end = name.LastIndexOf('.', end - 1))
            if (units.ContainsKey(name[..end])) return name[..end];
        return null;
    }

    // h.0.attn.c_attn.weight is in h.0: the outermost list counts.
    static string? ListMember(string name)
    {
        var parts = name.Split('.');
        var number = Array.FindIndex(parts, 0, parts.Length - 1, part => part.Length > 0 && part.All(char.IsAsciiDigit));
        return number < 0 ? null : string.Join('.', parts[..(number + 1)]);
    }
}
