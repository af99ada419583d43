using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Raijin.App;

/// <summary>Builds a configuration tree from YAML events; anchors, aliases, tags and several documents are refused.</summary>
sealed class YamlTree
{
    readonly string _path;
    readonly Parser _parser;

    YamlTree(string text, string path)
    {
        _path = path;
        _parser = new Parser(new StringReader(text));
    }

    /// <summary>Parses <paramref name="text"/>; an empty document is an empty map.</summary>
    /// <exception cref="InvalidOptionsException">The text is not YAML, or uses what a configuration file may not.</exception>
    public static ConfigMap Parse(string text, string path)
    {
        try
        {
            return new YamlTree(text, path).ReadDocument();
        }
        catch (YamlException error)
        {
            throw ConfigFault.OfFile(path, (int)error.End.Line, $"is not well-formed YAML: {Reason(error)}");
        }
        catch (InvalidOperationException)
        {
            // What YamlDotNet's scanner throws for a plain scalar broken off by a flow bracket; it has no position.
            throw ConfigFault.OfFile(path, 0, "is not well-formed YAML: a value is broken off");
        }
    }

    // YamlDotNet wraps the reason in "(Line: 3, Col: 1, Idx: 17) - (Line: …): reason" when several marks are known.
    static string Reason(YamlException error)
    {
        var message = error.Message;
        var end = message.StartsWith('(') ? message.LastIndexOf("): ", StringComparison.Ordinal) : -1;
        return end < 0 ? message : message[(end + 3)..];
    }

    ConfigMap ReadDocument()
    {
        _parser.MoveNext(); // stream start
        _parser.MoveNext();
        var map = new ConfigMap([], new Origin(_path, 1));
        if (_parser.Current is DocumentStart)
        {
            _parser.MoveNext();
            switch (ReadNode(depth: 0))
            {
                case ConfigMap read: map = read; break;
                case ConfigScalar { IsNull: true }: break;
                case var other: throw ConfigFault.OfFile(_path, other.Origin.Line, "expected keys and values at the top level");
            }
            _parser.MoveNext(); // past the document's end
        }
        if (_parser.Current is DocumentStart second) throw Fault(second, "holds more than one document; a configuration file has one");
        return map;
    }

    /// <summary>Reads the node at the current event and moves past it.</summary>
    ConfigNode ReadNode(int depth)
    {
        var at = _parser.Current ?? throw ConfigFault.OfFile(_path, 0, "ends in the middle of a value");
        if (depth > ConfigFile.MaxDepth) throw Fault(at, $"is nested more than {ConfigFile.MaxDepth} levels deep");
        if (at is AnchorAlias || at is NodeEvent { Anchor.IsEmpty: false }) throw Fault(at, "anchors and aliases (&, *) are not allowed");
        if (at is NodeEvent { Tag.IsEmpty: false, Tag.IsNonSpecific: false }) throw Fault(at, "type tags (!) are not allowed");
        _parser.MoveNext();
        var origin = new Origin(_path, (int)at.Start.Line);
        switch (at)
        {
            case Scalar scalar:
                return new ConfigScalar(scalar.Value, scalar.Style != ScalarStyle.Plain, origin);
            case SequenceStart:
                var items = new List<ConfigNode>();
                while (_parser.Current is not SequenceEnd) items.Add(ReadNode(depth + 1));
                _parser.MoveNext();
                return new ConfigList(items, origin);
            case MappingStart:
                var entries = new List<ConfigEntry>();
                while (_parser.Current is not MappingEnd)
                {
                    var key = ReadNode(depth + 1) as ConfigScalar ?? throw Fault(at, "a key must be plain text");
                    entries.Add(new ConfigEntry(key.Text, ReadNode(depth + 1), key.Origin));
                }
                _parser.MoveNext();
                return new ConfigMap(entries, origin);
            default:
                throw Fault(at, $"has an unexpected {at.GetType().Name}");
        }
    }

    InvalidOptionsException Fault(ParsingEvent at, string problem) => ConfigFault.OfFile(_path, (int)at.Start.Line, problem);
}
