using System.Globalization;
using System.Text.Json;
using Raijin.DeepSpeed;
using Spectre.Console;

namespace Raijin.App;

/// <summary>What a DeepSpeed configuration becomes, in words and as JSON.</summary>
static class DeepSpeedReport
{
    const int LongestValue = 24;

    /// <summary>Prints every key, section by section.</summary>
    public static void PrintAll(IAnsiConsole console, string file, DeepSpeedRun run)
    {
        PrintSummary(console, file, run, run.Precision.Name);
        // The top has no heading: it comes first.
        foreach (var section in run.Rows.GroupBy(row => SectionOf(row.Key)).OrderBy(section => section.Key.Length > 0))
        {
            console.Write("\n");
            if (section.Key.Length > 0) console.MarkupLine(section.Key.In(Palette.Heading));
            var listing = new Listing("", Palette.Quiet, "");
            foreach (var row in section) listing.AddMarked(StyleOf(row), row.Name, Cut(row.Value), Meaning(row));
            listing.Print(console);
        }
        PrintMessages(console, "A run refuses", Palette.Bad, run.Refused);
        PrintMessages(console, "Look at", Palette.Warn, run.Warnings);
    }

    /// <summary>Prints what a run takes from the file: the first lines of a fit.</summary>
    public static void PrintHonoured(IAnsiConsole console, string file, DeepSpeedRun run, IReadOnlyList<string> overruled)
    {
        PrintSummary(console, file, run, run.Settings.Any(setting => setting.Key == "trainer.precision" && overruled.Contains(setting.From)) ? $"{run.Precision.Name}, which is overruled" : run.Precision.Name);
        var listing = new Listing(Palette.Good, Palette.Quiet, "");
        foreach (var row in run.Rows)
            if (row.Class == KeyClass.Honoured && !row.IsOff) listing.Add(row.Key, Cut(row.Value), overruled.Contains(row.Key) ? "overruled by the command line" : row.Becomes);
        listing.Print(console);
        var silent = new Listing(Palette.Quiet, Palette.Quiet);
        AddNames(silent, "off", run.Rows.Where(row => row.IsOff));
        AddNames(silent, "no effect here", run.Rows.Where(row => row.Class == KeyClass.NoEffect), "; why, says `raijin config import`");
        silent.Print(console);
        PrintMessages(console, "Look at", Palette.Warn, run.Warnings);
        console.Write("\n");
    }

    /// <summary>Writes the fields of the result.</summary>
    public static void WriteJson(Utf8JsonWriter json, string file, int world, DeepSpeedRun? run, IReadOnlyList<ConfigMessage> errors)
    {
        var isRight = errors.Count == 0;
        json.WriteBoolean("ok", isRight);
        json.WriteString("file", file);
        json.WriteNumber("world", world);
        Write(json, "errors", errors);
        Write(json, "warnings", run?.Warnings ?? []);
        Write(json, "unavailable", run?.Refused ?? []);
        Write(json, "ignored", run?.Rows.Where(row => row.Class == KeyClass.NoEffect) ?? [], withBecomes: false);
        Write(json, "honoured", run?.Rows.Where(row => row.Class == KeyClass.Honoured) ?? [], withBecomes: true);
        if (run is null || !isRight)
        {
            foreach (var name in (ReadOnlySpan<string>)["resolved", "settings", "notInSettings"]) json.WriteNull(name);
            return;
        }
        json.WriteStartObject("resolved");
        json.WriteNumber("trainBatchSize", run.TrainBatchSize);
        json.WriteNumber("microBatchSize", run.MicroBatchSize);
        json.WriteNumber("gradientAccumulation", run.GradientAccumulation);
        json.WriteNumber("zeroStage", run.Strategy.Stage);
        json.WriteString("precision", run.Precision.Name);
        WriteOptional(json, "lossScale", run.LossScale, scale =>
        {
            json.WriteNumber("initialScale", scale.InitialScale);
            json.WriteNumber("window", scale.Window);
            json.WriteNumber("hysteresis", scale.Hysteresis);
            json.WriteBoolean("consecutiveHysteresis", scale.ConsecutiveHysteresis);
            json.WriteNumber("minScale", scale.MinScale);
        });
        json.WriteNumber("gradientClipping", run.GradientClipping);
        WriteOptional(json, "optimizer", run.Optimizer, optimizer =>
        {
            json.WriteString("type", optimizer.Type);
            json.WriteNumber("learningRate", optimizer.LearningRate);
            json.WriteNumber("beta1", optimizer.Beta1);
            json.WriteNumber("beta2", optimizer.Beta2);
            json.WriteNumber("epsilon", optimizer.Epsilon);
            json.WriteNumber("weightDecay", optimizer.WeightDecay);
        });
        WriteOptional(json, "scheduler", run.Schedule, schedule =>
        {
            json.WriteString("type", schedule.Type);
            if (schedule.BaseRate is { } rate) json.WriteNumber("baseRate", rate);
            else json.WriteNull("baseRate");
        });
        json.WriteString("offloadOptimizer", run.OffloadOptimizer);
        json.WriteString("offloadParameters", run.OffloadParameters);
        json.WriteNumber("reduceBucketSize", run.ReduceBucketSize);
        json.WriteNumber("allgatherBucketSize", run.AllgatherBucketSize);
        json.WriteNumber("prefetchBucketSize", run.PrefetchBucketSize);
        json.WriteNumber("parameterPersistenceThreshold", run.ParameterPersistenceThreshold);
        json.WriteNumber("maxLiveParameters", run.MaxLiveParameters);
        json.WriteNumber("maxReuseDistance", run.MaxReuseDistance);
        json.WriteNumber("subGroupSize", run.SubGroupSize);
        if (run.Elastic is { } elastic)
        {
            json.WriteStartArray("elasticRanks");
            foreach (var ranks in elastic.Ranks) json.WriteNumberValue(ranks);
            json.WriteEndArray();
        }
        else json.WriteNull("elasticRanks");
        json.WriteEndObject();
        json.WriteStartObject("settings");
        foreach (var setting in run.Settings) json.WriteString(setting.Key, setting.Value);
        json.WriteEndObject();
        json.WriteStartArray("notInSettings");
        foreach (var (key, _) in run.Unsaid) json.WriteStringValue(key);
        json.WriteEndArray();
    }

