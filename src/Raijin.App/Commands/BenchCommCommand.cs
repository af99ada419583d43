using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Raijin.Charts;
using Raijin.Collectives;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin bench comm</c>: how fast ranks reach each other, for each call and size. Starts its own ranks, or is one of those that a launcher started.</summary>
sealed class BenchCommCommand : CliCommand
{
    const string Verb = "bench comm";
    const long Least = 1 << 10, DefaultMax = 256 << 20, Factor = 4;
    const int MostByDefault = 8, PanelWidth = 820, PanelHeight = 520;

    static readonly string[] Transports = [.. Enum.GetNames<TransportChoice>().Select(RecordShape.CamelCase)];

    readonly Option<string[]> _operations = new("--op") { Description = "Only this call; may be repeated (default: all)", HelpName = "OP", AllowMultipleArgumentsPerToken = false };
    readonly Option<string> _max = new("--max") { Description = "The largest size; from 1 KiB on each is 4 times the one before (default: 256MiB)", HelpName = "SIZE" };
    readonly Option<int?> _ranks = new("--ranks") { Description = "How many ranks are started here (default: one a core, 2 to 8)", HelpName = "N" };
    readonly Option<string> _transport = new("--transport") { Description = $"{string.Join(", ", Transports)} (default: auto)", HelpName = "NAME" };
    readonly Option<int?> _calls = new("--calls") { Description = "Calls of each of the 5 to 15 rounds (default: as many as take 10 ms)", HelpName = "N" };
    readonly Option<string> _png = new("--png") { Description = "The picture (default: bench-comm.png)", HelpName = "FILE" };

