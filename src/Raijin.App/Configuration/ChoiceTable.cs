using System.Collections.Concurrent;
using System.Reflection;

namespace Raijin.App;

/// <summary>
/// The short names under which the records derived from an abstract one can be chosen: those marked with <see cref="ChoiceAttribute"/> in the base's own assembly and the
/// program's, and those registered by a line of code. Decided before any file is read.
/// </summary>
static class ChoiceTable
{
    static readonly ConcurrentDictionary<Type, IReadOnlyList<KeyValuePair<string, Type>>> Marked = new();
    static readonly ConcurrentDictionary<Type, IReadOnlyList<KeyValuePair<string, Type>>> Registered = new();

    /// <summary>The choices for <paramref name="type"/>, in the order of registration, marked ones first in the order of their names.</summary>
    public static IEnumerable<KeyValuePair<string, Type>> Of(Type type) =>
        Marked.GetOrAdd(type, Find).Concat(Registered.GetValueOrDefault(type, []));

    /// <summary>Makes <paramref name="choice"/> a choice for <paramref name="type"/>.</summary>
    /// <exception cref="ArgumentException">The name is taken by another record.</exception>
    public static void Register(Type type, string name, Type choice)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        var taken = Of(type).FirstOrDefault(entry => entry.Key == name).Value;
        if (taken == choice) return;
        if (taken is not null) throw new ArgumentException($"The name {name} is taken by {taken.Name}: give {choice.Name} another.");
        Registered.AddOrUpdate(type, _ => [new(name, choice)], (_, known) => [.. known, new(name, choice)]);
        ValueShape.Forget(type);
    }

    static IReadOnlyList<KeyValuePair<string, Type>> Find(Type type)
    {
        var assemblies = new[] { type.Assembly, Assembly.GetEntryAssembly() }.OfType<Assembly>().Distinct();
        return [.. assemblies.SelectMany(assembly => assembly.GetTypes())
            .Where(candidate => !candidate.IsAbstract && candidate.IsSubclassOf(type))
            .Select(candidate => (Name: candidate.GetCustomAttribute<ChoiceAttribute>()?.Name, Type: candidate))
            .Where(choice => choice.Name is not null)
            .OrderBy(choice => choice.Name, StringComparer.Ordinal)
            .Select(choice => KeyValuePair.Create(choice.Name!, choice.Type))];
    }
}
