namespace Raijin.App;

/// <summary>
/// Lays configuration over a group's defaults: each layer is checked as a whole against the group's shape, later layers win key by key, lists are
/// replaced whole. Nothing throws before <see cref="Build()"/>, so that every fault of every layer is reported at once.
/// </summary>
/// <param name="shape">The group's keys.</param>
/// <param name="defaults">The group when no layer says anything.</param>
/// <param name="faults">Where faults are added.</param>
/// <param name="prefix">The path of the group itself with its dot; empty for the whole configuration.</param>
sealed class ConfigLayers(GroupShape shape, object defaults, List<OptionFault> faults, string prefix = "")
{
    // What names the absence of a group whose other values have names.
    const string NoValue = "none";

    // Leaves by their paths, the kind of a choice by PATH.kind; a group has an entry of its own only where it was written as null.
    readonly Dictionary<string, Assigned> _values = [];

    /// <summary>Checks a layer and lays it over those before it.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="repeatable">Whether a key given twice is meant, the last one to win (arguments), rather than a mistake (files).</param>
    public void Add(ConfigMap layer, bool repeatable = false) => Add(layer, shape, defaults, prefix, repeatable ? null : []);

    /// <summary>Where the value at <paramref name="path"/> came from.</summary>
    public Origin OriginOf(string path) => _values.TryGetValue(path, out var assigned) ? assigned.Origin : Origin.Default;

    /// <summary>A copy of the defaults with the layers laid over it.</summary>
    public object Build() => Build(shape, defaults, prefix);

    void Add(ConfigMap map, GroupShape group, object owner, string at, Dictionary<string, Origin>? seen)
    {
        // What chooses a kind goes first: the keys beside it are that kind's.
        foreach (var entry in map.Entries.OrderBy(entry => Find(group, owner, at, entry.Key.Split('.')) is { Property.Shape: VariantShape } ? 0 : 1))
        {
            var (key, node, origin) = entry;
            var path = at + key;
            if (shape.SourceOf(path) is { } source)
            {
                faults.Add(ConfigFault.Of(path, $"follows {source}: set that one", origin));
            }
            else if (Find(group, owner, at, key.Split('.')) is not { } target)
            {
                faults.Add(Unknown(path, node, origin));
            }
            else if (seen is not null && !seen.TryAdd(path, origin))
            {
                faults.Add(ConfigFault.Of(path, $"given twice, also on line {seen[path].Line}", origin));
            }
            else if (target.IsKind)
            {
                SetKind(path[..^(VariantShape.Kind.Length + 1)], target, node, path);
            }
            else
            {
                Assign(path, target, node, seen);
            }
        }
    }

    void Assign(string path, Target target, ConfigNode node, Dictionary<string, Origin>? seen)
    {
        var property = target.Property;
        if (node is ConfigScalar { IsNull: true } && property.IsNullable)
        {
            Forget(path, _ => true);
            Set(path, null, node.Origin);
        }
        else if (property.Shape is VariantShape && node is not ConfigScalar { IsNull: true })
        {
            if (node is not ConfigMap map)
            {
                SetKind(path, target, node, path);
                return;
            }
            if (map.At(VariantShape.Kind) is { } kind) SetKind(path, target, kind, $"{path}.{VariantShape.Kind}");
            if (GroupAt(property, target.Value, path) is { } chosen) Add(new ConfigMap([.. map.Entries.Where(entry => entry.Key != VariantShape.Kind)], map.Origin), chosen, Start(chosen, target.Value), path + ".", seen);
            else property.Shape.TryBind(node, path, faults, out _); // no kind: only the fault is wanted
        }
        else if (property.Shape is GroupShape nested)
        {
            if (nested.HasNames && node is ConfigScalar { IsNull: false } name)
            {
                if (property.IsNullable && name.Text == NoValue)
                {
                    Forget(path, _ => true);
                    Set(path, null, node.Origin);
                    return;
                }
                if (nested.Named(name.Text, out var problem) is not { } named)
                {
                    faults.Add(ConfigFault.OfValue(path, name.Text, problem ?? nested.Expectation, node.Origin));
                    return;
                }
                // A name says every key: nothing of an earlier layer is left.
                node = nested.ToNode(named, path, _ => name.Origin);
                seen = null;
            }
            if (node is ConfigMap map)
            {
                // An empty group switches on what was null, with its defaults.
                if (property.IsNullable) _values[path] = new Assigned(nested.Create(), node.Origin);
                Add(map, nested, Start(nested, target.Value), path + ".", seen);
            }
            else if (node is not ConfigScalar { IsNull: true })
            {
                property.Shape.TryBind(node, path, faults, out _); // a scalar or list: only its fault is wanted
            }
        }
        else if (property.Shape.TryBind(node, path, faults, out var value))
        {
            Set(path, value, node.Origin);
        }
    }

