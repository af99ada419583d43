using System.Reflection;
using System.Text;
using System.Xml;

namespace Raijin.Cli;

/// <summary>What the source says of an option: the first sentence of its XML summary, read from the documentation file beside the assembly.</summary>
static class PropertyDocs
{
    static readonly Dictionary<Assembly, IReadOnlyDictionary<string, string>> Read = [];

    /// <summary>The first sentence of a property's summary; null when the assembly has no documentation file (as inside a single-file program).</summary>
    public static string? Summary(PropertyInfo property)
    {
        var assembly = property.DeclaringType!.Assembly;
        if (!Read.TryGetValue(assembly, out var summaries)) Read[assembly] = summaries = ReadFile(Path.Combine(AppContext.BaseDirectory, assembly.GetName().Name + ".xml"));
        return summaries.GetValueOrDefault($"{property.DeclaringType.FullName}.{property.Name}");
    }

    static Dictionary<string, string> ReadFile(string path)
    {
        var summaries = new Dictionary<string, string>();
        if (!File.Exists(path)) return summaries;
        using var xml = XmlReader.Create(path, new XmlReaderSettings { IgnoreComments = true, DtdProcessing = DtdProcessing.Prohibit });
        string? member = null;
        while (xml.Read())
        {
            if (xml.NodeType != XmlNodeType.Element) continue;
            if (xml.Name == "member") member = xml.GetAttribute("name");
            else if (xml.Name == "summary" && member is ['P', ':', .. var name]) summaries[name] = FirstSentence(Text(xml.ReadSubtree()));
        }
        return summaries;
    }

    // <see cref="P:Raijin.TrainerOptions.MaxSteps"/> reads as the key it is: maxSteps. Types keep their names.
    static string Text(XmlReader summary)
    {
        var text = new StringBuilder();
        while (summary.Read())
        {
            if (summary.NodeType is XmlNodeType.Text or XmlNodeType.Whitespace or XmlNodeType.SignificantWhitespace) text.Append(summary.Value);
            if (summary.NodeType == XmlNodeType.Element && (summary.GetAttribute("cref") ?? summary.GetAttribute("name") ?? summary.GetAttribute("langword")) is { } reference)
            {
                var last = reference.Split('(')[0].Split('.', ':')[^1].Split('`')[0];
                text.Append(reference.StartsWith("P:", StringComparison.Ordinal) ? RecordShape.CamelCase(last) : last);
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
