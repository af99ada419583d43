using System.Reflection;
using System.Text;
using System.Xml;

namespace Raijin.App;

/// <summary>What the source says of options: their XML summaries, read from the documentation files beside the assemblies.</summary>
static class PropertyDocs
{
    static readonly Dictionary<Assembly, IReadOnlyDictionary<string, string>> Read = [];

    /// <summary>The first sentence of a property's summary; null when there is none, or the assembly has no documentation file (as inside a single-file program).</summary>
    public static string? Summary(PropertyInfo property) => Description(property) is { } text ? FirstSentence(text) : null;

    /// <summary>The first sentence of a type's summary; null as above.</summary>
    public static string? Summary(Type type) => Of(type, $"T:{Name(type)}") is { } text ? FirstSentence(text) : null;

    /// <summary>A property's whole summary; of a record's parameter what its documentation says of the parameter.</summary>
    public static string? Description(PropertyInfo property)
    {
        var type = property.DeclaringType!;
        return Of(type, $"P:{Name(type)}.{property.Name}") ?? Of(type, $"T:{Name(type)}/{property.Name}");
    }

    static string? Of(Type type, string member)
    {
        lock (Read)
        {
            if (!Read.TryGetValue(type.Assembly, out var texts)) Read[type.Assembly] = texts = ReadFile(Path.Combine(AppContext.BaseDirectory, type.Assembly.GetName().Name + ".xml"));
            return texts.GetValueOrDefault(member);
        }
    }

    static string Name(Type type) => (type.IsGenericType ? type.GetGenericTypeDefinition() : type).FullName!.Replace('+', '.');

    static Dictionary<string, string> ReadFile(string path)
    {
        var texts = new Dictionary<string, string>();
        if (!File.Exists(path)) return texts;
        using var xml = XmlReader.Create(path, new XmlReaderSettings { IgnoreComments = true, DtdProcessing = DtdProcessing.Prohibit });
        var member = "";
        while (xml.Read())
        {
            if (xml.NodeType != XmlNodeType.Element) continue;
            if (xml.Name == "member") member = xml.GetAttribute("name") ?? "";
            else if (xml.Name == "summary" && member is ['P' or 'T', ':', ..]) texts[member] = Text(xml.ReadSubtree());
            else if (xml.Name == "param" && member is ['T', ':', ..]) texts[$"{member}/{xml.GetAttribute("name")}"] = Text(xml.ReadSubtree());
        }
        return texts;
    }

    // <see cref="P:Raijin.TrainerOptions.MaxSteps"/> reads as the key it is: maxSteps. Types keep their names, methods have their type's before them.
    static string Text(XmlReader summary)
    {
        var text = new StringBuilder();
        summary.Read(); // the element itself
        while (summary.Read())
        {
            if (summary.NodeType is XmlNodeType.Text or XmlNodeType.Whitespace or XmlNodeType.SignificantWhitespace) text.Append(summary.Value);
            if (summary.NodeType == XmlNodeType.Element && (summary.GetAttribute("cref") ?? summary.GetAttribute("name") ?? summary.GetAttribute("langword")) is { } reference)
            {
                var names = reference.Split('(')[0].Split('.', ':');
                var last = names[^1].Split('`')[0];
                text.Append(reference[..Math.Min(2, reference.Length)] switch { "P:" => RecordShape.CamelCase(last), "M:" => $"{names[^2]}.{last}", _ => last });
            }
        }
        return string.Join(' ', text.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    static string FirstSentence(string text)
    {
        var end = text.IndexOf(". ", StringComparison.Ordinal);
        return (end < 0 ? text : text[..end]).TrimEnd('.');
    }
}
