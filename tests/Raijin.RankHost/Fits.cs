using System.Diagnostics;
using System.Globalization;
using Raijin.Collectives;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.RankHost;

/// <summary>
/// A fit with dropout, by as many ranks as were started. Arguments: the run's folder, the stage, the step after which rank 1 kills itself the first time (-1: never). After a restart it goes
/// on from the last checkpoint; in the end the first rank writes the weights to <c>weights.bin</c> in the run's folder.
/// </summary>
static class Fits
{
    sealed class Net : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Sequential(Linear(8, 32), ReLU(), Dropout(0.25), Linear(32, 3));
        readonly Accuracy _accuracy = new(classes: 3);

        public Action<long> AfterStep { get; init; } = _ => { };

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            AfterStep(step.Index);
            var loss = functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);
            step.Log("train/loss", loss);
            return loss;
        }

        protected override void ValidationStep(LabeledBatch batch, EvalStep step)
        {
            _accuracy.Update(_net.call(batch.Inputs), batch.Labels);
            step.Log("val/accuracy", _accuracy);
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, 1e-2);
    }

    public static int Run(string[] arguments)
    {
        var (folder, stage, dies) = (arguments[0], int.Parse(arguments[1], CultureInfo.InvariantCulture), long.Parse(arguments[2], CultureInfo.InvariantCulture));
        var options = new TrainerOptions
        {
            MaxEpochs = 3,
            Output = folder,
            Device = DeviceChoice.Cpu,
            Strategy = new Strategy { Stage = stage },
            CollectiveDeadline = TimeSpan.FromSeconds(60),
            Progress = false,
            Summary = false,
            Callbacks = [new ModelCheckpoint { Save = Every.Steps(1), KeepLast = 3 }],
        };
        var trainer = new Trainer(options);
        var world = RankWorld.Of(options)!;
        using var net = new Net { AfterStep = step => { if (world.Rank == 1 && RankProcess.Restart == 0 && step == dies) Process.GetCurrentProcess().Kill(); } };
        using var set = Blobs();
        var result = trainer.Fit(net, set.Split(validation: 0.2).Batches(8), RankProcess.Restart > 0 ? Resume.Last : null);
        if (world.Rank == 0)
        {
            using var file = File.Create(Path.Combine(folder, "weights.bin"));
            foreach (var (_, tensor) in net.state_dict().OrderBy(t => t.Key, StringComparer.Ordinal)) file.Write(tensor.bytes.ToArray());
        }
        return result.ExitCode;
    }

    static LabeledDataset Blobs()
    {
        var random = new Random(7);
        var labels = Enumerable.Range(0, 100).Select(i => (long)(i % 3)).ToArray();
        var inputs = labels.SelectMany(label => Enumerable.Range(0, 8).Select(d => (float)(random.NextDouble() - 0.5 + (d % 3 == label ? 1 : 0)))).ToArray();
        using var scope = NewDisposeScope();
        return new LabeledDataset(tensor(inputs, [100, 8]), tensor(labels));
    }
}
