using System.Diagnostics;
using System.Globalization;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.RankHost;

/// <summary>
/// A fit of an elastic batch, with dropout. Arguments: the run's folder, a ds_config.json, the ranks that the program starts itself (1: those that a launcher started, which resume), and the step before which rank 1 kills
/// itself the first time. Each rank writes the loss and the samples of every step to <c>seen-RESTART-RANK.txt</c>, and the first one the weights to <c>weights.bin</c>, in the run's folder.
/// </summary>
static class ElasticFits
{
    /// <summary>Samples of an epoch; the first feature of each is its number, as a share of them.</summary>
    const int NumSamples = 64;

    sealed class Net : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Sequential(Linear(8, 16), ReLU(), Dropout(0.25), Linear(16, 3));

        public Action<LabeledBatch, TrainStep, Tensor> See { get; init; } = (_, _, _) => { };

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            var loss = functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);
            See(batch, step, loss);
            return loss;
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, 1e-2);
    }

    public static int Run(string[] arguments)
    {
        var (folder, devices, dies) = (arguments[0], int.Parse(arguments[2], CultureInfo.InvariantCulture), long.Parse(arguments[3], CultureInfo.InvariantCulture));
        var config = DeepSpeedConfig.Read(arguments[1]);
        var options = new TrainerOptions
        {
            MaxEpochs = 2,
            Devices = devices,
            MaxRestarts = devices > 1 ? 1 : 0,
            Output = folder,
            Device = DeviceChoice.Cpu,
            CollectiveDeadline = TimeSpan.FromSeconds(60),
            Progress = false,
            Summary = false,
            Callbacks = [new ModelCheckpoint { Save = Every.Steps(1), KeepLast = 100, InBackground = false }],
        };
        var trainer = new Trainer(config.Over(options));
        var rank = trainer.Rank;
        Directory.CreateDirectory(folder);
        using var seen = new StreamWriter(Path.Combine(folder, FormattableString.Invariant($"seen-{Collectives.RankProcess.Restart}-{rank}.txt"))) { AutoFlush = true };
        using var net = new Net
        {
            See = (batch, step, loss) =>
            {
                if (rank == 1 && Collectives.RankProcess.Restart == 0 && step.Index == dies) EndAfterCheckpoint(folder, dies);
                var samples = batch.Inputs.select(1, 0).data<float>().Select(number => ((int)(number * NumSamples)).ToString(CultureInfo.InvariantCulture));
                seen.WriteLine(FormattableString.Invariant($"{step.Index} {BitConverter.SingleToInt32Bits(loss.item<float>()):x8} {string.Join(',', samples)}"));
            },
        };
        using var set = Points();
        var batch = (int)config.Resolve(trainer.WorldSize).MicroBatchSize;
        var result = trainer.Fit(net, new DataLoaders<LabeledBatch>(set.Batches(new LoaderOptions { BatchSize = batch, Seed = 5 })), devices > 1 ? null : Resume.Last);
        if (rank == 0)
        {
            using var file = File.Create(Path.Combine(folder, "weights.bin"));
            foreach (var (_, tensor) in net.state_dict().OrderBy(t => t.Key, StringComparer.Ordinal)) file.Write(tensor.bytes.ToArray());
        }
        return result.ExitCode;
    }

    // The checkpoint of the steps before is the first rank's work.
    static void EndAfterCheckpoint(string folder, long step)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"*-{step:D8}");
        SpinWait.SpinUntil(() => Directory.Exists(Path.Combine(folder, "checkpoints")) && Directory.EnumerateDirectories(Path.Combine(folder, "checkpoints"), name).Any());
        Process.GetCurrentProcess().Kill();
    }

    static LabeledDataset Points()
    {
        var random = new Random(7);
        var labels = Enumerable.Range(0, NumSamples).Select(i => (long)(i % 3)).ToArray();
        var inputs = labels.SelectMany((label, i) => Enumerable.Range(0, 8).Select(d => d == 0 ? (float)i / NumSamples : (float)(random.NextDouble() - 0.5 + (d % 3 == label ? 1 : 0)))).ToArray();
        using var scope = NewDisposeScope();
        return new LabeledDataset(tensor(inputs, [NumSamples, 8]), tensor(labels));
    }
}
