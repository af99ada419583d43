using System.ComponentModel.DataAnnotations;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Cli.Tests;

/// <summary>What docs/guides/command-line.md shows.</summary>
public sealed class HostingGuide
{
    [Fact]
    public void The_program_of_the_guide_trains_with_a_choice()
    {
        using var folder = new TemporaryFolder();
        var finished = new List<string>();
        string[] args = ["fit", "large", "--output", folder["run"], "--trainer.maxSteps", "2", "--trainer.progress=false", "--trainer.summary=false", "--batch", "32", "--model.activation", "leaky", "--model.activation.slope", "0.2", "--json"];
        Assert.Equal(0, Several(finished, args));
        Assert.Equal(["large: 0"], finished);
        Assert.Contains("    kind: leaky\n    slope: 0.2\n", File.ReadAllText(Path.Combine(folder["run"], "config.yaml")), StringComparison.Ordinal);
        Assert.Equal(2, One(["fit", "--model.hidden", "0"]));
    }

    static int One(string[] args)
    {
        // snippet: run
        return RaijinApp.Run<DigitModel, DigitData>(args);
        // end snippet
    }

    static int Several(List<string> finished, string[] args)
    {
        // snippet: create
        return RaijinApp.Create("mydigits", "Reads digits")
            .Task<DigitModel, DigitData>("small", task => task
                .Defaults(new TrainerOptions { MaxEpochs = 5 })
                .Defaults(new DigitOptions { Hidden = 32 }))
            .Task<DigitModel, DigitData>("large", task => task
                .Defaults(new DigitOptions { Hidden = 512 })
                .Defaults(new SgdOptions { LearningRate = 0.1 })
                .Link("trainer.seed", "data.seed")
                .ShortForm("--batch", "N", "data.batchSize", "Samples in a batch"))
            .After("fit", (call, exitCode) => finished.Add($"{call.Task}: {exitCode}"))
            .Run(args);
        // end snippet
    }

    // snippet: module
    sealed class DigitModel(DigitOptions options, OptimizerOptions optimizer, ScheduleOptions schedule) : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> net = Sequential(Linear(64, options.Hidden), options.Activation.Build(), Linear(options.Hidden, 10));

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => functional.cross_entropy(net.call(batch.Inputs), batch.Labels);

        protected override OptimizerSetup ConfigureOptimizers() => optimizer.For(this, schedule);
    }

    sealed record DigitOptions
    {
        /// <summary>Units of the hidden layer.</summary>
        [Range(1, int.MaxValue)]
        public int Hidden { get; init; } = 128;

        /// <summary>What lies between the layers.</summary>
        public Activation Activation { get; init; } = new Rectifier();
    }
    // end snippet

    // snippet: choice
    abstract record Activation
    {
        public abstract Module<Tensor, Tensor> Build();
    }

    [Choice("relu")]
    sealed record Rectifier : Activation
    {
        public override Module<Tensor, Tensor> Build() => ReLU();
    }

    [Choice("leaky")]
    sealed record LeakyRectifier : Activation
    {
        /// <summary>Slope below zero.</summary>
        public double Slope { get; init; } = 0.01;

        public override Module<Tensor, Tensor> Build() => LeakyReLU(Slope);
    }
    // end snippet

    sealed class DigitData(DigitDataOptions options) : DataModule<LabeledBatch>
    {
        public override DataLoader<LabeledBatch> TrainLoader() => Digits.Load().Split(0.5).Batches(new LoaderOptions { BatchSize = options.BatchSize, Seed = (ulong)options.Seed }).Train;
    }

    sealed record DigitDataOptions
    {
        public int BatchSize { get; init; } = 64;

        public long Seed { get; init; }
    }
}
