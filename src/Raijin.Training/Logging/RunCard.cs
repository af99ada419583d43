using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;

namespace Raijin.Training;

/// <summary>
/// <c>run.json</c> in a run's folder: when it began and ended, how, and what it had reached, for whoever lists runs. A run whose card still says
/// <c>running</c> while its process is gone was killed.
/// </summary>
public sealed record RunCard
{
    /// <summary>The file's name in the run's folder.</summary>
    public const string FileName = "run.json";

    /// <summary>The status of a run that has not ended.</summary>
    public const string Running = "running";

    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    /// <summary><c>running</c>, <c>finished</c>, <c>interrupted</c> or <c>failed</c>.</summary>
    public required string Status { get; init; }

    /// <summary>When the run's first process began.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When it ended; null while it runs.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>Why it ended.</summary>
    public string? Reason { get; init; }

    /// <summary>The machine it runs or ran on.</summary>
    public required string Host { get; init; }

    /// <summary>Its process there.</summary>
    public required int ProcessId { get; init; }

    /// <summary>What its checkpoints are ranked by, such as <c>max val/accuracy</c>; null for nothing.</summary>
    public string? Monitor { get; init; }

    /// <summary>Optimizer steps done when this was written.</summary>
    public long Steps { get; init; }

    /// <summary>The epoch then; the first is 0.</summary>
    public long Epoch { get; init; }

    /// <summary>Training time then, in seconds, earlier processes included.</summary>
    public double Seconds { get; init; }

    /// <summary>The last value of everything logged for an epoch or an evaluation.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();

    /// <summary>What it took of each rank, where several trained.</summary>
    public RankUsage? Ranks { get; init; }

    /// <summary>A card for a run that begins, or goes on: then with the time it first began.</summary>
    public static RunCard Start(string folder, DateTimeOffset now, string? monitor) => new()
    {
        Status = Running,
        Started = Read(folder)?.Started ?? now,
        Host = Environment.MachineName,
        ProcessId = Environment.ProcessId,
        Monitor = monitor,
    };

    /// <summary>The card of a run's folder; null where there is none that can be read.</summary>
    public static RunCard? Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return null;
        try
        {
            return JsonSerializer.Deserialize<RunCard>(File.ReadAllText(path), Json);
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Writes the card; a disk that is full is reported and costs the run no more than its card.</summary>
    internal void Write(string folder, ILogger messages)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            File.WriteAllText(path + ".tmp", JsonSerializer.Serialize(this, Json));
            File.Move(path + ".tmp", path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            messages.LogWarning("{Path} can't be written: {Message} The run is listed without it.", path, error.Message);
        }
    }
}
