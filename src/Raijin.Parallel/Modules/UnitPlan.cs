using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel;

/// <summary>A unit before it exists: its name, the module whose calls need it (null: it is always there), and its parameters.</summary>
sealed record PlannedUnit(string Name, UnitModule? Module, IReadOnlyList<(string Name, Parameter Parameter)> Parameters);

/// <summary>
/// Divides a model into units: the blocks it names itself, or else the largest modules that stay below a size. Parameters that lie in no unit's module are a unit of the module around them. The same in every stage, so that
/// what is summed together is.
/// </summary>
static class UnitPlan
{
    /// <summary>The units in the order of the forward pass, as far as the model's structure tells: those that come last in it first get their gradients.</summary>
    public static IReadOnlyList<PlannedUnit> Of(Module root, Strategy strategy)
    {
        var modules = Modules(root).ToList();
        var units = Units(root, modules, strategy);
        var owned = new Dictionary<string, List<(string, Parameter)>>(StringComparer.Ordinal);
        var all = Parameters(modules).ToList();
        if (strategy.SharedParameters.FirstOrDefault(s => !all.Exists(p => p.Name == s)) is { } unknown)
            InvalidOptionsException.ThrowIfAny([new("strategy.sharedParameters", $"names '{unknown}', but {root.GetType().Name} has no such parameter; it has {string.Join(", ", all.Take(20).Select(p => p.Name))}")]);
        foreach (var (name, parameter, paths) in all)
        {
            var unit = strategy.SharedParameters.Contains(name) ? "" : paths.Select(p => UnitOf(p, units)).Aggregate((a, b) => UnitOf(Common(a, b), units));
            if (!owned.TryGetValue(unit, out var list)) owned.Add(unit, list = []);
            list.Add((name, parameter));
        }
        // What is around other units gets its gradients last, and is needed first.
        return [.. owned.OrderByDescending(u => owned.Keys.Any(other => other != u.Key && IsInside(other, u.Key))).Select(u => new PlannedUnit(u.Key, units[u.Key], u.Value))];
    }

    /// <summary>Those of the units that hold no other and keep more for backward than what goes in and comes out, as a lone linear layer does.</summary>
    public static IReadOnlyList<UnitModule> Recomputable(Module root, Strategy strategy)
    {
        var units = Units(root, [.. Modules(root)], strategy);
        return [.. units.Where(u => u.Key.Length > 0 && !units.Keys.Any(other => other != u.Key && IsInside(other, u.Key))).Select(u => u.Value!).Where(u => KeepsMore(u.Module))];
    }

    static bool KeepsMore(Module module) => module.GetType().Assembly != typeof(TorchSharp.Modules.Linear).Assembly || module.named_children().Any() || NativeModules.IsComposite(module);

    static Dictionary<string, UnitModule?> Units(Module root, List<(string Path, Module Module)> modules, Strategy strategy)
    {
        var units = new Dictionary<string, UnitModule?>(StringComparer.Ordinal) { [""] = UnitModule.CanWatch(root) ? UnitModule.Of("", root) : null };
        var planned = modules.Where(m => m.Module is IShardable { ShardingPlan.Units.Count: > 0 }).ToList();
        if (planned.Count > 0)
            foreach (var (path, module) in planned) AddNamed(path, (IShardable)module, modules, units);
        else
            Divide("", root, strategy.UnitBytes, units);
        return units;
    }

    static void AddNamed(string path, IShardable model, List<(string Path, Module Module)> modules, Dictionary<string, UnitModule?> units)
    {
        if (UnitModule.CanWatch((Module)model)) units.TryAdd(path, UnitModule.Of(path, (Module)model));
        foreach (var name in model.ShardingPlan.Units)
        {
            var full = path.Length == 0 ? name : $"{path}.{name}";
            var module = modules.Find(m => m.Path == full).Module
                ?? throw new ArgumentException($"The sharding plan of {model.GetType().Name} names a unit '{name}', but it has no such module.");
            units.TryAdd(full, UnitModule.Of(full, module));
        }
    }

    static void Divide(string path, Module module, long unitBytes, Dictionary<string, UnitModule?> units)
    {
        var canWatch = UnitModule.CanWatch(module);
        if (path.Length > 0 && canWatch && Bytes(module) <= unitBytes)
        {
            if (Bytes(module) > 0) units.TryAdd(path, UnitModule.Of(path, module));
            return;
        }
        foreach (var (name, child) in module.named_children()) Divide(path.Length == 0 ? name : $"{path}.{name}", child, unitBytes, units);
        if (canWatch && module.named_parameters(recurse: false).Any()) units.TryAdd(path, UnitModule.Of(path, module));
    }

    static long Bytes(Module module) => module.parameters().Sum(p => p.NumberOfElements * p.ElementSize);

    static IEnumerable<(string Path, Module Module)> Modules(Module root) => root.named_modules().Select(m => (m.name, m.module)).Where(m => m.name.Length > 0).Prepend(("", root));

    // Each parameter once, under its first name, with the modules that have it.
    static IEnumerable<(string Name, Parameter Parameter, List<string> Paths)> Parameters(List<(string Path, Module Module)> modules)
    {
        var found = new Dictionary<nint, (string Name, Parameter Parameter, List<string> Paths)>();
        foreach (var (path, module) in modules)
            foreach (var (name, parameter) in module.named_parameters(recurse: false))
            {
                if (found.TryGetValue(parameter.Handle, out var known))
                {
                    if (!known.Paths.Contains(path)) known.Paths.Add(path);
                }
                else found.Add(parameter.Handle, (path.Length == 0 ? name : $"{path}.{name}", parameter, [path]));
            }
        return found.Values;
    }

    static string UnitOf(string path, Dictionary<string, UnitModule?> units)
    {
        while (!units.ContainsKey(path)) path = path.LastIndexOf('.') is >= 0 and var dot ? path[..dot] : "";
        return path;
    }

    static string Common(string a, string b)
    {
        var (left, right) = (a.Split('.'), b.Split('.'));
        return string.Join('.', left.Zip(right).TakeWhile(p => p.First == p.Second).Select(p => p.First));
    }

    static bool IsInside(string path, string around) => around.Length == 0 || path.StartsWith(around + ".", StringComparison.Ordinal);
}
