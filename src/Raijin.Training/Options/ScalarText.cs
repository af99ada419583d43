using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Raijin.Training;

/// <summary>Reads and writes an option that prints and parses itself as one JSON string: <c>"500 steps"</c>, <c>"norm 1.0"</c>.</summary>
/// <typeparam name="T">The option's type.</typeparam>
public sealed class ScalarTextConverter<T> : JsonConverter<T> where T : IParsable<T>
{
    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.TokenType == JsonTokenType.String ? reader.GetString()! : System.Text.Encoding.UTF8.GetString(reader.ValueSpan);
        try
        {
            return T.Parse(text, CultureInfo.InvariantCulture);
        }
        catch (FormatException error)
        {
            throw new JsonException(error.Message, error);
        }
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value.ToString());
    }
}
