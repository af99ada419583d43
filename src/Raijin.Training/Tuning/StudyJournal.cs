using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Raijin.Training;

/// <summary>
/// A search's trials as JSON lines: first what is searched, then a line when a trial begins and one when it ends. A line cut off by the process's end is dropped, so that the search goes on
/// as if it had not been written.
/// </summary>
sealed class StudyJournal : IDisposable
{
    readonly FileStream _file;
    readonly List<Trial> _begun = [];
    readonly List<TrialOutcome> _ended = [];

    StudyJournal(FileStream file) => _file = file;

    /// <summary>Trials that began.</summary>
    public IReadOnlyList<Trial> Begun => _begun;

    /// <summary>Trials that ended.</summary>
    public IReadOnlyList<TrialOutcome> Ended => _ended;

    /// <summary>Opens or creates a journal.</summary>
    /// <exception cref="InvalidOptionsException">It is that of another search, or no journal.</exception>
    public static StudyJournal Open(string path, SearchSpace space, StudyOptions options)
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        var journal = new StudyJournal(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read));
        try
        {
            journal.Read(path, Header(space, options));
            return journal;
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    public void Begin(Trial trial) => Write(new JsonObject { ["begin"] = trial.Number, ["values"] = Values(trial.Values) });

    public void End(TrialOutcome outcome) => Write(new JsonObject
    {
        ["end"] = outcome.Trial.Number,
        ["values"] = Values(outcome.Trial.Values),
        ["state"] = outcome.State.ToString(),
        ["score"] = Number(outcome.Score),
        ["reports"] = new JsonArray([.. outcome.Reports.Select(report => Number(report))]),
        ["seconds"] = outcome.Seconds,
        ["problem"] = outcome.Problem,
    });

    public void Dispose() => _file.Dispose();

    static JsonObject Header(SearchSpace space, StudyOptions options)
    {
        var ranges = new JsonObject();
        foreach (var (name, range) in space) ranges[name] = range.ToString();
        return new JsonObject { ["search"] = ranges, ["sampler"] = options.Sampler.ToString(), ["stopping"] = options.Stopping.ToString(), ["higherIsBetter"] = options.HigherIsBetter, ["seed"] = options.Seed };
    }

    void Read(string path, JsonObject header)
    {
        var bytes = new byte[_file.Length];
        _file.ReadExactly(bytes);
        var whole = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
        _file.SetLength(whole);
        _file.Position = whole;
        var lines = Encoding.UTF8.GetString(bytes, 0, whole).Split('\n');
        if (lines.Length == 1)
        {
            Write(header);
            return;
        }
        try
        {
            var found = JsonNode.Parse(lines[0]);
            if (!JsonNode.DeepEquals(found, header))
                throw new InvalidOptionsException([new("search", $"differs from that of {path}, which began as {lines[0]}: go on with the same ranges, sampler, rule and seed, or begin in another folder")]);
            foreach (var line in lines[1..^1]) Take(JsonNode.Parse(line) as JsonObject ?? throw new FormatException($"\"{line}\" is no object"));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new InvalidOptionsException([new(path, $"is no journal of a search: {error.Message}")]);
        }
    }

    void Take(JsonObject line)
    {
        var values = Field(line, "values").AsObject().ToDictionary(value => value.Key, value => (string)value.Value!);
        if (line["begin"] is { } begun)
        {
            _begun.Add(new Trial((int)begun, values));
            return;
        }
        _ended.Add(new TrialOutcome(
            new Trial((int)Field(line, "end"), values),
            Enum.Parse<TrialState>((string)Field(line, "state")!),
            Read(line["score"]),
            [.. Field(line, "reports").AsArray().Select(report => Read(report) ?? double.NaN)],
            (double)Field(line, "seconds"),
            (string?)line["problem"]));
    }

    void Write(JsonObject line)
    {
        _file.Write(Encoding.UTF8.GetBytes(line.ToJsonString() + "\n"));
        _file.Flush(flushToDisk: true);
    }

    static JsonNode Field(JsonObject line, string name) => line[name] ?? throw new FormatException($"a line has no {name}");

    static JsonObject Values(IReadOnlyDictionary<string, string> values)
    {
        var node = new JsonObject();
        foreach (var (name, value) in values) node[name] = value;
        return node;
    }

    // JSON has no NaN and no infinity: they are text.
    static JsonNode? Number(double? value) => value is not { } number ? null : double.IsFinite(number) ? number : number.ToString(CultureInfo.InvariantCulture);

    static double? Read(JsonNode? node) => node is null ? null : node.GetValueKind() == JsonValueKind.String ? double.Parse((string)node!, CultureInfo.InvariantCulture) : (double)node;
}
