using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json.Nodes;

namespace Raijin.App;

/// <summary>One option: a key of a group.</summary>
abstract class OptionProperty(string key, ValueShape shape)
{
    /// <summary>The key, camelCase.</summary>
    public string Key => key;

    /// <summary>What may be written for it.</summary>
    public ValueShape Shape => shape;

    /// <summary>Whether <c>null</c> may be written for it.</summary>
    public abstract bool IsNullable { get; }

    /// <summary>Whether it is a truth value, whose name alone means true.</summary>
    public virtual bool IsFlag => false;

    /// <summary>Whether a run needs it, although it has no default.</summary>
    public virtual bool IsRequired => false;

    /// <summary>The numbers allowed; null for all.</summary>
    public virtual NumberRange? Range => null;

    /// <summary>What it means, in one sentence; null when nobody said.</summary>
    public abstract string? Summary { get; }

    /// <summary>What it means, in full.</summary>
    public virtual string? Description => Summary;

    /// <summary>The option's value in <paramref name="group"/>.</summary>
    public abstract object? Get(object group);

    /// <summary>Sets the option in a group that was just made; an exception of the property comes as it is.</summary>
    public abstract void Set(object group, object? value);

    /// <summary>The option as a JSON schema, without its default.</summary>
    public JsonObject ToSchema()
    {
        var schema = shape.ToSchema();
        Range?.AddTo(schema);
        if (IsNullable) schema = JsonSchema.OrNull(schema);
        if (Description is { } text) schema.Insert(0, "description", text);
        return schema;
    }
}

/// <summary>A property of an options record.</summary>
sealed class RecordProperty : OptionProperty
{
    readonly PropertyInfo _property;
    readonly Lazy<bool> _isNullable;

    public RecordProperty(PropertyInfo property, ValueShape shape) : base(RecordShape.CamelCase(property.Name), shape)
    {
        _property = property;
        Range = property.GetCustomAttribute<RangeAttribute>() is { } range ? NumberRange.Of(range) : null;
        IsRequired = property.IsDefined(typeof(RequiredAttribute));
        _isNullable = new(() => property.PropertyType.IsValueType
            ? Nullable.GetUnderlyingType(property.PropertyType) is not null
            : new NullabilityInfoContext().Create(property).WriteState == NullabilityState.Nullable);
    }

    public override bool IsNullable => _isNullable.Value;

    public override bool IsFlag => (Nullable.GetUnderlyingType(_property.PropertyType) ?? _property.PropertyType) == typeof(bool);

    public override bool IsRequired { get; }

    public override NumberRange? Range { get; }

    public override string? Summary => PropertyDocs.Summary(_property);

    public override string? Description => PropertyDocs.Description(_property);

    public override object? Get(object group) => _property.GetValue(group);

    public override void Set(object group, object? value) => _property.SetValue(group, value, BindingFlags.DoNotWrapExceptions, null, null, null);
}
