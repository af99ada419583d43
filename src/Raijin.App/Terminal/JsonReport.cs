using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Raijin.App;

/// <summary>The one JSON object that ends standard output under <c>--json</c>.</summary>
static class JsonReport
{
    static readonly JsonWriterOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the object on one line when <c>--json</c> was given; else nothing.</summary>
    /// <param name="terminal">Where.</param>
    /// <param name="command">The command, as the field <c>command</c>.</param>
    /// <param name="exitCode">The exit code, as the field <c>exitCode</c>.</param>
    /// <param name="fields">Writes the other fields.</param>
    public static void Write(Terminal terminal, string command, int exitCode, Action<Utf8JsonWriter> fields)
    {
        if (!terminal.Json) return;
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, OneLine))
        {
            writer.WriteStartObject();
            writer.WriteString("command", command);
            writer.WriteNumber("exitCode", exitCode);
            fields(writer);
            writer.WriteEndObject();
        }
        terminal.Out.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
        terminal.Out.Flush();
    }

    /// <summary>Writes a number JSON knows; what it does not know (NaN, infinities) is null.</summary>
    public static void WriteMeasure(this Utf8JsonWriter writer, string name, double value)
    {
        if (double.IsFinite(value)) writer.WriteNumber(name, value);
        else writer.WriteNull(name);
    }

    /// <summary>Writes an object of measures.</summary>
    public static void WriteMeasures(this Utf8JsonWriter writer, string name, IEnumerable<KeyValuePair<string, double>> values)
    {
        writer.WriteStartObject(name);
        foreach (var (key, value) in values) writer.WriteMeasure(key, value);
        writer.WriteEndObject();
    }
}
