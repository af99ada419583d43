using System.Reflection;
using System.Text.RegularExpressions;

namespace Raijin.House.Tests;

/// <summary>The public types of all Raijin assemblies beside the tests, and their members, as documentation names them.</summary>
static partial class PublicNames
{
    const BindingFlags Members = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.FlattenHierarchy;

    static readonly ILookup<string, Type> TypesByName = Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll")
        .Where(f => Path.GetFileNameWithoutExtension(f) is var name && (name == "raijin" || name.StartsWith("Raijin.", StringComparison.Ordinal) && !name.Contains("Test", StringComparison.Ordinal)))
        .SelectMany(f => Assembly.LoadFrom(f).GetExportedTypes())
        .ToLookup(NameOf);

    static readonly HashSet<string> MemberNames = [.. Types.Where(t => t.Namespace == "Raijin").SelectMany(MembersOf)];

    // Not ours, but part of how ours are used.
    static readonly HashSet<string> Borrowed = ["CancellationToken", "Console", "IAsyncEnumerable", "IEnumerable", "ILogger", "Module", "TimeSpan", "Tensor"];

    /// <summary>All of them.</summary>
    public static IEnumerable<Type> Types => TypesByName.SelectMany(t => t);

    /// <summary>The names in a piece of code that are none of ours, nor borrowed. Looked at are names that begin with a capital: <c>Type</c>, <c>Type.Member</c>, <c>Member</c>.</summary>
    public static IEnumerable<string> UnknownIn(string code) => Name().Matches(Text().Replace(code, "")).Select(m => m.Value).Where(name => !IsKnown(name));

    /// <summary>The sealed and other concrete classes that derive from a type, itself excluded.</summary>
    public static IEnumerable<Type> Derived(Type contract) => Types.Where(t => !t.IsAbstract && t.IsSubclassOf(contract));

    static bool IsKnown(string name)
    {
        var parts = name.Split('.');
        if (Borrowed.Contains(parts[0])) return true;
        if (!TypesByName.Contains(parts[0])) return parts.Length == 1 && MemberNames.Contains(name);
        // A member's own members are its type's business.
        return parts.Length == 1 || TypesByName[parts[0]].Any(t => MembersOf(t).Contains(parts[1]));
    }

    // A reader sees what is public, and what a class that derives may override or call.
    static IEnumerable<string> MembersOf(Type type) => type.GetMembers(Members)
        .Where(m => m switch
        {
            MethodBase method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly,
            FieldInfo field => field.IsPublic,
            PropertyInfo property => property.GetAccessors(nonPublic: true).Any(a => a.IsPublic || a.IsFamily),
            _ => true,
        })
        .Select(m => m is Type nested ? NameOf(nested) : m.Name);

    static string NameOf(Type type) => type.Name.Split('`')[0];

    [GeneratedRegex("""(?<![\w])[A-Z]\w*(?:\.[A-Z]\w*)*""")]
    private static partial Regex Name();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Text();
}
