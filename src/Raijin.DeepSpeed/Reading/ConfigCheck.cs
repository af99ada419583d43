namespace Raijin.DeepSpeed;

/// <summary>Holds a file's values against the table: what is known, what is wrong, and where it should stand. Every fault is found, none throws.</summary>
sealed class ConfigCheck
{
    const int MaxSaid = 100;

    readonly Dictionary<string, GivenKey> _given = new(StringComparer.Ordinal);
    readonly List<ConfigMessage> _errors = [];
    readonly List<ConfigMessage> _warnings = [];

    /// <summary>The keys the table knows, by their paths of today, in the order of the file.</summary>
    public IReadOnlyDictionary<string, GivenKey> Given => _given;

    /// <summary>Sections that are there, empty ones too.</summary>
    public HashSet<string> Present { get; } = new(StringComparer.Ordinal);

    /// <summary>Keys, by their paths of today, that are there with something that can't be read: said already.</summary>
    public HashSet<string> Unread { get; } = new(StringComparer.Ordinal);

    /// <summary>What makes the file wrong.</summary>
    public IReadOnlyList<ConfigMessage> Errors => _errors;

    /// <summary>What deserves a look.</summary>
    public IReadOnlyList<ConfigMessage> Warnings => _warnings;

    /// <summary>Checks a file's values.</summary>
    public static ConfigCheck Of(HjsonObject root)
    {
        var check = new ConfigCheck();
        check.Section("", root);
        return check;
    }

    void Section(string section, HjsonObject members)
    {
        if (section.Length > 0) Present.Add(section);
        foreach (var (key, at, value) in members.Members)
        {
            var path = section.Length == 0 ? key : $"{section}.{key}";
            if (KeyTable.ByPath.TryGetValue(path, out var row)) Value(row, path, value, at);
            else if (KeyTable.Sections.ContainsKey(path)) Inner(path, value, at);
            else Unknown(section, key, at);
        }
    }

    void Inner(string path, HjsonNode value, Position at)
    {
        switch (value)
        {
            case HjsonObject inner:
                Section(path, inner);
                break;
            // DeepSpeed's oldest form: the section is a flag.
            case HjsonScalar { Kind: HjsonKind.Flag } flag when path == "zero_optimization":
                _warnings.Add(new(at, path, $"= {flag.Text} is the oldest form; it stands for {{\"stage\": {(flag.Text == "true" ? 1 : 0)}}}"));
                _given["zero_optimization.stage"] = new(KeyTable.ByPath["zero_optimization.stage"], path, value, at) { Value = flag.Text == "true" ? 1L : 0L };
                break;
            case HjsonScalar { Kind: HjsonKind.Null or HjsonKind.Placeholder }:
                break;
            case HjsonScalar { Kind: HjsonKind.Text, Text: "auto" }:
                break;
            default:
                Error(at, path, KeyTable.ByPath.ContainsKey(path + ".enabled") && value is HjsonScalar { Kind: HjsonKind.Flag } alone
                    ? $"= {alone.Text}; an object is expected: {{\"enabled\": {alone.Text}}}"
                    : $"is {Named(value)}; an object is expected, with keys such as {string.Join(", ", KeyTable.Sections[path].Take(3))}");
                break;
        }
    }

    void Value(DeepSpeedKey row, string written, HjsonNode value, Position at)
    {
        var given = new GivenKey(row, written, value, at);
        if (_given.TryGetValue(row.Path, out var both)) Error(at, written, $"is another name of {both.Written}, which is given too, on {both.At}: keep one");
        switch (value)
        {
            case HjsonScalar { Kind: HjsonKind.Placeholder }:
                Unread.Add(row.Path);
                return;
            case HjsonScalar { Kind: HjsonKind.Null }:
                break;
            case HjsonScalar { Kind: HjsonKind.Text, Text: "auto" }:
                given = given with { IsAuto = row.Default != "auto" };
                break;
            case HjsonScalar scalar:
                if (Scalars.Take(row, scalar, out var taken) is { } problem)
                {
                    Unread.Add(row.Path);
                    Error(at, written, problem);
                    return;
                }
                given = given with { Value = taken };
                break;
            case HjsonList when row.Kind is not (ValueKind.List or ValueKind.Any):
            case HjsonObject when row.Kind is not (ValueKind.Open or ValueKind.Any):
                Unread.Add(row.Path);
                Error(at, written, $"is {Named(value)}; allowed: {row.Allowed}");
                return;
        }
        _given.TryAdd(row.Path, given);
    }

    void Unknown(string section, string key, Position at)
    {
        // What is not said costs nothing: a hostile file has a hundred thousand of them.
        if ((section.Length == 0 ? _warnings : _errors).Count >= MaxSaid) return;
        var path = section.Length == 0 ? key : $"{section}.{key}";
        var names = KeyTable.Sections[section];
        string hint;
        if (KeyTable.ByName.TryGetValue(key, out var elsewhere) && elsewhere.Count <= 3)
            hint = elsewhere.Count == 1 && !elsewhere[0].Contains('.', StringComparison.Ordinal) ? "belongs at the top" : $"belongs into {string.Join(" or ", elsewhere.Select(other => other.LastIndexOf('.') is var dot and >= 0 ? other[..dot] : "the top").Distinct())}";
        else if (KeyTable.Sections.ContainsKey(key)) hint = "is a section: it belongs at the top";
        else if (NearestName.Of(key, names) is { } nearest) hint = $"is unknown; did you mean {(section.Length == 0 ? nearest : $"{section}.{nearest}")}?";
        else hint = section.Length == 0 ? "is unknown to DeepSpeed, which passes over it" : $"is unknown; {section} has {string.Join(", ", names.Take(6))}{(names.Count > 6 ? ", …" : "")}";
        if (section.Length == 0) Warn(at, path, hint);
        else Error(at, path, hint);
    }

    void Error(Position at, string key, string message)
    {
        if (_errors.Count < MaxSaid) _errors.Add(new(at, Shortened(key), message));
    }

    void Warn(Position at, string key, string message)
    {
        if (_warnings.Count < MaxSaid) _warnings.Add(new(at, Shortened(key), message));
    }

    static string Shortened(string key) => key.Length <= 100 ? key : key[..97] + "…";

    static string Named(HjsonNode node) => node switch
    {
        HjsonObject => "an object",
        HjsonList => "a list",
        HjsonScalar { Kind: HjsonKind.Text } => "text",
        HjsonScalar { Kind: HjsonKind.Number } => "a number",
        HjsonScalar { Kind: HjsonKind.Flag } => "true or false",
        _ => "null",
    };
}

/// <summary>A sentence about a place of the file.</summary>
/// <param name="At">Where; null for the file as a whole.</param>
/// <param name="Key">The key; empty for none.</param>
/// <param name="Message">What is wrong, and what to do.</param>
sealed record ConfigMessage(Position? At, string Key, string Message);
