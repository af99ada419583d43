// A GPT whose parameters, gradients and optimizer state are divided between two processes, and whose optimizer state lies on disk: what was planned beside what the ledger counted.
//   dotnet run -c Release --project samples/20_zero3_offload -- [steps] [folder for optimizer state]

using Raijin;
using Raijin.Parallel;
using static TorchSharp.torch;

var steps = args.Length > 0 ? int.Parse(args[0]) : 60;
var strategy = Zero.Stage3 with { OffloadOptimizer = Tier.Disk(args.Length > 1 ? args[1] : "scratch") };
var gpt = new GptOptions { Vocabulary = Counting.Characters, Context = 64, Layers = 6, Heads = 4, Width = 128 };

// From here on there are two ranks.
using var fabric = Fabric.Launch(new() { Devices = 2, Strategy = strategy, ClipGradients = Clip.Norm(1), TotalSteps = steps });

// Known before anything is made: on the meta device a model has shapes alone.
using var shapes = new Gpt(gpt, META);
var planned = MemoryPlan.Of(ModelShape.Of(shapes), strategy, fabric.WorldSize);

var (model, optimizer) = fabric.Setup(new Gpt(gpt), m => Optimizers.AdamW(m, 2e-3).With(Schedules.WarmupCosine(warmupSteps: steps / 10)));
fabric.Print($"{gpt.NumParameters:n0} parameters on {fabric.WorldSize} ranks: {strategy}");

var texts = Counting.Texts(count: 16 * steps, gpt.Context).Batches(new LoaderOptions { BatchSize = 8 }).Shard(fabric.Rank, fabric.WorldSize);
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

// Of the optimizer state only what is on its way between file and parameters is in memory.
var ledger = fabric.Sharded(model)!.Ledger;
fabric.Print($"\n{"MB of each rank",-18}{"planned",10}{"at most held",16}");
foreach (var kind in Enum.GetValues<BufferKind>())
{
    var (onDisk, inMemory) = (On(kind, strategy.OffloadOptimizer), On(kind, Tier.Device));
    if (onDisk > 0) fabric.Print($"{kind,-18}{Megabytes(onDisk),10}{Megabytes(ledger.Peak(kind)),16}   planned on {strategy.OffloadOptimizer}");
    else fabric.Print($"{kind,-18}{Megabytes(inMemory),10}{Megabytes(ledger.Peak(kind)),16}");
}

long On(BufferKind kind, Tier tier) => planned.Buffers.Where(b => b.Kind == kind && b.Tier == tier).Sum(b => b.Bytes);

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
