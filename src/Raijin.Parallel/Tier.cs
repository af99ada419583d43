using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Raijin;

/// <summary>Where a buffer lies when nobody computes with it. As text: <c>device</c>, <c>host</c>, <c>disk:/scratch</c>.</summary>
[JsonConverter(typeof(Text))]
public abstract record Tier : IParsable<Tier>
{
    const string DiskPrefix = "disk:";

    Tier()
    {
    }

    /// <summary>In the memory of the device that computes.</summary>
    public static Tier Device { get; } = new OnDevice();

    /// <summary>In the host's memory; the same as <see cref="Device"/> where the host computes.</summary>
    public static Tier Host { get; } = new OnHost();

    /// <summary>In files in a folder, read before use and written back after.</summary>
    /// <param name="folder">Made when it does not exist; what a run left there is removed when it ends.</param>
    public static Tier Disk(string folder) => new OnDisk(folder);

    /// <inheritdoc/>
    public static Tier Parse(string s, IFormatProvider? provider) => TryParse(s, provider, out var result) ? result : throw new FormatException($"\"{s}\" is not a place; allowed: device, host, disk:FOLDER.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out Tier result)
    {
        result = s switch
        {
            "device" => Device,
            "host" => Host,
            not null when s.StartsWith(DiskPrefix, StringComparison.Ordinal) && s.Length > DiskPrefix.Length => Disk(s[DiskPrefix.Length..]),
            _ => null,
        };
        return result is not null;
    }

    internal sealed record OnDevice : Tier
    {
        public override string ToString() => "device";
    }

    internal sealed record OnHost : Tier
    {
        public override string ToString() => "host";
    }

    internal sealed record OnDisk(string Folder) : Tier
    {
        public override string ToString() => DiskPrefix + Folder;
    }

    sealed class Text : JsonConverter<Tier>
    {
        public override Tier Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var text = reader.GetString();
            return TryParse(text, null, out var tier) ? tier : throw new JsonException($"\"{text}\" is not a place; allowed: device, host, disk:FOLDER.");
        }

        public override void Write(Utf8JsonWriter writer, Tier value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }
}
