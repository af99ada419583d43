using System.Globalization;
using System.Text.Json;
using Raijin.Collectives;
using Spectre.Console;

namespace Raijin.App;

/// <summary>A plan as a table and as JSON.</summary>
/// <param name="name">What is planned.</param>
/// <param name="shape">Its size.</param>
/// <param name="request">What was asked for.</param>
sealed class PlanReport(string name, ModelShape shape, PlanRequest request)
{
    static readonly BufferKind[] Kinds = Enum.GetValues<BufferKind>();

    readonly IReadOnlyList<(PlannedStrategy Choice, MemoryPlan Memory, CommunicationPlan Communication)> _plans =
        [.. request.Strategies.Select(s => (s, MemoryPlan.Of(shape, s.Strategy, request.Ranks, request.Options), CommunicationPlan.Of(shape, s.Strategy, request.Ranks, request.Options)))];

    /// <summary>Prints both tables.</summary>
    public void Print(IAnsiConsole console)
    {
        var units = shape.Units.Count == 0 ? "not divided in units" : $"{Count(shape.Units.Count)} units, the largest of {Count(shape.Units.Max(unit => unit.NumParameters))}";
        console.MarkupLine($"{name.In(Palette.Heading)}  {$"{Count(shape.NumParameters)} parameters; {units}".In(Palette.Quiet)}");
        var frozen = shape.NumParameters - shape.NumTrained;
        console.MarkupLine($"{Count(request.Ranks)} {(request.Ranks == 1 ? "rank" : "ranks")}, {request.Options.Precision}{(frozen > 0 ? $", {Count(frozen)} parameters frozen" : "")}".In(Palette.Quiet));
        PrintMemory(console);
        if (_plans.Any(plan => plan.Communication.Traffic.Count > 0)) PrintCommunication(console);
        if (request.Memory is not { } memory) return;
        console.Write("\n");
        var first = _plans.FirstOrDefault(plan => plan.Memory.DeviceBytes <= memory);
        if (first.Choice is { } fits) console.MarkupLine($"{Title(fits)} fits a device of {Gigabytes(memory)} GB, with {Gigabytes(memory - first.Memory.DeviceBytes)} GB left for activations.".In(Palette.Good));
        else console.MarkupLine($"Nothing fits a device of {Gigabytes(memory)} GB: more ranks, or more offload.".In(Palette.Bad));
    }

    /// <summary>Writes everything, in bytes.</summary>
    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteString("model", name);
        json.WriteNumber("parameters", shape.NumParameters);
        json.WriteNumber("trained", shape.NumTrained);
        json.WriteNumber("units", shape.Units.Count);
        json.WriteNumber("ranks", request.Ranks);
        json.WriteString("precision", request.Options.Precision.Name);
        json.WriteNumber("stateBytes", request.Options.StateBytes);
        json.WriteNumber("microbatches", request.Options.Microbatches);
        json.WriteStartArray("plans");
        foreach (var (choice, memory, communication) in _plans)
        {
            json.WriteStartObject();
            json.WriteString("strategy", choice.Name);
            json.WriteString("offload", choice.Offload.Length > 0 ? choice.Offload : null);
            foreach (var kind in Kinds) json.WriteNumber(RecordShape.CamelCase(kind.ToString()), memory.BytesOf(kind));
            json.WriteNumber("device", memory.DeviceBytes);
            json.WriteNumber("host", memory.HostBytes);
            json.WriteNumber("disk", memory.DiskBytes);
            if (request.Memory is { } size) json.WriteBoolean("fits", memory.DeviceBytes <= size);
            json.WriteNumber("allReduce", communication.BytesOf(CollectiveKind.AllReduce));
            json.WriteNumber("reduceScatter", communication.BytesOf(CollectiveKind.ReduceScatter));
            json.WriteNumber("allGather", communication.BytesOf(CollectiveKind.AllGather));
            json.WriteNumber("moved", communication.MovedBytes);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    void PrintMemory(IAnsiConsole console)
    {
        var scale = Scale.Of(_plans.Max(plan => plan.Memory.TotalBytes));
        console.Write("\n");
        console.MarkupLine($"{"Memory of each rank".In(Palette.Heading)}  {$"{scale.Unit}, activations not counted".In(Palette.Quiet)}");
        var listing = new Listing(Palette.Typed, "", "", "", "", "", "", "", Palette.Heading, "", "", "");
        listing.AddMarked(Palette.Quiet, "strategy", "offload", "parameters", "gradients", "optimizer", "bucket", "gathered", "staging", "device", "host", "disk", request.Memory is null ? "" : "fits");
        foreach (var (choice, memory, _) in _plans)
            listing.Add([choice.Name, choice.Offload, .. Kinds.Select(kind => scale.Show(memory.BytesOf(kind))), scale.Show(memory.DeviceBytes), scale.Show(memory.HostBytes), scale.Show(memory.DiskBytes), Fits(memory)]);
        listing.Print(console);
    }

    void PrintCommunication(IAnsiConsole console)
    {
        var scale = Scale.Of(_plans.Max(plan => plan.Communication.MovedBytes));
        console.Write("\n");
        console.MarkupLine($"{"Communication of each rank in a step".In(Palette.Heading)}  {$"{scale.Unit}; an all-reduce moves its bytes twice".In(Palette.Quiet)}");
        var listing = new Listing(Palette.Typed, "", "", "", Palette.Heading);
        listing.AddMarked(Palette.Quiet, "strategy", "all-reduce", "reduce-scatter", "all-gather", "moved");
        foreach (var (choice, _, communication) in _plans.DistinctBy(plan => plan.Choice.Name))
            listing.Add([choice.Name, .. ((CollectiveKind[])[CollectiveKind.AllReduce, CollectiveKind.ReduceScatter, CollectiveKind.AllGather]).Select(kind => scale.Show(communication.BytesOf(kind))), scale.Show(communication.MovedBytes)]);
        listing.Print(console);
    }

    string Fits(MemoryPlan memory) => request.Memory is not { } size ? "" : memory.DeviceBytes <= size ? "✓" : "✗";

    static string Title(PlannedStrategy choice) => choice.Offload.Length == 0 ? choice.Name : $"{choice.Name} with {choice.Offload}";

    static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    static string Gigabytes(long bytes) => (bytes / 1e9).ToString("0.#", CultureInfo.InvariantCulture);

    /// <summary>One unit for a whole table: the largest of which its greatest number has at least ten.</summary>
    readonly record struct Scale(string Unit, double Bytes)
    {
        public static Scale Of(long greatest) => greatest switch
        {
            >= 10_000_000_000 => new("GB", 1e9),
            >= 10_000_000 => new("MB", 1e6),
            _ => new("kB", 1e3),
        };

        public string Show(long bytes) => bytes == 0 ? "-" : (bytes / Bytes).ToString("F1", CultureInfo.InvariantCulture);
    }
}