    // Another kind keeps what earlier layers said for keys that it has too.
    void SetKind(string path, Target target, ConfigNode node, string at)
    {
        var variant = (VariantShape)target.Property.Shape;
        if (node is not ConfigScalar scalar || variant.ShapeOf(scalar.Text) is not { } chosen)
        {
            faults.Add(ConfigFault.OfValue(at, node is ConfigScalar given ? given.Text : "…", variant.Expectation, node.Origin));
            return;
        }
        Forget(path, key => chosen.Find(key[(path.Length + 1)..].Split('.')[0]) is null);
        Set($"{path}.{VariantShape.Kind}", scalar.Text, node.Origin);
    }

    void Forget(string path, Func<string, bool> which)
    {
        foreach (var leaf in _values.Keys.Where(key => key.StartsWith(path + ".", StringComparison.Ordinal) && which(key)).ToList()) _values.Remove(leaf);
    }

    void Set(string path, object? value, Origin origin)
    {
        _values[path] = new Assigned(value, origin);
        for (var dot = path.LastIndexOf('.'); dot > 0; dot = path.LastIndexOf('.', dot - 1))
        {
            // A key below a group that an earlier layer made null brings the group back.
            var parent = path[..dot];
            if (_values.TryGetValue(parent, out var assigned) && assigned.Value is null) _values.Remove(parent);
        }
    }

    object Build(GroupShape group, object start, string at)
    {
        var built = group.Clone(start);
        foreach (var property in group.Properties)
        {
            var path = at + property.Key;
            var assigned = _values.TryGetValue(path, out var entry);
            if (property.Shape is not (GroupShape or VariantShape))
            {
                if (assigned) TrySet(property, built, path, entry!);
            }
            else if (assigned && entry!.Value is null)
            {
                TrySet(property, built, path, entry!);
            }
            else if (assigned || _values.Keys.Any(key => key.StartsWith(path + ".", StringComparison.Ordinal)))
            {
                var current = property.Get(built);
                if (GroupAt(property, current, path) is { } inner) TrySet(property, built, path, new Assigned(Build(inner, Start(inner, current), path + "."), Origin.Default));
            }
        }
        return built;
    }

    // A property may refuse a value of the right type by throwing; its message is one more fault.
    void TrySet(OptionProperty property, object group, string path, Assigned entry)
    {
        try
        {
            property.Set(group, entry.Value);
        }
        catch (ArgumentException error)
        {
            faults.Add(ConfigFault.OfValue(path, $"{entry.Value}", error.Message, entry.Origin));
        }
    }

    /// <summary>The keys below a property: those of the kind chosen so far where it is a choice; null when none is.</summary>
    GroupShape? GroupAt(OptionProperty property, object? value, string path) => property.Shape switch
    {
        GroupShape nested => nested,
        VariantShape variant when _values.TryGetValue($"{path}.{VariantShape.Kind}", out var kind) => variant.ShapeOf((string)kind.Value!),
        VariantShape variant when value is not null => variant.ShapeOf(value.GetType()),
        _ => null,
    };

    static object Start(GroupShape group, object? value) => value is not null && group.Fits(value) ? value : group.Create();

    Target? Find(GroupShape group, object owner, string at, ReadOnlySpan<string> keys)
    {
        if (group.Find(keys[0]) is not { } property) return null;
        var target = new Target(property, property.Get(owner), IsKind: false);
        if (keys.Length == 1) return target;
        if (keys is [_, VariantShape.Kind] && property.Shape is VariantShape) return target with { IsKind = true };
        var path = at + property.Key;
        return GroupAt(property, target.Value, path) is { } inner ? Find(inner, Start(inner, target.Value), path + ".", keys[1..]) : null;
    }

    OptionFault Unknown(string path, ConfigNode node, Origin origin)
    {
        var leaves = shape.Leaves(prefix).ToList();
        if (leaves.Find(leaf => leaf.Path == path) is { Kinds.Count: > 0 } other)
            return ConfigFault.Of(path, $"is a key of {string.Join(" and ", other.Kinds)}, which is not the kind chosen", origin);
        var keys = leaves.Select(leaf => leaf.Path).ToList();
        var groups = keys.Where(key => key.Contains('.', StringComparison.Ordinal)).Select(key => key[..key.LastIndexOf('.')]).Distinct();
        var candidates = node is ConfigMap ? groups : keys;
        var problem = NearestKey.Of(path, candidates) is { } nearest ? $"unknown; did you mean {nearest}?" : "unknown; `config print` lists the keys";
        return ConfigFault.Of(path, problem, origin);
    }

    // A class: generic code over reference types is compiled ahead of time, over value tuples it is not, and this runs at each start.
    sealed record Assigned(object? Value, Origin Origin);

    /// <summary>What a key names.</summary>
    /// <param name="Property">The option, or the choice whose kind it is.</param>
    /// <param name="Value">Its default.</param>
    /// <param name="IsKind">Whether the kind of a choice is meant.</param>
    sealed record Target(OptionProperty Property, object? Value, bool IsKind);
}
