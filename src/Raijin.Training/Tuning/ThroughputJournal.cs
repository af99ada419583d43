using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Raijin.Training;

/// <summary>What a search for throughput is about: a journal of another is refused.</summary>
/// <param name="GlobalBatch">Samples of a step.</param>
/// <param name="Ranks">How many train.</param>
/// <param name="Model">The units of the model and their sizes.</param>
/// <param name="Precision">The arithmetic.</param>
sealed record ThroughputQuestion(int GlobalBatch, int Ranks, string Model, string Precision);

/// <summary>How a trial ended on one rank.</summary>
/// <param name="Seconds">The lower quartile of its steps; null where none was whole.</param>
/// <param name="Bytes">Native memory at its fullest.</param>
/// <param name="IsStopped">Whether it was ended early.</param>
/// <param name="Problem">What it failed of.</param>
/// <param name="IsEcho">Whether that is only the news of another rank's failure.</param>
/// <param name="IsFatal">Whether the search can't go on.</param>
sealed record RankOutcome(double? Seconds, long? Bytes, bool IsStopped, string? Problem, bool IsEcho, bool IsFatal);

/// <summary>What ranks are told to do next.</summary>
/// <param name="Candidate">What to try; null to end.</param>
/// <param name="StopSeconds">A step that takes longer ends the trial.</param>
/// <param name="Found">The result, at the end.</param>
/// <param name="Problem">What the search failed of.</param>
sealed record ThroughputOrder(ThroughputCandidate? Candidate, double? StopSeconds, FoundThroughput? Found, string? Problem);

/// <summary>The trials of a search, a JSON line each after one that says what is searched; half a line at the end, of a process that died, is dropped.</summary>
sealed class ThroughputJournal : IDisposable
{
    readonly FileStream _file;

    ThroughputJournal(FileStream file, IReadOnlyList<ThroughputTrial> ended) => (_file, Ended) = (file, ended);

    /// <summary>Trials that ended before.</summary>
    public IReadOnlyList<ThroughputTrial> Ended { get; }

    /// <summary>Opens or begins one.</summary>
    /// <exception cref="InvalidOptionsException">It is that of another search, or no journal.</exception>
    public static ThroughputJournal Open(string path, ThroughputQuestion question)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            var whole = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
            file.SetLength(whole);
            var lines = Encoding.UTF8.GetString(bytes, 0, whole).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (lines.Length > 0 && JsonSerializer.Deserialize(lines[0], ThroughputJson.Default.ThroughputQuestion) != question)
                InvalidOptionsException.ThrowIfAny([new(path, $"is the journal of another search, which began as {lines[0]}: go on with the same model, batch, ranks and precision, or begin in another folder")]);
            var journal = new ThroughputJournal(file, [.. lines.Skip(1).Select(line => JsonSerializer.Deserialize(line, ThroughputJson.Default.ThroughputTrial) ?? throw new JsonException("a line is null"))]);
            if (lines.Length == 0) journal.Write(JsonSerializer.Serialize(question, ThroughputJson.Default.ThroughputQuestion));
            return journal;
        }
        catch (JsonException error)
        {
            file.Dispose();
            throw new InvalidOptionsException([new(path, $"is no journal of a search for throughput: {error.Message.Split('\n')[0]}")]);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Notes a trial.</summary>
    public void Add(ThroughputTrial trial) => Write(JsonSerializer.Serialize(trial, ThroughputJson.Default.ThroughputTrial));

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    void Write(string line)
    {
        _file.Write(Encoding.UTF8.GetBytes(line + "\n"));
        _file.Flush(flushToDisk: true);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ThroughputQuestion))]
[JsonSerializable(typeof(ThroughputTrial))]
[JsonSerializable(typeof(ThroughputOrder))]
[JsonSerializable(typeof(RankOutcome))]
sealed partial class ThroughputJson : JsonSerializerContext;
