using System.Text.Json;
using System.Text.Json.Serialization;

namespace Raijin.App;

/// <summary>How a search was asked for, kept in its folder so that <c>--resume</c> asks for the same again.</summary>
sealed record SearchSettings
{
    const string FileName = "search.json";

    /// <summary>What can choose values.</summary>
    public static IReadOnlyDictionary<string, TrialSampler> Samplers { get; } = new Dictionary<string, TrialSampler> { ["tpe"] = TrialSampler.Tpe(), ["random"] = TrialSampler.Random, ["grid"] = TrialSampler.Grid() };

    /// <summary>What can end bad trials early.</summary>
    public static IReadOnlyDictionary<string, StoppingRule> Rules { get; } = new Dictionary<string, StoppingRule> { ["halving"] = StoppingRule.Halving(), ["median"] = StoppingRule.Median(), ["none"] = StoppingRule.None };

    /// <summary>Trials to run.</summary>
    public int Trials { get; init; } = 20;

    /// <summary>One of <see cref="Samplers"/>.</summary>
    public string Sampler { get; init; } = "tpe";

    /// <summary>One of <see cref="Rules"/>.</summary>
    public string Stop { get; init; } = "halving";

    /// <summary>What is searched for; null for what checkpoints are ranked by.</summary>
    public string? Monitor { get; init; }

    /// <summary>Those kept in a search's folder; the usual ones where none are.</summary>
    public static SearchSettings Read(string folder) =>
        Path.Combine(folder, FileName) is var file && File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllBytes(file), SettingsJson.Default.SearchSettings)! : new();

    /// <summary>Keeps them.</summary>
    public void Write(string folder) => File.WriteAllBytes(Path.Combine(folder, FileName), JsonSerializer.SerializeToUtf8Bytes(this, SettingsJson.Default.SearchSettings));

    /// <summary>The settings of the study.</summary>
    public StudyOptions ToOptions(long seed, string journal) => new()
    {
        Trials = Trials,
        HigherIsBetter = Best.Parse(Monitor!, null).HigherIsBetter,
        Seed = seed,
        Sampler = Samplers[Sampler],
        Stopping = Rules[Stop],
        Journal = journal,
    };
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SearchSettings))]
sealed partial class SettingsJson : JsonSerializerContext;
