// A GPT whose parameters, gradients and optimizer state are divided between two processes, and whose parameters and optimizer state lie on disk: what was planned beside what the ledger counted.
//   dotnet run -c Release --project samples/20_zero3_offload -- [steps] [folder on a disk]

using Raijin;
using TorchSharp;
using static TorchSharp.torch;

var steps = args.Length > 0 ? int.Parse(args[0]) : 100;
var disk = Tier.Disk(args.Length > 1 ? args[1] : "scratch");
var strategy = Zero.Stage3 with { OffloadOptimizer = disk, OffloadParameters = disk };
var gpt = new GptOptions { Vocabulary = Counting.Characters, Context = 64, Layers = 4, Heads = 4, Width = 128 };

// From here on there are two ranks.
using var fabric = Fabric.Launch(new() { Devices = 2, Strategy = strategy, ClipGradients = Clip.Norm(1) });

// Known before anything is made: on the meta device a model has shapes alone.
using var shapes = new Gpt(gpt, META);
var planned = MemoryPlan.Of(ModelShape.Of(shapes), strategy, fabric.WorldSize, new() { ComputesOnHost = fabric.Device.type == DeviceType.CPU });

var (model, optimizer) = fabric.Setup(new Gpt(gpt), m => Optimizers.AdamW(m, 2e-3));
fabric.Print($"{gpt.NumParameters:n0} parameters on {fabric.WorldSize} ranks: {strategy}");

var texts = Counting.Texts(count: 16 * steps, gpt.Context).Batches(new LoaderOptions { BatchSize = 8 });
var number = 0;
foreach (var batch in fabric.Batches(texts))
{
    using var step = fabric.Step();
    var loss = model.Loss(batch.Inputs, batch.Labels);
    fabric.Backward(loss);
    optimizer.Step();
    var mean = fabric.Mean(loss);
    if (++number == 1 || number % 20 == 0) fabric.Print($"step {number,4}  loss {mean:f4}");
}

// Staging is what crosses between file and memory: three units' shards and state, for a model as small as this most of it. Gathered units come and go; of parameters a unit is whole once, until it is divided.
var ledger = fabric.Sharded(model)!.Ledger;
fabric.Print($"\n{"MB of each rank",-16}{"planned",10}{"held",10}{"at most",10}{"on disk:",12}{"planned",10}{"held",10}");
foreach (var kind in Enum.GetValues<BufferKind>())
{
    var bytes = planned.Buffers.Where(b => b.Kind == kind).ToLookup(b => b.Tier == disk, b => b.Bytes);
    fabric.Print($"{kind,-16}{Megabytes(bytes[false].Sum()),10}{Megabytes(ledger.Held(kind)),10}{Megabytes(ledger.Peak(kind)),10}{"",12}{Megabytes(bytes[true].Sum()),10}{Megabytes(ledger.HeldOnDisk(kind)),10}");
}

static string Megabytes(long bytes) => $"{bytes / 1e6:f2}";

/// <summary>Texts that count: <c>417 418 419 42</c>.</summary>
static class Counting
{
    /// <summary>Digits, and the gap between numbers.</summary>
    public const int Characters = 11;

    /// <summary>Each text beside what comes after each of its characters.</summary>
    public static LabeledDataset Texts(int count, int length)
    {
        var random = new RandomStream(seed: 0, stream: 0);
        long[] characters = [.. Enumerable.Range(0, count).SelectMany(_ => Text((int)random.NextInt64(900), length + 1))];
        var all = tensor(characters).view(count, length + 1);
        return new(all.narrow(1, 0, length), all.narrow(1, 1, length));
    }

    static IEnumerable<long> Text(int from, int length) => string.Join(' ', Enumerable.Range(from, length)).Take(length).Select(c => c == ' ' ? 10L : c - '0');
}
