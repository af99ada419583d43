namespace Raijin.Cli;

/// <summary>
/// Lays configuration over a record's defaults: each layer is checked as a whole against the record's shape, later layers win key by key, lists are
/// replaced whole. Nothing throws before <see cref="Build(object)"/>, so that every fault of every layer is reported at once.
/// </summary>
/// <param name="shape">The record's keys.</param>
/// <param name="faults">Where faults are added.</param>
/// <param name="prefix">The path of the record itself with its dot; empty for the whole configuration.</param>
sealed class ConfigLayers(RecordShape shape, List<OptionFault> faults, string prefix = "")
{
    // Leaves by their paths; a record has an entry of its own only where it was written as null.
    readonly Dictionary<string, Assigned> _values = [];

    /// <summary>Checks a layer and lays it over those before it.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="repeatable">Whether a key given twice is meant, the last one to win (arguments), rather than a mistake (files).</param>
    public void Add(ConfigMap layer, bool repeatable = false) => Add(layer, shape, prefix, repeatable ? null : []);

    /// <summary>Where the value at <paramref name="path"/> came from.</summary>
    public Origin OriginOf(string path) => _values.TryGetValue(path, out var assigned) ? assigned.Origin : Origin.Default;

    /// <summary>A copy of <paramref name="defaults"/> with the layers laid over it.</summary>
    public object Build(object defaults) => Build(shape, defaults, prefix);

    void Add(ConfigMap map, RecordShape record, string at, Dictionary<string, Origin>? seen)
    {
        foreach (var (key, node, origin) in map.Entries)
        {
            var path = at + key;
            if (Find(record, key) is not { } property)
            {
                faults.Add(Unknown(path, node, origin));
            }
            else if (seen is not null && !seen.TryAdd(path, origin))
            {
                faults.Add(ConfigFault.Of(path, $"given twice, also on line {seen[path].Line}", origin));
            }
            else
            {
                Assign(path, property, node, seen);
            }
        }
    }

    void Assign(string path, OptionProperty property, ConfigNode node, Dictionary<string, Origin>? seen)
    {
        var below = path + ".";
        if (node is ConfigScalar { IsNull: true } && property.IsNullable)
        {
            foreach (var leaf in _values.Keys.Where(key => key.StartsWith(below, StringComparison.Ordinal)).ToList()) _values.Remove(leaf);
            Set(path, null, node.Origin);
        }
        else if (property.Shape is RecordShape nested)
        {
            if (node is ConfigMap map)
            {
                // An empty group switches on what was null, with its defaults.
                if (property.IsNullable) _values[path] = new Assigned(nested.Create(), node.Origin);
                Add(map, nested, below, seen);
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

    void Set(string path, object? value, Origin origin)
    {
        _values[path] = new Assigned(value, origin);
        for (var dot = path.LastIndexOf('.'); dot > 0; dot = path.LastIndexOf('.', dot - 1))
        {
            // A key below a record that an earlier layer made null brings the record back.
            var parent = path[..dot];
            if (_values.TryGetValue(parent, out var assigned) && assigned.Value is null) _values.Remove(parent);
        }
    }

    object Build(RecordShape record, object defaults, string at)
    {
        var built = record.Clone(defaults);
        foreach (var property in record.Properties)
        {
            var path = at + property.Key;
            var assigned = _values.TryGetValue(path, out var entry);
            if (property.Shape is not RecordShape nested)
            {
                if (assigned) TrySet(property, built, path, entry!);
            }
            else if (assigned && entry!.Value is null)
            {
                TrySet(property, built, path, entry!);
            }
            else if (assigned || _values.Keys.Any(key => key.StartsWith(path + ".", StringComparison.Ordinal)))
            {
                TrySet(property, built, path, new Assigned(Build(nested, property.Get(built) ?? nested.Create(), path + "."), Origin.Default));
            }
        }
        return built;
    }

    // A property may refuse a value of the right type by throwing; its message is one more fault.
    void TrySet(OptionProperty property, object record, string path, Assigned entry)
    {
        try
        {
            property.Set(record, entry.Value);
        }
        catch (ArgumentException error)
        {
            faults.Add(ConfigFault.OfValue(path, $"{entry.Value}", error.Message, entry.Origin));
        }
    }

    // A class: generic code over reference types is compiled ahead of time, over value tuples it is not, and this runs at each start.
    sealed record Assigned(object? Value, Origin Origin);

    OptionFault Unknown(string path, ConfigNode node, Origin origin)
    {
        var keys = shape.Leaves(prefix).Select(leaf => leaf.Path).ToList();
        var groups = keys.Where(key => key.Contains('.', StringComparison.Ordinal)).Select(key => key[..key.LastIndexOf('.')]).Distinct();
        var candidates = node is ConfigMap ? groups : keys;
        var problem = NearestKey.Of(path, candidates) is { } nearest ? $"unknown; did you mean {nearest}?" : "unknown; `raijin config print` lists the keys";
        return ConfigFault.Of(path, problem, origin);
    }

    static OptionProperty? Find(RecordShape record, string dottedKey)
    {
        var segments = dottedKey.Split('.');
        foreach (var segment in segments[..^1])
        {
            if (record.Find(segment)?.Shape is not RecordShape nested) return null;
            record = nested;
        }
        return record.Find(segments[^1]);
    }
}
