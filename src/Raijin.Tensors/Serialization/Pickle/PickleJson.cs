using System.Globalization;
using System.Numerics;
using System.Text.Json.Nodes;

namespace Raijin.Tensors;

/// <summary>Plain data of a pickle as JSON, for people and for <c>state.json</c>.</summary>
/// <remarks>
/// Not everything has a form there: a tensor becomes its description, an object of another class <c>{"class": …, "state": …}</c>, what is deeper than 32 levels or beyond 100,000 values a text that says so.
/// So a value that holds itself, or one that is small only because its parts are shared, ends too.
/// </remarks>
public static class PickleJson
{
    const int MaxDepth = 32;
    const int MaxValues = 100_000;
    const int MaxText = 4096;

    /// <summary>The JSON of a value.</summary>
    public static JsonNode? Of(object? value)
    {
        var left = MaxValues;
        return Of(value, 0, ref left);
    }

    static JsonNode? Of(object? value, int depth, ref int left)
    {
        if (--left < 0) return "(more values)";
        if (depth > MaxDepth) return "(deeper)";
        switch (value)
        {
            case null: return null;
            case bool flag: return flag;
            case long number: return number;
            case double number when double.IsFinite(number): return number;
            case double number: return number.ToString(CultureInfo.InvariantCulture);
            case BigInteger number: return number.ToString(CultureInfo.InvariantCulture);
            case string text: return Text(text);
            case byte[] bytes: return string.Create(CultureInfo.InvariantCulture, $"({bytes.Length} bytes)");
            case PickleGlobal name: return Text(name.ToString());
            case PickleTensor tensor: return tensor.ToString();
            case PickleStorage storage: return Text($"(storage {storage.Key})");
            case PickleList list: return Array(list.Items, depth, ref left);
            case PickleTuple tuple: return Array(tuple.Items, depth, ref left);
            case PickleSet set: return Array(set.Items, depth, ref left);
            case PickleDict dict: return Object(dict, depth, ref left);
            case PickleObject made:
                var node = new JsonObject { ["class"] = Text(made.TypeName) };
                if (made.Arguments.Count > 0) node["arguments"] = Array(made.Arguments, depth + 1, ref left);
                if (made.State is not null) node["state"] = Of(made.State, depth + 1, ref left);
                if (made.Items.Count > 0) node["items"] = Array(made.Items, depth + 1, ref left);
                if (made.Entries is not null) node["entries"] = Object(made.Entries, depth + 1, ref left);
                return node;
            default: return Text(value.ToString() ?? "");
        }
    }

    static JsonArray Array(IReadOnlyList<object?> items, int depth, ref int left)
    {
        var array = new JsonArray();
        foreach (var item in items)
        {
            array.Add(Of(item, depth + 1, ref left));
            if (left < 0) break;
        }

        return array;
    }

    static JsonObject Object(PickleDict dict, int depth, ref int left)
    {
        var node = new JsonObject();
        foreach (var (key, value) in dict.Entries)
        {
            var name = key switch
            {
                string text => Text(text),
                long number => number.ToString(CultureInfo.InvariantCulture),
                _ => Text(Of(key, depth + 1, ref left)?.ToJsonString() ?? "None"),
            };
            node[name] = Of(value, depth + 1, ref left);
            if (left < 0) break;
        }

        return node;
    }

    static string Text(string text) => text.Length <= MaxText ? text : text[..MaxText] + "…";
}
