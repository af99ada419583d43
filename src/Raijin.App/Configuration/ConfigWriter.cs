using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Raijin.App;

/// <summary>Writes a configuration tree so that reading it gives the same tree.</summary>
static class ConfigWriter
{
    static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The tree as YAML, block style, one key a line; with <paramref name="sources"/> each line ends in a comment that says where its value came from.</summary>
    public static string ToYaml(ConfigMap map, bool sources = false)
    {
        var lines = new List<(string Text, Origin? Origin)>();
        AddMap(lines, map, indent: "");
        var column = lines.Count == 0 ? 0 : lines.Max(line => line.Origin is null ? 0 : line.Text.Length) + 2;
        var yaml = new StringBuilder();
        foreach (var (text, origin) in lines)
        {
            yaml.Append(text);
            if (sources && origin is { } known) yaml.Append(' ', column - text.Length).Append("# ").Append(known);
            yaml.Append('\n');
        }
        return yaml.ToString();
    }

    /// <summary>The tree as indented JSON.</summary>
    public static string ToJson(ConfigMap map)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Indented)) WriteJson(writer, map);
        return Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)) + "\n";
    }

    /// <summary>A node as JSON.</summary>
    public static JsonNode? ToJsonNode(ConfigNode node)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer)) WriteJson(writer, node);
        return JsonNode.Parse(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    /// <summary>Writes one node as a JSON value.</summary>
    public static void WriteJson(Utf8JsonWriter writer, ConfigNode node)
    {
        switch (node)
        {
            case ConfigMap map:
                writer.WriteStartObject();
                foreach (var entry in map.Entries)
                {
                    writer.WritePropertyName(entry.Key);
                    WriteJson(writer, entry.Value);
                }
                writer.WriteEndObject();
                break;
            case ConfigList list:
                writer.WriteStartArray();
                foreach (var item in list.Items) WriteJson(writer, item);
                writer.WriteEndArray();
                break;
            case ConfigScalar { Quoted: true } scalar:
                writer.WriteStringValue(scalar.Text);
                break;
            case ConfigScalar scalar:
                WritePlain(writer, scalar.Text);
                break;
        }
    }

    // Not WriteRawValue, which leaves out the indentation inside lists.
    static void WritePlain(Utf8JsonWriter writer, string text)
    {
        if (text is "null") writer.WriteNullValue();
        else if (text is "true" or "false") writer.WriteBooleanValue(text == "true");
        else if (long.TryParse(text, CultureInfo.InvariantCulture, out var whole)) writer.WriteNumberValue(whole);
        else if (ulong.TryParse(text, CultureInfo.InvariantCulture, out var large)) writer.WriteNumberValue(large);
        else writer.WriteNumberValue(double.Parse(text, CultureInfo.InvariantCulture));
    }

    static void AddMap(List<(string, Origin?)> lines, ConfigMap map, string indent)
    {
        foreach (var (key, node, _) in map.Entries)
        {
            switch (node)
            {
                case ConfigMap { Entries.Count: > 0 } nested:
                    lines.Add(($"{indent}{key}:", null));
                    AddMap(lines, nested, indent + "  ");
                    break;
                case ConfigList list when list.Items.Any(item => item is ConfigMap { Entries.Count: > 0 }):
                    lines.Add(($"{indent}{key}:", node.Origin));
                    foreach (var item in list.Items) AddItem(lines, item, indent + "  ");
                    break;
                default:
                    lines.Add(($"{indent}{key}: {Inline(node)}", node.Origin));
                    break;
            }
        }
    }

    static void AddItem(List<(string Text, Origin?)> lines, ConfigNode item, string indent)
    {
        if (item is not ConfigMap { Entries.Count: > 0 } map)
        {
            lines.Add(($"{indent}- {Inline(item)}", null));
            return;
        }
        var first = lines.Count;
        AddMap(lines, map, indent + "  ");
        lines[first] = (string.Concat(indent, "- ", lines[first].Text.AsSpan(indent.Length + 2)), null);
    }

    /// <summary>A node on one line, as YAML.</summary>
    public static string Inline(ConfigNode node) => node switch
    {
        ConfigScalar { Quoted: true } scalar when !IsPlain(scalar.Text) => Quote(scalar.Text),
        ConfigScalar scalar => scalar.Text,
        ConfigList list => $"[{string.Join(", ", list.Items.Select(Inline))}]",
        _ => "{}",
    };

    // Plain only where no YAML reader, of any version, sees more than text: words of letters, digits and a few signs, begun by a letter.
    static bool IsPlain(string text) =>
        text.Length > 0 && char.IsAsciiLetter(text[0]) && !text.EndsWith(' ')
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '_' or '.' or '/' or '+' or '-' or '(' or ')')
        && text.ToUpperInvariant() is not ("NULL" or "TRUE" or "FALSE" or "YES" or "NO" or "ON" or "OFF" or "Y" or "N");

    // A JSON string is a YAML double-quoted scalar.
    static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}
