using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Raijin.Charts;
using Raijin.Parallel;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin bench disk</c>: how fast a disk is written and read by block size and depth, and which options the offload tier is fastest with.</summary>
sealed class BenchDiskCommand : CliCommand
{
    const string Verb = "bench disk";
    const long DefaultBytes = 256 << 20, MostBlock = 1 << 30, Alignment = Tensors.ScratchFile.Alignment;
    const int MostDepth = 256, PanelWidth = 820, PanelHeight = 520;

    // What the tier's own transfers are cut into.
    const int TierBlock = 4 << 20;

    // A few threads less are worth a few per cent.
    const double Close = 0.95;

    static readonly int[] DefaultBlocks = [64 << 10, 256 << 10, 1 << 20, TierBlock, 16 << 20];
    static readonly int[] DefaultDepths = [1, 2, 4, 8];

    readonly Option<string> _folder = new("--folder") { Description = "A folder on the disk (default: here)", HelpName = "DIR" };
    readonly Option<string> _size = new("--size") { Description = "The file's size; it is removed in the end (default: 256MiB)", HelpName = "SIZE" };
    readonly Option<string[]> _blocks = new("--block") { Description = "A size of transfers; may be repeated (default: 64KiB, 256KiB, 1MiB, 4MiB, 16MiB)", HelpName = "SIZE", AllowMultipleArgumentsPerToken = false };
    readonly Option<int[]> _depths = new("--depth") { Description = "How many transfers are under way at once, a thread each; may be repeated (default: 1, 2, 4, 8)", HelpName = "N", AllowMultipleArgumentsPerToken = false };
    readonly Option<bool> _buffered = new("--buffered") { Description = "Goes through the page cache" };
    readonly Option<string> _png = new("--png") { Description = "The picture (default: bench-disk.png)", HelpName = "FILE" };

    /// <summary>Makes the command.</summary>
    public BenchDiskCommand() : base("disk", "Times a disk by block size and depth, for the offload tier")
    {
        foreach (var option in (Option[])[_folder, _size, _blocks, _depths, _buffered, _png]) Options.Add(option);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["raijin bench disk --folder /scratch", "raijin bench disk --folder /scratch --size 4GiB --block 4MiB --depth 4 --depth 8 --depth 16"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var faults = invocation.UsageFaults.ToList();
        var bytes = DefaultBytes;
        if (invocation.Text(_size) is { } size && (!ByteSize.TryParse(size, out bytes) || bytes < TierBlock)) faults.Add(new($"--size = {size}", $"{ByteSize.Expectation} 4GiB; allowed: 4MiB and more"));
        var blocks = Blocks(invocation, bytes, faults);
        var depths = DefaultDepths;
        if (invocation.Texts(_depths) is not null && faults.TrueForAll(fault => !fault.Key.StartsWith(_depths.Name, StringComparison.Ordinal))) depths = [.. (invocation.Get(_depths) ?? []).Distinct().Order()];
        foreach (var depth in depths.Where(depth => depth is < 1 or > MostDepth)) faults.Add(new($"--depth = {depth}", $"allowed: 1 to {MostDepth}"));
        var folder = Path.GetFullPath(invocation.Get(_folder) ?? ".");
        if (File.Exists(folder)) faults.Add(new($"--folder = {folder}", "is a file: give a folder on the disk"));
        InvalidOptionsException.ThrowIfAny(faults);

        var console = invocation.Terminal.Human;
        using var bench = new DiskSpeed(folder, bytes, invocation.Get(_buffered));
        console.MarkupLine($"{$"{ByteSize.Show(bytes)} in {RunFolders.Shown(folder)}".In(Palette.Heading)}  {(bench.IsUnbuffered ? "past the page cache" : "through the page cache").In(Palette.Quiet)}");
        console.Write("\n");
        var timings = blocks.SelectMany(_ => depths, bench.Measure).ToList();
        var listing = new Listing("", "", "", "", "").AddMarked(Palette.Heading, "block", "depth", "write", "read", "");
        foreach (var timing in timings) listing.Add(ByteSize.Show(timing.BlockBytes), timing.Depth.ToString(CultureInfo.InvariantCulture), ByteSize.ShowRate(timing.WriteBytesPerSecond), ByteSize.ShowRate(timing.ReadBytesPerSecond), "");
        listing.Print(console);

        var best = Best(timings);
        console.Write("\n");
        console.MarkupLine($"Best for the offload tier: {string.Create(CultureInfo.InvariantCulture, $"--trainer.strategy.offloadOptimizer \"{Tier.Disk(folder)}\" --trainer.strategy.offloadThreads {best.Depth}").In(Palette.Typed)}");
        console.MarkupLine($"In C#:                     {string.Create(CultureInfo.InvariantCulture, $"OffloadOptimizer = Tier.Disk(\"{folder}\"), OffloadThreads = {best.Depth}").In(Palette.Typed)}");
        console.Write(string.Create(CultureInfo.InvariantCulture, $"Adam's state of a billion parameters, 8 GB read and written back, then takes {8e9 / best.WriteBytesPerSecond + 8e9 / best.ReadBytesPerSecond:F1} s a step.\n"));
        if (!bench.IsUnbuffered && !invocation.Get(_buffered)) console.MarkupLine("This file system keeps files in the page cache: what was read here may never have come from a disk.".In(Palette.Warn));
        var picture = Path.GetFullPath(invocation.Get(_png) ?? "bench-disk.png");
        Picture(timings, folder).Save(picture, 2 * PanelWidth, PanelHeight);
        console.Write($"Drew it to {RunFolders.Shown(picture)}.\n");
        JsonReport.Write(invocation.Terminal, Verb, ExitCodes.Success, json => Write(json, folder, bytes, bench.IsUnbuffered, timings, best, picture));
        return ExitCodes.Success;
    }