    static void PrintSummary(IAnsiConsole console, string file, DeepSpeedRun run, string precision)
    {
        var words = new List<string> { string.Create(CultureInfo.InvariantCulture, $"batch {run.TrainBatchSize} = {run.MicroBatchSize} × {run.GradientAccumulation} × {run.Ranks}"), run.Strategy.ToString(), precision };
        if (run.Optimizer is { } optimizer) words.Add(run.Schedule is { } schedule ? $"{optimizer.Type} on {schedule.Type}" : optimizer.Type);
        console.MarkupLine($"{file} at {run.Ranks.ToString(CultureInfo.InvariantCulture)} rank{(run.Ranks == 1 ? "" : "s")}".In(Palette.Heading) + Markup.Escape($": {string.Join("; ", words)}"));
    }

    static void PrintMessages(IAnsiConsole console, string heading, string style, IReadOnlyList<ConfigMessage> messages)
    {
        if (messages.Count == 0) return;
        console.Write("\n");
        console.MarkupLine(heading.In(Palette.Heading));
        var listing = new Listing(style, "");
        foreach (var message in messages) listing.Add(message.Key, message.At is { Line: > 0 } at ? $"{message.Message} ({at})" : message.Message);
        listing.Print(console);
    }

    // By section: fp16 (loss_scale, window), steps_per_print.
    static void AddNames(Listing listing, string heading, IEnumerable<RunRow> rows, string end = "")
    {
        var names = rows.GroupBy(row => SectionOf(row.Key)).SelectMany(section => section.Key.Length == 0 ? section.Select(row => row.Name) : [$"{section.Key} ({string.Join(", ", section.Select(row => row.Name))})"]).ToList();
        if (names.Count > 0) listing.Add(heading, string.Join(", ", names) + end);
    }

    static string Meaning(RunRow row) => row.IsRefused || row.Note.Length == 0 ? row.Becomes : $"{row.Becomes}: {row.Note}";

    static string SectionOf(string key) => key.LastIndexOf('.') is var dot and >= 0 ? key[..dot] : "";

    static string StyleOf(RunRow row) => row.IsRefused ? Palette.Bad : row is { Class: KeyClass.Honoured, IsOff: false } ? Palette.Good : Palette.Quiet;

    static string Cut(string value) => value.Length <= LongestValue ? value : value[..(LongestValue - 1)] + "…";

    static void WriteOptional<T>(Utf8JsonWriter json, string name, T? value, Action<T> fields) where T : class
    {
        if (value is null)
        {
            json.WriteNull(name);
            return;
        }
        json.WriteStartObject(name);
        fields(value);
        json.WriteEndObject();
    }

    static void Write(Utf8JsonWriter json, string name, IReadOnlyList<ConfigMessage> messages)
    {
        json.WriteStartArray(name);
        foreach (var (at, key, message) in messages)
        {
            json.WriteStartObject();
            json.WriteString("key", key);
            json.WriteString("message", message);
            WritePlace(json, at);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void Write(Utf8JsonWriter json, string name, IEnumerable<RunRow> rows, bool withBecomes)
    {
        json.WriteStartArray(name);
        foreach (var row in rows)
        {
            json.WriteStartObject();
            json.WriteString("key", row.Key);
            json.WriteString("value", row.Value);
            if (withBecomes) json.WriteString("becomes", row.Becomes);
            json.WriteString("note", row.Note);
            WritePlace(json, row.At);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void WritePlace(Utf8JsonWriter json, Position? at)
    {
        if (at is { Line: > 0 } place)
        {
            json.WriteNumber("line", place.Line);
            json.WriteNumber("column", place.Column);
            return;
        }
        json.WriteNull("line");
        json.WriteNull("column");
    }
}
