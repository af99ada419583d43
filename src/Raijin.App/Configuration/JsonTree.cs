using System.Text;
using System.Text.Json;

namespace Raijin.App;

/// <summary>Builds a configuration tree from JSON, comments and trailing commas allowed.</summary>
ref struct JsonTree
{
    readonly string _path;
    readonly ReadOnlySpan<byte> _utf8;
    Utf8JsonReader _reader;
    int _line;
    int _counted;

    JsonTree(ReadOnlySpan<byte> utf8, string path)
    {
        _path = path;
        _utf8 = utf8;
        _line = 1;
        _reader = new Utf8JsonReader(utf8, new JsonReaderOptions
        {
            AllowTrailingCommas = true,
            CommentHandling = JsonCommentHandling.Skip,
            MaxDepth = ConfigFile.MaxDepth,
        });
    }

    /// <summary>Parses <paramref name="text"/>, which must hold one object.</summary>
    /// <exception cref="InvalidOptionsException">The text is not JSON, is too deep, or is no object.</exception>
    public static ConfigMap Parse(string text, string path)
    {
        var tree = new JsonTree(Encoding.UTF8.GetBytes(text), path);
        try
        {
            tree._reader.Read();
            var root = tree.ReadNode();
            if (root is not ConfigMap map) throw ConfigFault.OfFile(path, root.Origin.Line, "expected an object { … } at the top level");
            tree._reader.Read(); // anything after the object is an error
            return map;
        }
        catch (JsonException error)
        {
            // The reader appends "LineNumber: … | BytePositionInLine: …", counted from 0.
            var reason = error.Message.Split(" LineNumber: ", 2)[0];
            throw ConfigFault.OfFile(path, (int)(error.LineNumber ?? 0) + 1, $"is not well-formed JSON: {reason}");
        }
    }

    ConfigNode ReadNode()
    {
        var origin = Here();
        switch (_reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var entries = new List<ConfigEntry>();
                while (_reader.Read() && _reader.TokenType != JsonTokenType.EndObject)
                {
                    var key = _reader.GetString()!;
                    var keyOrigin = Here();
                    _reader.Read();
                    entries.Add(new ConfigEntry(key, ReadNode(), keyOrigin));
                }
                return new ConfigMap(entries, origin);
            case JsonTokenType.StartArray:
                var items = new List<ConfigNode>();
                while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray) items.Add(ReadNode());
                return new ConfigList(items, origin);
            case JsonTokenType.String:
                return new ConfigScalar(_reader.GetString()!, Quoted: true, origin);
            default:
                return new ConfigScalar(Encoding.UTF8.GetString(_reader.ValueSpan), Quoted: false, origin);
        }
    }

    // Tokens come in order, so that each line break is counted once.
    Origin Here()
    {
        var start = (int)_reader.TokenStartIndex;
        _line += _utf8[_counted..start].Count((byte)'\n');
        _counted = start;
        return new Origin(_path, _line);
    }
}
