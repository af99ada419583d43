using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Raijin.App;

/// <summary>The keys of one options record: its public settable properties in camelCase, in the order declared, base types first.
/// What <see cref="JsonIgnoreAttribute"/> keeps out of JSON is no key either.</summary>
sealed class RecordShape : GroupShape
{
    readonly Type _type;
    readonly ConstructorInfo _constructor;
    readonly MethodInfo _clone;
    readonly MethodInfo? _parse;
    readonly Lazy<IReadOnlyList<OptionProperty>> _properties;

    RecordShape(Type type, ConstructorInfo constructor, MethodInfo clone)
    {
        _type = type;
        _constructor = constructor;
        _clone = clone;
        _parse = ScalarShape.ParseMethod(type);
        _properties = new(() =>
            [.. _type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(property => property.CanRead && property.SetMethod is { IsPublic: true } && property.GetIndexParameters().Length == 0
                    && !property.IsDefined(typeof(JsonIgnoreAttribute)))
                .OrderBy(property => Depth(property.DeclaringType!))
                .Where(property => Of(property.PropertyType) is not null)
                .Select(property => new RecordProperty(property, Of(property.PropertyType)!))]);
    }

    /// <summary>The shape of a record class that can be made without arguments, or whose constructor has a default for each; null for every other type.</summary>
    public static RecordShape? OfType(Type type)
    {
        if (!type.IsClass || type.IsAbstract) return null;
        var constructor = type.GetConstructors().Where(made => made.GetParameters().All(parameter => parameter.HasDefaultValue)).MinBy(made => made.GetParameters().Length);
        var clone = type.GetMethod("<Clone>$", BindingFlags.Public | BindingFlags.Instance);
        return constructor is null || clone is null ? null : new RecordShape(type, constructor, clone);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<OptionProperty> Properties => _properties.Value;

    /// <summary>A property's name as its key: <c>MaxEpochs</c> is <c>maxEpochs</c>, <c>IOThreads</c> is <c>ioThreads</c>.</summary>
    public static string CamelCase(string name) => JsonNamingPolicy.CamelCase.ConvertName(name);

    /// <inheritdoc/>
    public override bool HasNames => _parse is not null;

    /// <inheritdoc/>
    public override object? Named(string name, out string? problem)
    {
        problem = null;
        try
        {
            return _parse?.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [name, CultureInfo.InvariantCulture], null);
        }
        catch (FormatException error)
        {
            problem = error.Message;
            return null;
        }
    }

    /// <inheritdoc/>
    public override JsonObject ToSchema() => HasNames ? new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "string" }, base.ToSchema()) } : base.ToSchema();

    /// <inheritdoc/>
    public override object Create() =>
        _constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, [.. _constructor.GetParameters().Select(parameter => parameter.DefaultValue)], null);

    /// <inheritdoc/>
    public override object Clone(object group) => _clone.Invoke(group, null)!;

    /// <inheritdoc/>
    public override bool Fits(object group) => group.GetType() == _type;

    static int Depth(Type type) => type.BaseType is { } parent ? 1 + Depth(parent) : 0;
}