    int[] Blocks(Invocation invocation, long bytes, List<OptionFault> faults)
    {
        if (invocation.Texts(_blocks) is not { } texts) return [.. DefaultBlocks.Where(block => block <= bytes)];
        var blocks = new SortedSet<int>();
        foreach (var text in texts)
        {
            if (ByteSize.TryParse(text, out var block) && block % Alignment == 0 && block <= Math.Min(bytes, MostBlock)) blocks.Add((int)block);
            else faults.Add(new($"--block = {text}", $"{ByteSize.Expectation} 4MiB; allowed: multiples of 4KiB, up to the file's size and 1GiB"));
        }
        return [.. blocks];
    }

    /// <summary>The least depth that is nearly as fast as any, for blocks of the tier's own size, or the size nearest to it that was measured.</summary>
    internal static DiskTiming Best(IReadOnlyList<DiskTiming> timings)
    {
        var block = timings.Select(timing => timing.BlockBytes).Distinct().MinBy(bytes => Math.Abs(Math.Log((double)bytes / TierBlock)));
        var candidates = timings.Where(timing => timing.BlockBytes == block).OrderBy(timing => timing.Depth).ToList();
        var fastest = candidates.Max(timing => timing.RoundTrip);
        return candidates.First(timing => timing.RoundTrip >= Close * fastest);
    }

    static Panels Picture(IReadOnlyList<DiskTiming> timings, string folder) => new()
    {
        Title = folder,
        Charts = [Chart("Write", timings, timing => timing.WriteBytesPerSecond), Chart("Read", timings, timing => timing.ReadBytesPerSecond)],
    };

    static LineChart Chart(string title, IReadOnlyList<DiskTiming> timings, Func<DiskTiming, double> value) => new()
    {
        Title = title,
        XLabel = "bytes of a transfer",
        YLabel = "GB/s",
        XScale = AxisScale.Log,
        Curves = [.. timings.GroupBy(timing => timing.Depth).Select(of => new Curve(string.Create(CultureInfo.InvariantCulture, $"depth {of.Key}"), [.. of.Select(t => (double)t.BlockBytes)], [.. of.Select(t => value(t) / 1e9)]))],
    };

    static void Write(Utf8JsonWriter json, string folder, long bytes, bool unbuffered, IReadOnlyList<DiskTiming> timings, DiskTiming best, string picture)
    {
        json.WriteString("folder", folder);
        json.WriteNumber("bytes", bytes);
        json.WriteBoolean("pastPageCache", unbuffered);
        json.WriteString("png", picture);
        json.WriteStartObject("best");
        WriteTiming(json, best);
        json.WriteEndObject();
        json.WriteStartArray("timings");
        foreach (var timing in timings)
        {
            json.WriteStartObject();
            WriteTiming(json, timing);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void WriteTiming(Utf8JsonWriter json, DiskTiming timing)
    {
        json.WriteNumber("blockBytes", timing.BlockBytes);
        json.WriteNumber("depth", timing.Depth);
        json.WriteMeasure("writeBytesPerSecond", timing.WriteBytesPerSecond);
        json.WriteMeasure("readBytesPerSecond", timing.ReadBytesPerSecond);
    }
}
