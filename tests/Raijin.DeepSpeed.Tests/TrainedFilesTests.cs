using System.Text.Json.Nodes;
using Raijin.Collectives;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.DeepSpeed.Tests;

/// <summary>Real files, made small, train a tiny GPT on two ranks: with the bits that the same options give in C#.</summary>
public sealed class TrainedFilesTests
{
    static readonly DeepSpeedFacts Facts = new() { MicroBatchSize = 2, GradientAccumulation = 3, Precision = Precision.BFloat16, WeightDecay = 0.01, WarmupSteps = 10, TotalSteps = 100, HiddenSize = GptOptions.Tiny.Width };

    // Each file's options, written by hand from what it says.
    static readonly Dictionary<string, TrainerOptions> InCSharp = new()
    {
        ["013-transpeeder-ds_config_zero1"] = Options(Zero.Stage1 with { OffloadOptimizer = Tier.Host }, Precision.Float32, 1, m => Optimizers.AdamW(m, 1e-5, 0, 0.9, 0.95).With(DeepSpeedSchedules.WarmupDecay(100, 1e-6 / 1e-5, steps: 1000))),
        ["016-xtuner-deepspeed_zero2_offload"] = Options(Zero.Stage2 with { OffloadOptimizer = Tier.Host }, Precision.BFloat16, 3),
        ["022-axolotl-zero3_bf16"] = Options(Zero.Stage3, Precision.BFloat16, 3),
        ["025-Qwen-ds_config_zero2"] = Options(Zero.Stage2, Precision.BFloat16, 3, m => Optimizers.AdamW(m, 5e-5, 0.01).With(DeepSpeedSchedules.Warmup(10))),
        ["033-DeepSpeed-ds_config_zero3"] = Options(Zero.Stage3, Precision.BFloat16, 1, m => Optimizers.AdamW(m, 1e-5, 0.01).With(DeepSpeedSchedules.Warmup(10))),
        ["044-DeepSpeed-ds_config_func_bs8_zero0_gas3"] = Options(Zero.Stage0, Precision.Float32, 3),
        ["053-DeepSpeed-ds_config_z2"] = Options(Zero.Stage2, Precision.BFloat16, 1, m => Optimizers.AdamW(m, 1e-3, 3e-7, 0.8).With(DeepSpeedSchedules.Warmup(1000))),
        ["054-DeepSpeed-ds_config_z3"] = Options(Zero.Stage3, Precision.BFloat16, 1, m => Optimizers.AdamW(m, 1e-3, 3e-7, 0.8).With(DeepSpeedSchedules.Warmup(1000))),
        ["135-LLaMA-Factory-ds_z3_offload_config"] = Options(Zero.Stage3 with { OffloadOptimizer = Tier.Host, OffloadParameters = Tier.Host }, Precision.BFloat16, 3),
        ["140-accelerate-zero_stage3_config"] = Options(Zero.Stage3, Precision.Float32, 1, m => Optimizers.AdamW(m, 5e-5, 0.01).With(DeepSpeedSchedules.WarmupDecay(10, steps: 100))),
    };

    public static TheoryData<string> Files => [.. InCSharp.Keys];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_trains_as_its_options_do(string file)
    {
        var text = Shrunk(File.ReadAllText(SharedData.Require("ds-configs", "configs", file + ".json")));
        var run = DeepSpeedConfig.Parse(text, file).Resolve(2, Facts);
        Assert.Equal(2, run.MicroBatchSize);
        var (fromFile, steps) = Losses(run.Over(Quiet));
        var (fromOptions, _) = Losses(InCSharp[file]);
        Assert.Equal(8, steps);
        Assert.Equal(fromOptions, fromFile);
        Assert.All(fromFile, loss => Assert.True(float.IsFinite(loss)));
        // It learns: what the last pass over the texts measures is not what the first did.
        Assert.NotEqual(fromFile[..3], fromFile[^3..]);
    }

