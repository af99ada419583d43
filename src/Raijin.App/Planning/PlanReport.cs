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
    static readonly (CollectiveKind Kind, string Name)[] Calls =
        [(CollectiveKind.AllReduce, "all-reduce"), (CollectiveKind.ReduceScatter, "reduce-scatter"), (CollectiveKind.AllToAll, "all-to-all"), (CollectiveKind.AllGather, "all-gather")];

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
        if (request.Time is { } time) PrintTime(console, time);
        if (request.Memory is not { } memory) return;
        console.Write("\n");
        var first = _plans.FirstOrDefault(plan => DeviceBytes(plan.Memory) <= memory);
        if (first.Choice is { } fits) console.MarkupLine($"{Title(fits)} fits a device of {Gigabytes(memory)} GB, with {Gigabytes(memory - DeviceBytes(first.Memory))} GB left{(request.Time is null ? " for activations" : "")}.".In(Palette.Good));
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
            if (request.Memory is { } size) json.WriteBoolean("fits", DeviceBytes(memory) <= size);
            foreach (var (kind, _) in Calls) json.WriteNumber(RecordShape.CamelCase(kind.ToString()), communication.BytesOf(kind));
            json.WriteNumber("moved", communication.MovedBytes);
            json.WriteNumber("node", communication.NodeBytes);
            if (request.Time is { } time)
            {
                json.WriteNumber("activations", Activations(memory));
                json.WriteNumber("seconds", TimeOf(choice, time).Total.TotalSeconds);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    void PrintMemory(IAnsiConsole console)
    {
        var scale = ByteScale.Of(_plans.Max(plan => plan.Memory.TotalBytes));
        console.Write("\n");
        console.MarkupLine($"{"Memory of each rank".In(Palette.Heading)}  {$"{scale.Unit}, activations {(request.Time is { } known ? $"of {Count(known.Work.Samples)} samples counted in the device's" : "not counted")}".In(Palette.Quiet)}");
        // Second shards and staging have a column where there are some.
        BufferKind[] kinds = [.. Kinds.Where(kind => kind is not (BufferKind.Secondary or BufferKind.Staging) || _plans.Any(plan => plan.Memory.BytesOf(kind) > 0))];
        string[] activations = request.Time is null ? [] : ["activations"];
        var listing = new Listing([Palette.Typed, "", .. kinds.Select(_ => ""), .. activations.Select(_ => ""), Palette.Heading, "", "", ""]);
        listing.AddMarked(Palette.Quiet, ["strategy", "offload", .. kinds.Select(kind => kind == BufferKind.OptimizerState ? "optimizer" : RecordShape.CamelCase(kind.ToString())), .. activations, "device", "host", "disk", request.Memory is null ? "" : "fits"]);
        foreach (var (choice, memory, _) in _plans)
            listing.Add([choice.Name, choice.Offload, .. kinds.Select(kind => scale.Show(memory.BytesOf(kind))), .. activations.Select(_ => scale.Show(Activations(memory))), scale.Show(DeviceBytes(memory)), scale.Show(memory.HostBytes), scale.Show(memory.DiskBytes), Fits(memory)]);
        listing.Print(console);
    }

    void PrintCommunication(IAnsiConsole console)
    {
        var scale = ByteScale.Of(_plans.Max(plan => plan.Communication.MovedBytes));
        console.Write("\n");
        console.MarkupLine($"{"Communication of each rank in a step".In(Palette.Heading)}  {$"{scale.Unit}; an all-reduce moves its bytes twice".In(Palette.Quiet)}");
        // What codes and nodes bring has a column where somebody asked for it.
        (CollectiveKind Kind, string Name)[] calls = [.. Calls.Where(call => call.Kind != CollectiveKind.AllToAll || _plans.Any(plan => plan.Communication.BytesOf(call.Kind) > 0))];
        var hasNodes = request.Strategies.Any(s => s.Strategy.SecondaryShardSize > 0);
        var listing = new Listing([Palette.Typed, .. calls.Select(_ => ""), Palette.Heading, ""]);
        listing.AddMarked(Palette.Quiet, ["strategy", .. calls.Select(call => call.Name), "moved", hasNodes ? "leaves a node" : ""]);
        foreach (var (choice, _, communication) in _plans.DistinctBy(plan => plan.Choice.Name))
            listing.Add([choice.Name, .. calls.Select(call => scale.Show(communication.BytesOf(call.Kind))), scale.Show(communication.MovedBytes), hasNodes ? scale.Show(communication.NodeBytes) : ""]);
        listing.Print(console);
    }

    void PrintTime(IAnsiConsole console, PlannedTime time)
    {
        console.Write("\n");
        console.MarkupLine($"{"Time of a step".In(Palette.Heading)}  {$"ms, predicted for {Count(request.Ranks)} x {Count(time.Machine.Threads)} threads of this machine, {Count(time.Work.Samples)} samples a microbatch".In(Palette.Quiet)}");
        var listing = new Listing(Palette.Typed, "", "", "", "", "", "", Palette.Heading);
        listing.AddMarked(Palette.Quiet, ["strategy", "offload", "forward", "backward", "exchange", "update", "disk", "step"]);
        foreach (var (choice, _, _) in _plans)
        {
            var plan = TimeOf(choice, time);
            listing.Add([choice.Name, choice.Offload, .. ((TimeSpan[])[plan.Forward, plan.Backward, plan.Exchange, plan.Update, plan.Disk, plan.Total]).Select(t => t == TimeSpan.Zero ? "-" : t.TotalMilliseconds.ToString("F1", CultureInfo.InvariantCulture))]);
        }
        listing.Print(console);
    }

    TimePlan TimeOf(PlannedStrategy choice, PlannedTime time) => TimePlan.Of(time.Work, shape, choice.Strategy, request.Ranks, time.Machine, request.Options);

    /// <summary>What a column of a kind of buffer is called.</summary>
    public static string Named(BufferKind kind) => kind == BufferKind.OptimizerState ? "optimizer" : RecordShape.CamelCase(kind.ToString());

    /// <summary>What a column of a kind of call is called: <c>all-gather</c>.</summary>
    public static string Named(CollectiveKind kind) => kind switch
    {
        CollectiveKind.AllReduce => "all-reduce",
        CollectiveKind.ReduceScatter => "reduce-scatter",
        CollectiveKind.AllToAll => "all-to-all",
        CollectiveKind.AllGather => "all-gather",
        _ => RecordShape.CamelCase(kind.ToString()),
    };

    // Gradients of the microbatch before are there already, but for a rank alone that has one microbatch: of those the peak knows, so that none counts twice.
    long Activations(MemoryPlan memory) =>
        request.Time is not { } time ? 0 : request.Ranks == 1 && request.Options.Microbatches == 1 ? Math.Max(0, time.Work.PeakBytes - memory.BytesOf(BufferKind.Gradients)) : time.Work.ActivationBytes;

    long DeviceBytes(MemoryPlan memory) => memory.DeviceBytes + Activations(memory);

    string Fits(MemoryPlan memory) => request.Memory is not { } size ? "" : DeviceBytes(memory) <= size ? "✓" : "✗";

    static string Title(PlannedStrategy choice) => choice.Offload.Length == 0 ? choice.Name : $"{choice.Name} with {choice.Offload}";

    static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    static string Gigabytes(long bytes) => (bytes / 1e9).ToString("0.#", CultureInfo.InvariantCulture);
}
