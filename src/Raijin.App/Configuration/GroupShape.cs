using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Raijin.App;

/// <summary>What has keys: an options record, or the sections of a whole task.</summary>
abstract class GroupShape : ValueShape
{
    /// <summary>The keys, in the order they are shown.</summary>
    public abstract IReadOnlyList<OptionProperty> Properties { get; }

    /// <inheritdoc/>
    public override string Expectation => $"expected a group of keys: {string.Join(", ", Properties.Select(property => property.Key))}";

    /// <summary>Whether some of its values have names, written in place of the keys.</summary>
    public virtual bool HasNames => false;

    /// <summary>A group with its defaults.</summary>
    public abstract object Create();

    /// <summary>The group that a name stands for; <paramref name="problem"/> says what is allowed.</summary>
    public virtual object? Named(string name, out string? problem)
    {
        problem = null;
        return null;
    }

    /// <summary>A copy that may be changed until it is handed out.</summary>
    public abstract object Clone(object group);

    /// <summary>Whether <paramref name="group"/> is one of these.</summary>
    public abstract bool Fits(object group);

    /// <summary>The key a key follows by a link, so that it can't be set itself; null for none.</summary>
    public virtual string? SourceOf(string path) => null;

    /// <summary>Every key that follows another by a link.</summary>
    public virtual IEnumerable<string> Linked => [];

    /// <summary>The group once every layer is laid: keys that follow others have their values.</summary>
    public virtual object Settle(object group) => group;

    /// <summary>The option named <paramref name="key"/>, or null.</summary>
    public OptionProperty? Find(string key) => Properties.FirstOrDefault(property => property.Key == key);

    /// <summary>Every key that takes a value, below <paramref name="prefix"/>; groups are entered, not named. Of a choice: its name, then the keys of all its kinds.</summary>
    public virtual IEnumerable<OptionLeaf> Leaves(string prefix = "")
    {
        foreach (var property in Properties)
        {
            var path = prefix + property.Key;
            switch (property.Shape)
            {
                case GroupShape nested:
                    if (nested.HasNames) yield return new OptionLeaf(path, property);
                    foreach (var leaf in nested.Leaves(path + ".")) yield return leaf;
                    break;
                case VariantShape variant:
                    yield return new OptionLeaf(path, property) { ValuePath = $"{path}.{VariantShape.Kind}" };
                    foreach (var leaf in variant.Leaves(path)) yield return leaf;
                    break;
                default:
                    yield return new OptionLeaf(path, property);
                    break;
            }
        }
    }

    /// <summary>What is wrong with the values of a group, each allowed by its type: outside their range, missing, or refused by the record itself.</summary>
    /// <param name="group">The group.</param>
    /// <param name="prefix">Its path with a dot; empty for the whole.</param>
    /// <param name="complete">Whether what is required must be there.</param>
    public IEnumerable<OptionFault> Faults(object group, string prefix, bool complete)
    {
        foreach (var property in Properties)
        {
            var path = prefix + property.Key;
            var value = property.Get(group);
            if (value is null)
            {
                if (complete && property.IsRequired) yield return new(path, property.Summary is { } summary ? $"needed: {summary}" : $"needed: {property.Shape.Expectation}");
                continue;
            }
            if (property.Range is { } range && range.Fault(value) is { } problem) yield return new(path, problem);
            var inner = property.Shape switch { GroupShape nested => nested, VariantShape variant => variant.ShapeOf(value.GetType()), _ => null };
            if (inner is null) continue;
            foreach (var fault in inner.Faults(value, path + ".", complete)) yield return fault;
        }
        if (group is not ICheckedOptions options) yield break;
        foreach (var fault in options.Faults()) yield return fault with { Key = prefix + fault.Key };
    }

    /// <inheritdoc/>
    public override bool TryBind(ConfigNode node, string path, List<OptionFault> faults, [NotNullWhen(true)] out object? value)
    {
        value = null;
        if (node is not ConfigMap map) return Refuse(node, path, faults);
        var before = faults.Count;
        var layers = new ConfigLayers(this, Create(), faults, path + ".");
        layers.Add(map);
        value = layers.Build();
        return faults.Count == before;
    }

    /// <inheritdoc/>
    public override ConfigMap ToNode(object value, string path, Func<string, Origin> originOf)
    {
        var prefix = path.Length == 0 ? "" : path + ".";
        return new ConfigMap([.. Properties.Where(property => SourceOf(prefix + property.Key) is null).Select(property =>
        {
            var at = prefix + property.Key;
            var node = property.Get(value) is { } inner ? property.Shape.ToNode(inner, at, originOf) : new ConfigScalar("null", Quoted: false, originOf(at));
            return new ConfigEntry(property.Key, node, node.Origin);
        })], originOf(path));
    }

    /// <inheritdoc/>
    public override JsonObject ToSchema()
    {
        var properties = new JsonObject();
        foreach (var property in Properties) properties[property.Key] = property.ToSchema();
        return new JsonObject { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
    }
}

/// <summary>A key that takes a value.</summary>
/// <param name="Path">The whole key, dotted.</param>
/// <param name="Property">The option.</param>
sealed record OptionLeaf(string Path, OptionProperty Property)
{
    /// <summary>Where its value stands in a configuration tree: the path itself, but for a choice, whose name is a key of it.</summary>
    public string ValuePath { get; init; } = Path;

    /// <summary>The kinds of a choice that have this key, when not all have it; else empty.</summary>
    public IReadOnlyList<string> Kinds { get; init; } = [];

    /// <summary>What may be written for it: for a choice, the names of its kinds.</summary>
    public IReadOnlyList<string> Choices => Property.Shape switch
    {
        ScalarShape scalar => scalar.Choices,
        VariantShape variant when ValuePath != Path => variant.Names,
        _ => [],
    };
}