    /// <summary>Makes the command.</summary>
    public BenchCommCommand() : base("comm", "Times the calls between ranks: latency and bandwidth by size")
    {
        _operations.CompletionSources.Add([.. CommOperation.All.Select(operation => operation.Name)]);
        _transport.CompletionSources.Add(Transports);
        foreach (var option in (Option[])[_operations, _max, _ranks, _transport, _calls, _png]) Options.Add(option);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
        ["raijin bench comm", "raijin bench comm --ranks 4 --op allReduce --op allGather --max 64MiB", "raijin launch --hostfile hosts raijin bench comm --json"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var faults = invocation.UsageFaults.ToList();
        var operations = Operations(invocation, faults);
        var max = DefaultMax;
        if (invocation.Text(_max) is { } size && (!ByteSize.TryParse(size, out max) || max < Least)) faults.Add(new($"--max = {size}", $"{ByteSize.Expectation} 64MiB; allowed: 1KiB and more"));
        var transport = Transport(invocation, faults);
        var environment = ClusterEnvironment.OfProcess();
        var isRank = RankProcess.IsSupervised || environment.Identity.WorldSize > 1;
        var started = isRank ? environment.Identity.WorldSize : Math.Clamp(Environment.ProcessorCount, 2, MostByDefault);
        var ranks = invocation.Text(_ranks) is null ? started : invocation.Get(_ranks) ?? started;
        if (ranks is < 1 or > LaunchOptions.MaxRanks) faults.Add(new($"--ranks = {ranks}", $"allowed: 1 to {LaunchOptions.MaxRanks}"));
        else if (isRank && ranks != started) faults.Add(new($"--ranks = {ranks}", $"but {environment.Launcher} started {started}: leave it out"));
        var calls = invocation.Text(_calls) is null ? null : invocation.Get(_calls);
        if (calls < 1) faults.Add(new($"--calls = {calls}", "allowed: 1 and more"));
        if (!isRank && faults.Count == 0 && Shortage(ranks, max) is { } shortage) faults.Add(new($"--max = {ByteSize.Show(max)}", shortage));
        InvalidOptionsException.ThrowIfAny(faults);

        var sizes = new List<long>();
        for (var bytes = Least; bytes <= max; bytes *= Factor) sizes.Add(bytes);
        var joining = new WorldOptions { Transport = transport, RanksDriveGpus = transport == TransportChoice.Nccl };
        if (isRank)
        {
            using var world = World.Join(joining);
            Measure(invocation, world, operations, sizes, calls);
        }
        else if (transport == TransportChoice.InProcess)
        {
            World.Run(ranks, world => Measure(invocation, world, operations, sizes, calls));
        }
        else
        {
            // Before any of them is started.
            CheckReach(joining, ranks);
            return Launcher.Run(new LaunchOptions { Command = LocalRanks.ThisProgram(), Ranks = ranks, Messages = invocation.Terminal.Error }).ExitCode;
        }
        return ExitCodes.Success;
    }

    void Measure(Invocation invocation, World world, IReadOnlyList<CommOperation> operations, IReadOnlyList<long> sizes, int? calls)
    {
        var bench = new CommBench(world.Group, calls);
        var isFirst = world.Rank == 0;
        if (isFirst) invocation.Terminal.Human.MarkupLine($"{$"{world.Size} ranks over {world.Group.Transport}".In(Palette.Heading)}  {"float32; times are medians of rounds, means over ranks; bandwidths as nccl-tests defines them".In(Palette.Quiet)}");
        var timings = new List<CommTiming>();
        foreach (var operation in operations)
        {
            var measured = bench.Measure(operation, sizes);
            timings.AddRange(measured);
            if (isFirst) Print(invocation.Terminal.Human, operation, measured);
        }
        if (!isFirst) return;
        var picture = timings.Exists(timing => timing.Bytes > 0) ? Path.GetFullPath(invocation.Get(_png) ?? "bench-comm.png") : null;
        if (picture is not null)
        {
            Picture(timings, world).Save(picture, 2 * PanelWidth, PanelHeight);
            invocation.Terminal.Human.Write($"\nDrew it to {RunFolders.Shown(picture)}.\n");
        }
        JsonReport.Write(invocation.Terminal, Verb, ExitCodes.Success, json => Write(json, timings, world, picture));
    }

    // Calls that give each rank something else have a tensor for what they take and one for what they give.
    static string? Shortage(int ranks, long max)
    {
        var memory = GC.GetGCMemoryInfo();
        var (needed, free) = (2.0 * ranks * max, memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes);
        return needed <= free ? null : string.Create(CultureInfo.InvariantCulture, $"{ranks} ranks need {needed / 1e9:F1} GB for it, and {free / 1e9:F1} GB are free: take a smaller one, or fewer ranks");
    }

    static void Print(IAnsiConsole console, CommOperation operation, IReadOnlyList<CommTiming> timings)
    {
        if (timings.Count == 0) return;
        console.Write("\n");
        var listing = new Listing("", "", Palette.Quiet, "", "", "").AddMarked(Palette.Heading, operation.Name, "latency", "calls", "algbw", "busbw", timings[0].Straggling is null ? "" : "last to come, others waited");
        foreach (var timing in timings)
        {
            var (algorithm, bus) = timing.Bandwidth;
            var moves = timing.Bytes > 0;
            listing.Add(
                moves ? ByteSize.Show(timing.Bytes) : "-", ByteSize.ShowTime(timing.Seconds), timing.Calls.ToString(CultureInfo.InvariantCulture), moves ? ByteSize.ShowRate(algorithm) : "-", moves ? ByteSize.ShowRate(bus) : "-",
                timing.Straggling is { } last ? string.Create(CultureInfo.InvariantCulture, $"rank {last.Rank} in {100.0 * last.Times / last.Calls:F0} %, {ByteSize.ShowTime(last.Waited.TotalSeconds / last.Calls)}") : "");
        }
        listing.Print(console);
    }

    static Panels Picture(IReadOnlyList<CommTiming> timings, World world) => new()
    {
        Title = string.Create(CultureInfo.InvariantCulture, $"Calls between {world.Size} ranks over {world.Group.Transport}"),
        Charts = [Chart("Bus bandwidth", "GB/s", timings, timing => timing.Bandwidth.Bus / 1e9, AxisScale.Linear), Chart("Time of a call", "µs", timings, timing => timing.Seconds * 1e6, AxisScale.Log)],
    };

    static LineChart Chart(string title, string unit, IReadOnlyList<CommTiming> timings, Func<CommTiming, double> value, AxisScale scale) => new()
    {
        Title = title,
        XLabel = "bytes",
        YLabel = unit,
        XScale = AxisScale.Log,
        YScale = scale,
        Curves = [.. timings.Where(timing => timing.Bytes > 0).GroupBy(timing => timing.Operation).Select(of => new Curve(of.Key.Name, [.. of.Select(timing => (double)timing.Bytes)], [.. of.Select(value)]))],
    };

    static void Write(Utf8JsonWriter json, IReadOnlyList<CommTiming> timings, World world, string? picture)
    {
        json.WriteString("transport", RecordShape.CamelCase(world.Group.Transport.ToString()));
        json.WriteNumber("ranks", world.Size);
        json.WriteString("png", picture);
        json.WriteStartArray("timings");
        foreach (var timing in timings)
        {
            json.WriteStartObject();
            json.WriteString("op", timing.Operation.Name);
            json.WriteNumber("bytes", timing.Bytes);
            json.WriteNumber("calls", timing.Calls);
            json.WriteMeasure("seconds", timing.Seconds);
            json.WriteMeasure("algorithmBytesPerSecond", timing.Bandwidth.Algorithm);
            json.WriteMeasure("busBytesPerSecond", timing.Bandwidth.Bus);
            if (timing.Straggling is { } last)
            {
                json.WriteStartObject("straggler");
                json.WriteNumber("rank", last.Rank);
                json.WriteNumber("times", last.Times);
                json.WriteNumber("calls", last.Calls);
                json.WriteMeasure("waitedSeconds", last.Waited.TotalSeconds);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    List<CommOperation> Operations(Invocation invocation, List<OptionFault> faults)
    {
        if (invocation.Texts(_operations) is not { } names) return [.. CommOperation.All];
        var operations = new List<CommOperation>();
        foreach (var name in names.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            if (CommOperation.All.FirstOrDefault(operation => string.Equals(operation.Name, name, StringComparison.OrdinalIgnoreCase)) is { } operation) operations.Add(operation);
            else faults.Add(new($"--op = {name}", $"allowed: {string.Join(", ", CommOperation.All.Select(o => o.Name))}"));
        }
        return operations;
    }

    TransportChoice Transport(Invocation invocation, List<OptionFault> faults)
    {
        if (invocation.Text(_transport) is not { } name) return TransportChoice.Auto;
        if (Array.FindIndex(Transports, transport => string.Equals(transport, name, StringComparison.OrdinalIgnoreCase)) is >= 0 and var index) return Enum.GetValues<TransportChoice>()[index];
        faults.Add(new($"--transport = {name}", $"allowed: {string.Join(", ", Transports)}"));
        return TransportChoice.Auto;
    }

    static void CheckReach(WorldOptions joining, int ranks)
    {
        try
        {
            _ = TransportChoice.Resolve(joining.Transport, new RankIdentity(0, ranks, 0, ranks, 0, 1), joining.RanksDriveGpus, underMpi: false);
        }
        catch (InvalidOptionsException error)
        {
            throw new InvalidOptionsException([.. error.Faults.Select(fault => fault with { Key = "--" + fault.Key })]);
        }
    }
}
