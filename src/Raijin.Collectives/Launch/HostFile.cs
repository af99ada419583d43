using System.Globalization;
using System.Text.RegularExpressions;

namespace Raijin.Collectives;

/// <summary>A host, and which of its slots ranks run in.</summary>
/// <param name="Name">As the launcher reaches it.</param>
/// <param name="Slots">Their numbers, ascending: the first rank of the host takes the first.</param>
public sealed record HostSlots(string Name, IReadOnlyList<int> Slots)
{
    /// <summary>Whether they are the first of the host, so that their number says all.</summary>
    public bool AreFirst => Slots.Index().All(slot => slot.Index == slot.Item);
}

/// <summary>A file of hosts, <c>worker-0 slots=4</c> a line, and which of them a launch takes: DeepSpeed's hostfile, <c>--include</c> and <c>--exclude</c>.</summary>
public static partial class HostFile
{
    const int MaxSlots = 65536;

    /// <summary>Reads the hosts in their order.</summary>
    /// <param name="lines">Text after <c>#</c> is passed over.</param>
    /// <exception cref="InvalidOptionsException">A line is none, names a host again, or there is no host; all faults at once.</exception>
    public static IReadOnlyList<HostSlots> Read(IEnumerable<string> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var hosts = new List<HostSlots>();
        var faults = new List<OptionFault>();
        foreach (var (index, line) in lines.Index())
        {
            var text = line.Split('#')[0].Trim();
            if (text.Length == 0) continue;
            var key = string.Create(CultureInfo.InvariantCulture, $"hostfile line {index + 1} = {text}");
            var match = Host().Match(text);
            var slots = match.Success ? int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) : 0;
            if (slots is < 1 or > MaxSlots) faults.Add(new(key, "expected a host and its slots, such as worker-0 slots=4"));
            else if (hosts.Exists(host => host.Name == match.Groups[1].Value)) faults.Add(new(key, $"{match.Groups[1].Value} was named before: give each host one line"));
            else hosts.Add(new(match.Groups[1].Value, [.. Enumerable.Range(0, slots)]));
        }
        if (hosts.Count == 0 && faults.Count == 0) faults.Add(new("hostfile", "names no host: write one a line, such as worker-0 slots=4"));
        InvalidOptionsException.ThrowIfAny(faults);
        return hosts;
    }

    /// <summary>Takes some of the hosts and slots, in the order of the file.</summary>
    /// <param name="hosts">All there are.</param>
    /// <param name="include">Only these: <c>worker-0@worker-1:0,2</c>, hosts between <c>@</c>, slots after <c>:</c>; all slots where none are named. Null for all.</param>
    /// <param name="exclude">All but these, written alike. Not beside <paramref name="include"/>.</param>
    /// <param name="numNodes">Only so many of the hosts that are left, the first ones. Null for all.</param>
    /// <param name="ranksPerNode">Only so many slots of each, the first ones. Null for all.</param>
    /// <param name="ranks">Only so many slots in all, the first ones. Null for all.</param>
    /// <exception cref="InvalidOptionsException">A host or slot is not there, nothing is left, or too little; all faults at once.</exception>
    public static IReadOnlyList<HostSlots> Select(IReadOnlyList<HostSlots> hosts, string? include = null, string? exclude = null, int? numNodes = null, int? ranksPerNode = null, int? ranks = null)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        var faults = new List<OptionFault>();
        if (include is not null && exclude is not null) faults.Add(new("exclude", "and include say which hosts to take: give one of them"));
        var named = Parse(hosts, include is not null ? "include" : "exclude", include ?? exclude, faults);
        InvalidOptionsException.ThrowIfAny(faults);

        var left = hosts
            .Select(host => host with { Slots = [.. host.Slots.Where(slot => named is null || named.GetValueOrDefault(host.Name)?.Contains(slot) == include is not null)] })
            .Where(host => host.Slots.Count > 0).ToList();
        if (left.Count == 0) faults.Add(new($"exclude = {exclude}", "leaves no slot"));
        if (numNodes is { } nodes && (nodes < 1 || nodes > left.Count)) faults.Add(new(Text("numNodes", nodes), Text($"allowed: 1 to {left.Count}, the hosts that are left")));
        left = [.. left.Take(numNodes ?? left.Count)];
        var most = left.Count == 0 ? 0 : left.Max(host => host.Slots.Count);
        if (ranksPerNode is { } each && (each < 1 || each > most)) faults.Add(new(Text("numRanks", each), Text($"allowed: 1 to {most}, the slots of a host")));
        left = [.. left.Select(host => host with { Slots = [.. host.Slots.Take(ranksPerNode ?? host.Slots.Count)] })];
        var all = left.Sum(host => host.Slots.Count);
        if (ranks is { } count && (count < 1 || count > all)) faults.Add(new(Text("ranks", count), Text($"allowed: 1 to {all}, the slots that are left")));
        InvalidOptionsException.ThrowIfAny(faults);

        var free = ranks ?? all;
        return [.. left.Select(host =>
        {
            var taken = Math.Min(free, host.Slots.Count);
            free -= taken;
            return host with { Slots = [.. host.Slots.Take(taken)] };
        }).Where(host => host.Slots.Count > 0)];
    }

    // Null where nothing was said.
    static Dictionary<string, HashSet<int>>? Parse(IReadOnlyList<HostSlots> hosts, string option, string? text, List<OptionFault> faults)
    {
        if (text is null) return null;
        var named = new Dictionary<string, HashSet<int>>(StringComparer.Ordinal);
        foreach (var part in text.Split('@'))
        {
            var (name, slots) = part.Split(':') switch
            {
                [var only] => (only, null),
                [var host, var list] => (host, list.Split(',')),
                _ => ("", null),
            };
            var key = $"{option} = {text}";
            if (name.Length == 0)
            {
                faults.Add(new(key, $"\"{part}\" is no host: expected hosts such as worker-0@worker-1:0,2"));
                continue;
            }
            if (hosts.FirstOrDefault(host => host.Name == name) is not { } known)
            {
                faults.Add(new(key, $"{name} is not in the hostfile, which has {string.Join(", ", hosts.Select(host => host.Name))}"));
                continue;
            }
            if (!named.TryGetValue(name, out var taken)) named.Add(name, taken = []);
            foreach (var slot in slots ?? [])
            {
                if (!int.TryParse(slot, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) faults.Add(new(key, $"\"{slot}\" of {name} is no slot: expected numbers such as 0,2"));
                else if (!known.Slots.Contains(number)) faults.Add(new(key, Text($"{name} has slots 0 to {known.Slots.Count - 1}, not {number}")));
                else taken.Add(number);
            }
            if (slots is null) taken.UnionWith(known.Slots);
        }
        return named;
    }

    static string Text(string option, int value) => Text($"{option} = {value}");

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    // Open MPI's max_slots may follow.
    [GeneratedRegex(@"^([^\s=:@,]+)\s+slots\s*=\s*(\d{1,6})(?:\s+max[_-]slots\s*=\s*\d{1,6})?$")]
    private static partial Regex Host();
}
