namespace Raijin.App;

/// <summary>One node of a configuration layer: what a file or the arguments say, before any type is known.</summary>
/// <param name="Origin">Where the node begins.</param>
abstract record ConfigNode(Origin Origin);

/// <summary>A single value as text. A plain <c>null</c>, <c>~</c> or nothing means "no value"; in quotes they are text.</summary>
/// <param name="Text">The text, quotes and escapes resolved.</param>
/// <param name="Quoted">Whether the file marks it as text, so that it is no number, truth value or null.</param>
/// <param name="Origin">Where it was written.</param>
sealed record ConfigScalar(string Text, bool Quoted, Origin Origin) : ConfigNode(Origin)
{
    /// <summary>Whether this is the absence of a value.</summary>
    public bool IsNull => !Quoted && Text is "" or "~" or "null";
}

/// <summary>A sequence of nodes.</summary>
sealed record ConfigList(IReadOnlyList<ConfigNode> Items, Origin Origin) : ConfigNode(Origin);

/// <summary>Keys and their nodes in the order written; a key may stand twice, which binding reports.</summary>
sealed record ConfigMap(IReadOnlyList<ConfigEntry> Entries, Origin Origin) : ConfigNode(Origin)
{
    /// <summary>The node at a dotted path; null when there is none.</summary>
    public ConfigNode? At(string path)
    {
        ConfigNode? node = this;
        foreach (var key in path.Split('.')) node = (node as ConfigMap)?.Entries.FirstOrDefault(entry => entry.Key == key)?.Value;
        return node;
    }

    /// <summary>What was said somewhere, without what is as it was by default.</summary>
    public ConfigMap Said() => this with
    {
        Entries = [.. Entries.Select(entry => entry.Value is ConfigMap inner ? entry with { Value = inner.Said() } : entry)
            .Where(entry => entry.Value is ConfigMap inner ? inner.Entries.Count > 0 : entry.Value.Origin != Origin.Default)],
    };

    /// <summary>The map without the node at a path.</summary>
    public ConfigMap Without(params ReadOnlySpan<string> path)
    {
        var entries = new List<ConfigEntry>();
        foreach (var entry in Entries)
        {
            if (entry.Key != path[0]) entries.Add(entry);
            else if (path.Length > 1) entries.Add(entry.Value is ConfigMap inner ? entry with { Value = inner.Without(path[1..]) } : entry);
        }
        return this with { Entries = entries };
    }
}

/// <summary>One key of a <see cref="ConfigMap"/>. A dotted key (<c>trainer.maxEpochs</c>) reaches into nested records.</summary>
sealed record ConfigEntry(string Key, ConfigNode Value, Origin Origin);
