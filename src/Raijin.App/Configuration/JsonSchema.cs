using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Raijin.App;

/// <summary>JSON schema, draft 2020-12, of a task's configuration: an editor that knows it completes keys and marks faults while they are typed.</summary>
static class JsonSchema
{
    const string Draft = "https://json-schema.org/draft/2020-12/schema";

    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The schema of a configuration file for <paramref name="shape"/>.</summary>
    /// <param name="shape">The keys.</param>
    /// <param name="defaults">The configuration when nothing is said.</param>
    /// <param name="title">What the file configures.</param>
    public static JsonObject Of(GroupShape shape, ConfigMap defaults, string title)
    {
        var schema = shape.ToSchema();
        foreach (var path in shape.Linked) Remove(schema, path);
        AddDefaults(schema, defaults);
        schema.Insert(0, "$schema", Draft);
        schema.Insert(1, "title", title);
        return schema;
    }

    /// <summary>The schema as indented text.</summary>
    public static string Print(JsonObject schema) => schema.ToJsonString(Indented) + "\n";

    /// <summary>One of several words.</summary>
    public static JsonObject OneOf(IEnumerable<string> words) => new() { ["enum"] = new JsonArray([.. words.Select(word => (JsonNode)word)]) };

    /// <summary>What <paramref name="schema"/> allows, or null.</summary>
    public static JsonObject OrNull(JsonObject schema)
    {
        switch (schema)
        {
            case var _ when schema["type"] is JsonValue type:
                schema["type"] = new JsonArray((string)type!, "null");
                return schema;
            case var _ when schema["enum"] is JsonArray words:
                words.Add((JsonNode?)null);
                return schema;
            default:
                return new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "null" }, schema) };
        }
    }

    static void AddDefaults(JsonObject schema, ConfigMap defaults)
    {
        if (schema["properties"] is not JsonObject properties) return;
        foreach (var (key, node, _) in defaults.Entries)
        {
            if (properties[key] is not JsonObject property) continue;
            if (node is ConfigMap map && property["properties"] is not null) AddDefaults(property, map);
            else property["default"] = ConfigWriter.ToJsonNode(node);
        }
    }

    static void Remove(JsonObject schema, string path)
    {
        var keys = path.Split('.');
        foreach (var key in keys[..^1]) schema = (JsonObject)schema["properties"]![key]!;
        ((JsonObject)schema["properties"]!).Remove(keys[^1]);
    }
}
