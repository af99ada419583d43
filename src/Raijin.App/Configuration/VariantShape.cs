using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Raijin.App;

/// <summary>
/// One of several records by a short name: <c>optimizer: sgd</c>, or with keys of its own <c>optimizer: { kind: sgd, momentum: 0.9 }</c>. The names are those of
/// registered types; a name that nobody registered is a fault, never a type to load.
/// </summary>
sealed class VariantShape : ValueShape
{
    /// <summary>The key that names the record chosen.</summary>
    public const string Kind = "kind";

    readonly OrderedDictionary<string, RecordShape> _kinds = [];
    readonly Dictionary<Type, string> _names = [];

    VariantShape(Type type)
    {
        foreach (var (name, choice) in ChoiceTable.Of(type))
        {
            var shape = RecordShape.OfType(choice) ?? throw new ArgumentException($"{choice.Name} can't be chosen as {name}: it must be a record that can be made without arguments.");
            if (shape.Find(Kind) is not null) throw new ArgumentException($"{choice.Name} has a property named Kind, which is the key that chooses among records: give it another name.");
            _kinds.Add(name, shape);
            _names.Add(choice, name);
        }
    }

    /// <summary>The shape of an abstract record with registered choices; null for every other type.</summary>
    public static VariantShape? OfType(Type type) => type is { IsClass: true, IsAbstract: true } && ChoiceTable.Of(type).Any() ? new VariantShape(type) : null;

    /// <summary>What can be chosen.</summary>
    public IReadOnlyList<string> Names => [.. _kinds.Keys];

    /// <inheritdoc/>
    public override string Expectation => $"allowed: {string.Join(", ", _kinds.Keys)}";

    /// <summary>The keys of a kind; null when there is no such kind.</summary>
    public RecordShape? ShapeOf(string kind) => _kinds.GetValueOrDefault(kind);

    /// <summary>The keys of a record's kind.</summary>
    public RecordShape ShapeOf(Type type) => _kinds[NameOf(type)];

    /// <summary>A record type's short name.</summary>
    public string NameOf(Type type) => _names.TryGetValue(type, out var name)
        ? name
        : throw new ArgumentException($"{type.Name} is a default, but has no short name: mark it with [Choice(\"…\")], or register it with Choice.");

    /// <summary>The keys of all kinds, those that several have once, below <paramref name="path"/>.</summary>
    public IEnumerable<OptionLeaf> Leaves(string path)
    {
        var leaves = new OrderedDictionary<string, (OptionLeaf Leaf, List<string> Kinds)>();
        foreach (var (kind, shape) in _kinds)
        {
            foreach (var leaf in shape.Leaves(path + "."))
            {
                if (leaves.TryGetValue(leaf.Path, out var known)) known.Kinds.Add(kind);
                else leaves.Add(leaf.Path, (leaf, [kind]));
            }
        }
        return leaves.Values.Select(entry => entry.Kinds.Count == _kinds.Count ? entry.Leaf : entry.Leaf with { Kinds = entry.Kinds });
    }

    /// <inheritdoc/>
    public override bool TryBind(ConfigNode node, string path, List<OptionFault> faults, [NotNullWhen(true)] out object? value)
    {
        value = null;
        var map = node as ConfigMap;
        if ((map is null ? node : map.At(Kind)) is not ConfigScalar { IsNull: false } kind) return Refuse(node, path, faults, $"expected a kind; {Expectation}");
        if (ShapeOf(kind.Text) is not { } shape) return Refuse(kind, map is null ? path : $"{path}.{Kind}", faults);
        return shape.TryBind(new ConfigMap([.. map?.Entries.Where(entry => entry.Key != Kind) ?? []], node.Origin), path, faults, out value);
    }

    /// <inheritdoc/>
    public override ConfigMap ToNode(object value, string path, Func<string, Origin> originOf)
    {
        var origin = originOf($"{path}.{Kind}");
        var kind = new ConfigEntry(Kind, new ConfigScalar(NameOf(value.GetType()), Quoted: true, origin), origin);
        return new ConfigMap([kind, .. ShapeOf(value.GetType()).ToNode(value, path, originOf).Entries], originOf(path));
    }

    /// <inheritdoc/>
    public override JsonObject ToSchema()
    {
        // Without a kind the keys are those of whatever kind the layers before chose, so all are allowed.
        var all = new JsonObject { [Kind] = JsonSchema.OneOf(Names) };
        foreach (var property in _kinds.Values.SelectMany(shape => shape.Properties))
            if (!all.ContainsKey(property.Key)) all[property.Key] = property.ToSchema();
        var rules = new JsonArray();
        foreach (var (name, shape) in _kinds)
        {
            rules.Add(new JsonObject
            {
                ["if"] = new JsonObject { ["properties"] = new JsonObject { [Kind] = new JsonObject { ["const"] = name } }, ["required"] = new JsonArray(Kind) },
                ["then"] = new JsonObject { ["propertyNames"] = JsonSchema.OneOf([Kind, .. shape.Properties.Select(property => property.Key)]) },
            });
        }
        return new JsonObject
        {
            ["anyOf"] = new JsonArray(
                JsonSchema.OneOf(Names),
                new JsonObject { ["type"] = "object", ["properties"] = all, ["additionalProperties"] = false, ["allOf"] = rules }),
        };
    }
}
