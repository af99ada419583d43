namespace Raijin.App;

/// <summary>
/// What a search may change, from the section <c>search</c> of configuration files and from <c>--search KEY=RANGE</c>. A range is text as <see cref="SearchRange"/> reads it, a list of choices,
/// or one of <c>{ choice: [a, b] }</c>, <c>{ uniform: [0, 1] }</c>, <c>{ log: [1e-4, 1e-1] }</c>, <c>{ int: [1, 8] }</c>, <c>{ logInt: [16, 1024] }</c>.
/// </summary>
static class SearchSection
{
    /// <summary>The key of the section.</summary>
    public const string Key = "search";

    static readonly string[] Kinds = ["choice", "uniform", "log", "int", "logInt"];

    /// <summary>Reads the section of each file and the options; what is wrong goes to <paramref name="faults"/>.</summary>
    /// <param name="shape">The keys that may be searched.</param>
    /// <param name="files">Configuration files; those that can't be read are reported elsewhere.</param>
    /// <param name="options">Texts of <c>--search</c>.</param>
    /// <param name="faults">Takes the faults.</param>
    public static SearchSpace Read(GroupShape shape, IEnumerable<string> files, IEnumerable<string> options, List<OptionFault> faults)
    {
        var space = new SearchSpace();
        foreach (var file in files)
        {
            if (Map(file)?.At(Key) is not { } section) continue;
            if (section is not ConfigMap map) faults.Add(ConfigFault.Of(Key, "expected options and their ranges, such as model.hidden: [64, 128]", section.Origin));
            else Add(shape, space, map, "", faults);
        }
        foreach (var option in options)
        {
            var equals = option.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) faults.Add(new($"--search = {option}", "expected KEY=RANGE, such as model.hidden=64,128"));
            else Set(shape, space, option[..equals], new ConfigScalar(option[(equals + 1)..], Quoted: false, Origin.Argument), faults);
        }
        return space;
    }

    static ConfigMap? Map(string file)
    {
        try
        {
            return ConfigFile.Read(file);
        }
        catch (InvalidOptionsException)
        {
            return null; // reported with the configuration that the same files hold
        }
    }

    // Dotted keys and nested ones, as in the rest of a file.
    static void Add(GroupShape shape, SearchSpace space, ConfigMap map, string at, List<OptionFault> faults)
    {
        foreach (var (key, node, _) in map.Entries)
        {
            var isRange = node is not ConfigMap inner || inner.Entries is [{ Key: var kind }] && Kinds.Contains(kind);
            if (isRange) Set(shape, space, at + key, node, faults);
            else Add(shape, space, (ConfigMap)node, $"{at}{key}.", faults);
        }
    }

    static void Set(GroupShape shape, SearchSpace space, string path, ConfigNode node, List<OptionFault> faults)
    {
        var leaves = shape.Leaves().ToList();
        if (leaves.Find(leaf => leaf.Path == path || leaf.ValuePath == path) is not { } leaf)
        {
            faults.Add(ConfigFault.Of($"{Key} {path}", NearestKey.Of(path, leaves.Select(known => known.Path)) is { } nearest ? $"unknown; did you mean {nearest}?" : "unknown; `config print` lists the keys", node.Origin));
            return;
        }
        try
        {
            var range = Parse(node);
            foreach (var value in range.Choices.Count > 0 ? range.Choices : [range.First, range.Last]) Check(leaf, value, node, faults);
            space[leaf.Path] = range;
        }
        catch (Exception error) when (error is FormatException or ArgumentException)
        {
            // The first line, without the parameter of ours that it names.
            faults.Add(ConfigFault.Of($"{Key} {path}", error.Message.Split('\n')[0].Split(" (Parameter")[0], node.Origin));
        }
    }

    static SearchRange Parse(ConfigNode node) => node switch
    {
        ConfigScalar scalar => SearchRange.Parse(scalar.Text, null),
        ConfigList list => SearchRange.Choice(Texts(list)),
        ConfigMap { Entries: [{ Key: "choice", Value: ConfigList list }] } => SearchRange.Choice(Texts(list)),
        ConfigMap { Entries: [{ Key: var kind, Value: ConfigList { Items.Count: 2 } ends }] } => kind switch
        {
            "uniform" => SearchRange.Uniform(Number(ends, 0), Number(ends, 1)),
            "log" => SearchRange.Log(Number(ends, 0), Number(ends, 1)),
            "int" => SearchRange.Whole((long)Number(ends, 0), (long)Number(ends, 1)),
            _ => SearchRange.LogWhole((long)Number(ends, 0), (long)Number(ends, 1)),
        },
        _ => throw new FormatException($"expected [a, b], or one of {string.Join(", ", Kinds)} with a list: log: [1e-4, 1e-1]"),
    };

    static List<string> Texts(ConfigList list) => [.. list.Items.Select(item => item is ConfigScalar scalar ? scalar.Text : throw new FormatException("a choice is one piece of text or number each"))];

    static double Number(ConfigList ends, int at) => double.Parse(Texts(ends)[at], System.Globalization.CultureInfo.InvariantCulture);

    static void Check(OptionLeaf leaf, string value, ConfigNode node, List<OptionFault> faults)
    {
        if (leaf.ValuePath != leaf.Path)
        {
            if (!leaf.Choices.Contains(value)) faults.Add(ConfigFault.OfValue($"{Key} {leaf.Path}", value, leaf.Property.Shape.Expectation, node.Origin));
        }
        else if (leaf.Property.Shape.TryBind(new ConfigScalar(value, Quoted: false, node.Origin), $"{Key} {leaf.Path}", faults, out var bound) && leaf.Property.Range?.Fault(bound) is { } problem)
        {
            faults.Add(ConfigFault.Of($"{Key} {leaf.Path}", problem, node.Origin));
        }
    }
}
