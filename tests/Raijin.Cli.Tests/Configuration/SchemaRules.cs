using System.Text.Json.Nodes;

namespace Raijin.Cli.Tests;

/// <summary>A small validator of JSON schema, written from the specification and not from the writer: the keywords that configuration schemas use; any other is a failure.</summary>
static class SchemaRules
{
    static readonly string[] Annotations = ["$schema", "title", "description", "default"];

    /// <summary>The paths at which <paramref name="value"/> breaks <paramref name="schema"/>.</summary>
    public static List<string> Problems(JsonNode? value, JsonNode schema, string path = "$")
    {
        var problems = new List<string>();
        foreach (var (keyword, rule) in schema.AsObject())
        {
            var good = keyword switch
            {
                _ when Annotations.Contains(keyword) => true,
                "type" => rule is JsonArray several ? several.Any(type => Is(value, (string)type!)) : Is(value, (string)rule!),
                "enum" => rule!.AsArray().Any(allowed => JsonNode.DeepEquals(allowed, value)),
                "const" => JsonNode.DeepEquals(rule, value),
                "minimum" => value is null || (double)value >= (double)rule!,
                "maximum" => value is null || (double)value <= (double)rule!,
                "exclusiveMinimum" => value is null || (double)value > (double)rule!,
                "exclusiveMaximum" => value is null || (double)value < (double)rule!,
                "items" => Collect(problems, value is JsonArray items ? items.SelectMany((item, i) => Problems(item, rule!, $"{path}[{i}]")) : []),
                "properties" => Collect(problems, value is JsonObject map ? map.Where(entry => rule![entry.Key] is not null).SelectMany(entry => Problems(entry.Value, rule![entry.Key]!, $"{path}.{entry.Key}")) : []),
                "additionalProperties" => Collect(problems, value is JsonObject map && !(bool)rule! ? map.Where(entry => schema["properties"]![entry.Key] is null).Select(entry => $"{path}.{entry.Key}") : []),
                "propertyNames" => Collect(problems, value is JsonObject map ? map.SelectMany(entry => Problems(entry.Key, rule!, $"{path}.{entry.Key}")) : []),
                "required" => value is not JsonObject map || rule!.AsArray().All(name => map.ContainsKey((string)name!)),
                "anyOf" => rule!.AsArray().Any(option => Problems(value, option!, path).Count == 0),
                "allOf" => Collect(problems, rule!.AsArray().SelectMany(part => Problems(value, part!, path))),
                "if" => Collect(problems, Problems(value, rule!, path).Count == 0 ? Problems(value, schema["then"]!, path) : []),
                "then" => true,
                _ => throw new InvalidOperationException($"{path}: the keyword {keyword} is not known here."),
            };
            if (!good) problems.Add(path);
        }
        return [.. problems.Distinct()];
    }

    static bool Collect(List<string> problems, IEnumerable<string> found)
    {
        problems.AddRange(found);
        return true;
    }

    static bool Is(JsonNode? value, string type) => type switch
    {
        "null" => value is null,
        "object" => value is JsonObject,
        "array" => value is JsonArray,
        "string" => value?.GetValueKind() == System.Text.Json.JsonValueKind.String,
        "boolean" => value?.GetValueKind() is System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False,
        "integer" => value?.GetValueKind() == System.Text.Json.JsonValueKind.Number && (double)value == Math.Floor((double)value),
        "number" => value?.GetValueKind() == System.Text.Json.JsonValueKind.Number,
        _ => false,
    };
}