    [Fact]
    public void A_trainer_takes_the_file_itself()
    {
        using var folder = new TemporaryFolder();
        var path = folder["ds_config.json"];
        File.WriteAllText(path, """{ "train_micro_batch_size_per_gpu": 2, "optimizer": { "type": "SGD", "params": { "lr": 0.1, "momentum": 0.9 } }, "steps_per_print": 7, "tensorboard": { "enabled": true } }""");
        // snippet: deepspeed-config
        var trainer = new Trainer(DeepSpeedConfig.Read(path));
        // end snippet
        Assert.Equal((1L, Clip.Norm(1), Every.Steps(7), 2), (trainer.Options.MaxEpochs, trainer.Options.ClipGradients, trainer.Options.Log, trainer.Options.Loggers!.Count));
        TrainerOptions scheduled = DeepSpeedConfig.Parse(Samples.Plain, "ds.json");
        Assert.Equal(((long?)null, 100L, 2, Precision.BFloat16), (scheduled.MaxEpochs, scheduled.MaxSteps, scheduled.AccumulateGradients, scheduled.Precision));
    }

    static TrainerOptions Quiet => new() { MaxSteps = 8, Output = "unused", Checkpoints = false, Progress = false, Summary = false, HandleSignals = false, Loggers = [], SanityValidationBatches = 0, FastDevRun = 0 };

    static TrainerOptions Options(Strategy strategy, Precision precision, int accumulate, Func<nn.Module, OptimizerSetup>? optimizer = null) =>
        Quiet with { Strategy = strategy, Precision = precision, AccumulateGradients = accumulate, ClipGradients = Clip.Norm(1), Optimizers = optimizer };

    // Small batches; float16, which CPUs are refused, off; a logger that is another's, off.
    static string Shrunk(string text)
    {
        var file = JsonNode.Parse(text)!.AsObject();
        file.Remove("train_batch_size");
        file["train_micro_batch_size_per_gpu"] = 2;
        if (file["fp16"]?["enabled"]?.ToString() == "true") file["fp16"]!["enabled"] = false;
        file.Remove("wandb");
        return file.ToJsonString();
    }

    static (List<float> Losses, long Steps) Losses(TrainerOptions options)
    {
        using var folder = new TemporaryFolder();
        var models = new TinyGpt[2];
        foreach (var rank in (int[])[0, 1])
        {
            Seed.Everything(3);
            models[rank] = new TinyGpt();
        }
        try
        {
            using var texts = Texts();
            var data = new DataLoaders<LabeledBatch>(texts.Batches(new LoaderOptions { BatchSize = 2, Shuffle = false }));
            var results = World.Run(2, world => new Trainer(options with { Output = folder["run"] }, world).Fit(models[world.Rank], data), new GroupOptions { Deadline = TimeSpan.FromSeconds(60), CheckCalls = true });
            return (models[0].Losses, results[0].Steps);
        }
        finally
        {
            foreach (var model in models) model.Dispose();
        }
    }

    // 12 texts: three microbatches of two on each of two ranks.
    static LabeledDataset Texts()
    {
        using var scope = NewDisposeScope();
        var random = new Random(11);
        var all = tensor([.. Enumerable.Range(0, 12 * 17).Select(_ => (long)random.Next((int)GptOptions.Tiny.Vocabulary))]).view(12, 17);
        return new(all.narrow(1, 0, 16).contiguous(), all.narrow(1, 1, 16).contiguous());
    }

    sealed class TinyGpt : TrainingModule<LabeledBatch>
    {
        readonly Gpt _gpt = new(GptOptions.Tiny);

        public List<float> Losses { get; } = [];

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            var loss = _gpt.Loss(batch.Inputs, batch.Labels);
            Losses.Add(loss.to(ScalarType.Float32).item<float>());
            return loss;
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, 1e-3);
    }
}
