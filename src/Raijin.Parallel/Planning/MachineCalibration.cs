using System.Text.Json;
using System.Text.Json.Serialization;
using Raijin.Collectives;
using Raijin.Parallel;

namespace Raijin;

/// <summary>How fast this machine computes, moves memory and exchanges between ranks, as two seconds of measuring saw it: what a <see cref="TimePlan"/> predicts from.</summary>
public sealed record MachineCalibration
{
    /// <summary>How many ranks measured, all at once: they share the machine in training too.</summary>
    public required int Ranks { get; init; }

    /// <summary>Threads of each rank's operators.</summary>
    public required int Threads { get; init; }

    /// <summary>What moved the bytes between ranks.</summary>
    public required TransportKind Transport { get; init; }

    /// <summary>How fast matrices of float32 are multiplied.</summary>
    public required ProductSpeed Products { get; init; }

    /// <summary>The same in bfloat16; null where it was not measured.</summary>
    public ProductSpeed? BFloat16Products { get; init; }

    /// <summary>Seconds of attention's forward pass for each FLOP, by the number of keys.</summary>
    public required CostCurve Attention { get; init; }

    /// <summary>The same of its backward pass.</summary>
    public required CostCurve AttentionBackward { get; init; }

    /// <summary>Seconds of an op over elements that reads and writes so many bytes, its result's memory made.</summary>
    public required CostCurve Moves { get; init; }

    /// <summary>Seconds of a function such as GELU over so many bytes of elements.</summary>
    public required CostCurve Functions { get; init; }

    /// <summary>The same of a norm or a softmax.</summary>
    public required CostCurve Norms { get; init; }

    /// <summary>The same of random numbers.</summary>
    public required CostCurve Randoms { get; init; }

    /// <summary>Seconds of an optimizer's update by the bytes it reads and writes.</summary>
    public required CostCurve Updates { get; init; }

    /// <summary>Seconds of each byte of memory that is new to the process, above what writing to it takes: the kernel gives it page by page.</summary>
    public required double FreshSeconds { get; init; }

    /// <summary>Seconds that each call inside libtorch takes whatever its size: an op, a view, a step of autograd.</summary>
    public required double OpSeconds { get; init; }

    /// <summary>Seconds of an exchange by the bytes of the whole tensor; none for one rank.</summary>
    public required IReadOnlyDictionary<CollectiveKind, CostCurve> Exchanges { get; init; }

    /// <summary>Bytes a second that a disk reads; null where none was measured.</summary>
    public double? DiskReadRate { get; init; }

    /// <summary>Bytes a second that a disk writes.</summary>
    public double? DiskWriteRate { get; init; }

    /// <summary>Measures, for about two seconds. All ranks call it; they get the first one's numbers.</summary>
    /// <param name="group">The ranks that train; null for one alone.</param>
    /// <param name="diskFolder">Where an offload would lie, to measure that disk too; null for none.</param>
    /// <param name="precision">The only arithmetic that is asked for, to be done sooner; null for all.</param>
    /// <param name="exchanges">The only exchanges; null for all.</param>
    /// <param name="cancellationToken">Breaks it off.</param>
    public static MachineCalibration Measure(
        Group? group = null, string? diskFolder = null, Precision? precision = null, IReadOnlyCollection<CollectiveKind>? exchanges = null, CancellationToken cancellationToken = default) =>
        new Calibrator(group, precision?.Compute, exchanges ?? Calibrator.AllKinds, cancellationToken).Measure(diskFolder);

    /// <summary>Reads a file of <see cref="Write"/>.</summary>
    /// <exception cref="InvalidOptionsException">It is no such file; says where.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public static MachineCalibration Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            var found = JsonSerializer.Deserialize(File.ReadAllBytes(path), CalibrationJson.Default.MachineCalibration) ?? throw new JsonException("it is null");
            InvalidOptionsException.ThrowIfAny([.. found.Faults(path)]);
            return found;
        }
        catch (JsonException error)
        {
            throw new InvalidOptionsException([new(path, $"is no calibration: {error.Message.Split('\n')[0]} Remove it, and it is measured anew")]);
        }
    }

    /// <summary>Writes it, as JSON.</summary>
    public void Write(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        var half = path + ".tmp";
        File.WriteAllBytes(half, JsonSerializer.SerializeToUtf8Bytes(this, CalibrationJson.Default.MachineCalibration));
        File.Move(half, path, overwrite: true);
    }

    IEnumerable<OptionFault> Faults(string path)
    {
        foreach (var (name, curve) in (IEnumerable<(string, CostCurve?)>)
            [("products", Products?.Arithmetic), ("attention", Attention), ("attentionBackward", AttentionBackward), ("moves", Moves), ("functions", Functions), ("norms", Norms), ("randoms", Randoms), ("updates", Updates),
             .. BFloat16Products is null ? Array.Empty<(string, CostCurve?)>() : [("bFloat16Products", BFloat16Products.Arithmetic)], .. (Exchanges ?? new Dictionary<CollectiveKind, CostCurve>()).Select(e => ($"exchanges.{e.Key}", e.Value))])
            if ((curve is null ? "is missing" : curve.Problem()) is { } problem) yield return new(path, $"is no calibration: {name} {problem}");
        if (Exchanges is null) yield return new(path, "is no calibration: exchanges is missing");
        if (Ranks < 1 || Threads < 1) yield return new(path, $"is no calibration: {Ranks} ranks of {Threads} threads");
        if (!(OpSeconds >= 0 && double.IsFinite(OpSeconds))) yield return new(path, "is no calibration: opSeconds is below 0");
        if (Products?.ByteSeconds is not >= 0 || BFloat16Products is { ByteSeconds: not >= 0 }) yield return new(path, "is no calibration: byteSeconds of products is below 0");
        if (!(FreshSeconds >= 0 && double.IsFinite(FreshSeconds))) yield return new(path, "is no calibration: freshSeconds is below 0");
        if (DiskReadRate is <= 0 || DiskWriteRate is <= 0) yield return new(path, "is no calibration: a rate of the disk is not above 0");
    }
}

/// <summary>How calibrations are written.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(MachineCalibration))]
sealed partial class CalibrationJson : JsonSerializerContext;
