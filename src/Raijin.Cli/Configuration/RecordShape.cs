using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Raijin.Cli;

/// <summary>The keys of one options record: its public settable properties in camelCase, in the order declared, base types first.
/// What <see cref="JsonIgnoreAttribute"/> keeps out of JSON is no key either.</summary>
sealed class RecordShape : ValueShape
{
    readonly Type _type;
    readonly MethodInfo _clone;
    readonly Lazy<IReadOnlyList<OptionProperty>> _properties;

    RecordShape(Type type, MethodInfo clone)
    {
        _type = type;
        _clone = clone;
        _properties = new(() =>
            [.. _type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(property => property.CanRead && property.SetMethod is { IsPublic: true } && property.GetIndexParameters().Length == 0
                    && !property.IsDefined(typeof(JsonIgnoreAttribute)))
                .OrderBy(property => Depth(property.DeclaringType!))
                .Where(property => Of(property.PropertyType) is not null)
                .Select(property => new OptionProperty(property, Of(property.PropertyType)!))]);
    }

    /// <summary>The shape of a record class that can be made without arguments; null for every other type.</summary>
    public static RecordShape? OfType(Type type)
    {
        if (!type.IsClass || type.IsAbstract || type.GetConstructor(Type.EmptyTypes) is null) return null;
        var clone = type.GetMethod("<Clone>$", BindingFlags.Public | BindingFlags.Instance);
        return clone is null ? null : new RecordShape(type, clone);
    }

    /// <summary>The record's options.</summary>
    public IReadOnlyList<OptionProperty> Properties => _properties.Value;

    /// <inheritdoc/>
    public override string Expectation => $"expected a group of keys: {string.Join(", ", Properties.Select(property => property.Key))}";

    /// <summary>A property's name as its key: <c>MaxEpochs</c> is <c>maxEpochs</c>, <c>IOThreads</c> is <c>ioThreads</c>.</summary>
    public static string CamelCase(string name) => JsonNamingPolicy.CamelCase.ConvertName(name);

    /// <summary>The option named <paramref name="key"/>, or null.</summary>
    public OptionProperty? Find(string key) => Properties.FirstOrDefault(property => property.Key == key);

    /// <summary>A record with the defaults of its type.</summary>
    public object Create() => Activator.CreateInstance(_type)!;

    /// <summary>A copy that may be changed until it is handed out.</summary>
    public object Clone(object record) => _clone.Invoke(record, null)!;

    /// <summary>Every key that takes a value, below <paramref name="prefix"/>; records are entered, not named.</summary>
    public IEnumerable<OptionLeaf> Leaves(string prefix = "")
    {
        foreach (var property in Properties)
        {
            if (property.Shape is not RecordShape nested) yield return new OptionLeaf(prefix + property.Key, property);
            else foreach (var leaf in nested.Leaves($"{prefix}{property.Key}.")) yield return leaf;
        }
    }

    /// <inheritdoc/>
    public override bool TryBind(ConfigNode node, string path, List<OptionFault> faults, [NotNullWhen(true)] out object? value)
    {
        value = null;
        if (node is not ConfigMap map) return Refuse(node, path, faults);
        var before = faults.Count;
        var layers = new ConfigLayers(this, faults, path + ".");
        layers.Add(map);
        value = layers.Build(Create());
        return faults.Count == before;
    }

    /// <inheritdoc/>
    public override ConfigMap ToNode(object value, string path, Func<string, Origin> originOf)
    {
        var prefix = path.Length == 0 ? "" : path + ".";
        return new ConfigMap([.. Properties.Select(property =>
        {
            var at = prefix + property.Key;
            var node = property.Get(value) is { } inner ? property.Shape.ToNode(inner, at, originOf) : new ConfigScalar("null", Quoted: false, originOf(at));
            return new ConfigEntry(property.Key, node, node.Origin);
        })], originOf(path));
    }

    static int Depth(Type type) => type.BaseType is { } parent ? 1 + Depth(parent) : 0;
}

/// <summary>A key that takes a value.</summary>
/// <param name="Path">The whole key, dotted.</param>
/// <param name="Property">The option.</param>
sealed record OptionLeaf(string Path, OptionProperty Property);

/// <summary>One option: a property of an options record.</summary>
sealed class OptionProperty(PropertyInfo property, ValueShape shape)
{
    /// <summary>The property itself.</summary>
    public PropertyInfo Info => property;

    /// <summary>The key, camelCase.</summary>
    public string Key { get; } = RecordShape.CamelCase(property.Name);

    /// <summary>What may be written for it.</summary>
    public ValueShape Shape => shape;

    /// <summary>Whether <c>null</c> may be written for it.</summary>
    public bool IsNullable => property.PropertyType.IsValueType
        ? Nullable.GetUnderlyingType(property.PropertyType) is not null
        : new NullabilityInfoContext().Create(property).WriteState == NullabilityState.Nullable;

    /// <summary>The option's value in <paramref name="record"/>.</summary>
    public object? Get(object record) => property.GetValue(record);

    /// <summary>Sets the option in a record that was just made; an exception of the property comes as it is.</summary>
    public void Set(object record, object? value) => property.SetValue(record, value, BindingFlags.DoNotWrapExceptions, null, null, null);
}
