using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Raijin.App;

/// <summary>
/// What may be written for a value of one .NET type: a scalar, a list, or a record of further values. Shapes are read from the options' own types, so
/// that a property added to a record is an option at once. A type no shape fits (a callback, a delegate) is set in code only.
/// </summary>
abstract class ValueShape
{
    static readonly ConcurrentDictionary<Type, ValueShape?> Known = new();

    /// <summary>What is expected, as the second half of an error: <c>expected a whole number</c>, <c>allowed: a, b</c>.</summary>
    public abstract string Expectation { get; }

    /// <summary>The shape of <paramref name="type"/>, or null when its values cannot be written in a configuration.</summary>
    public static ValueShape? Of(Type type) => Known.GetOrAdd(type, static type =>
        ScalarShape.OfType(Nullable.GetUnderlyingType(type) ?? type) ?? ListShape.OfType(type) ?? VariantShape.OfType(type) ?? (ValueShape?)RecordShape.OfType(type));

    /// <summary>Makes <see cref="Of"/> look at <paramref name="type"/> anew: a choice for it was registered.</summary>
    public static void Forget(Type type) => Known.TryRemove(type, out _);

    /// <summary>Converts what was written at <paramref name="path"/>; what is wrong goes to <paramref name="faults"/>.</summary>
    /// <returns>Whether <paramref name="value"/> holds the converted value.</returns>
    public abstract bool TryBind(ConfigNode node, string path, List<OptionFault> faults, [NotNullWhen(true)] out object? value);

    /// <summary>What to write for <paramref name="value"/>, such that binding it gives an equal value.</summary>
    /// <param name="value">A value of this shape's type.</param>
    /// <param name="path">The value's own path.</param>
    /// <param name="originOf">Where the value at a path came from.</param>
    public abstract ConfigNode ToNode(object value, string path, Func<string, Origin> originOf);

    /// <summary>What a JSON schema says of such a value.</summary>
    public abstract JsonObject ToSchema();

    /// <summary>Reports a node of the wrong kind.</summary>
    protected bool Refuse(ConfigNode node, string path, List<OptionFault> faults, string? problem = null)
    {
        var text = node switch
        {
            ConfigScalar { Quoted: true } scalar => $"\"{scalar.Text}\"",
            ConfigScalar { IsNull: true } => "null",
            ConfigScalar scalar => scalar.Text,
            ConfigList => "[…]",
            _ => "{…}",
        };
        faults.Add(ConfigFault.OfValue(path, text, problem ?? Expectation, node.Origin));
        return false;
    }
}

/// <summary>A list; written <c>[1, 2]</c>, over several lines, or as an argument <c>1,2</c>.</summary>
sealed class ListShape : ValueShape
{
    readonly Type _itemType;
    readonly ValueShape _item;

    ListShape(Type itemType, ValueShape item)
    {
        _itemType = itemType;
        _item = item;
    }

    /// <summary>The shape of arrays and read-only lists of bindable items; null for every other type.</summary>
    public static ListShape? OfType(Type type)
    {
        var itemType = type switch
        {
            { IsArray: true } when type.GetArrayRank() == 1 => type.GetElementType(),
            { IsGenericType: true } when type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) => type.GetGenericArguments()[0],
            _ => null,
        };
        return itemType is not null && Of(itemType) is { } item ? new ListShape(itemType, item) : null;
    }

    /// <inheritdoc/>
    public override string Expectation => "expected a list such as [a, b]";

    /// <inheritdoc/>
    public override bool TryBind(ConfigNode node, string path, List<OptionFault> faults, [NotNullWhen(true)] out object? value)
    {
        value = null;
        var items = node switch
        {
            ConfigList list => list.Items,
            ConfigScalar { Quoted: false } scalar when scalar.Origin.IsOneText => SplitArgument(scalar),
            _ => null,
        };
        if (items is null) return Refuse(node, path, faults);

        var array = Array.CreateInstance(_itemType, items.Count);
        var good = true;
        for (var i = 0; i < items.Count; i++)
        {
            if (_item.TryBind(items[i], $"{path}[{i}]", faults, out var item)) array.SetValue(item, i);
            else good = false;
        }
        value = array;
        return good;
    }

    /// <inheritdoc/>
    public override ConfigNode ToNode(object value, string path, Func<string, Origin> originOf)
    {
        var origin = originOf(path);
        return new ConfigList([.. ((System.Collections.IEnumerable)value).Cast<object>().Select(item => _item.ToNode(item, path, _ => origin))], origin);
    }

    /// <inheritdoc/>
    public override JsonObject ToSchema() => new() { ["type"] = "array", ["items"] = _item.ToSchema() };

    static ConfigScalar[] SplitArgument(ConfigScalar scalar)
    {
        var text = scalar.Text.AsSpan().Trim();
        if (text is ['[', .. var inner, ']']) text = inner;
        return text.IsWhiteSpace()
            ? []
            : [.. text.ToString().Split(',', StringSplitOptions.TrimEntries).Select(item => new ConfigScalar(item, Quoted: false, scalar.Origin))];
    }
}
