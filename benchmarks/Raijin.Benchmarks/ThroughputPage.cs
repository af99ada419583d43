using System.Diagnostics;
using System.Globalization;
using Raijin.Collectives;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Benchmarks;

/// <summary>
/// The search for throughput on a 12M-parameter GPT and two processes, beside an exhaustive grid of the same candidates (every microbatch that divides, every stage), each tried as the search tries it: <c>throughput</c> searches,
/// <c>throughput --grid S</c> tries every candidate of stage S; with <c>--recompute</c> both may compute blocks twice too. The page starts its ranks itself. <c>--steps n</c>.
/// </summary>
static class ThroughputPage
{
    const int Ranks = 2;
    const int GlobalBatch = 32;
    const int Tokens = 32;

    public static void Run(string[] args)
    {
        if (!args.Contains("--rank"))
        {
            var result = Launcher.Run(new LaunchOptions { Command = [.. LocalRanks.ThisProgram(), .. args, "--rank"], Ranks = Ranks, Messages = Console.Error });
            if (result.ExitCode != 0) throw new InvalidOperationException($"The ranks ended with {result.ExitCode}: {result.Failure}");
            return;
        }
        using var world = World.Join();
        set_num_threads(1);
        var grid = Pages.Option(args, "--grid");
        var finder = new ThroughputFinder
        {
            GlobalBatch = GlobalBatch,
            Stages = grid is { } stage ? [stage] : [0, 1, 2, 3],
            Recompute = args.Contains("--recompute") ? [false, true] : [],
            Trials = 3,
            Steps = Pages.Option(args, "--steps") ?? 4,
            Exhaustive = grid is not null,
        };
        var trainer = new Trainer(new TrainerOptions { MaxSteps = 1, Device = DeviceChoice.Cpu }, world);
        using var tokens = randint(GptShapes.Params12M.Vocabulary, [GlobalBatch * 16, Tokens + 1], ScalarType.Int64);
        using var dataset = new TensorDataset(tokens);
        var load = new MachineLoad();
        var start = Stopwatch.GetTimestamp();
        var found = trainer.FindThroughput(() => new Language(), micro => DataModule.Of<TensorBatch>(dataset.Batches(micro)), finder);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (world.Rank == 0)
        {
            var trying = found.Trials.Sum(t => t.TrialSeconds ?? 0);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{(grid is null ? "search" : $"grid, stage {grid}")}: {found.Trials.Count} candidates, {found.Trials.Count(t => t.Seconds is not null)} measured; {seconds:F1} s in all, {trying:F1} s of them trials ({found.Trials.Where(t => t.Candidate.Accumulation <= 8).Sum(t => t.TrialSeconds ?? 0):F1} s with accumulation up to 8); others, the other rank among them, and the hypervisor: {load.Others()}"));
            foreach (var trial in found.Trials.Where(t => grid is null || t.Seconds is not null))
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"  stage {trial.Candidate.Stage}  {trial.Candidate.MicroBatch,2} × {trial.Candidate.Accumulation,2}{(trial.Candidate.Recompute ? "  twice" : "")}  predicted {trial.PredictedSeconds * 1e3,7:F1} ms  measured {trial.Seconds * 1e3,7:F1} ms  tried in {trial.TrialSeconds,4:F1} s  {trial.State}{(trial == found.Best ? "  best" : "")} {trial.Problem}"));
        }
        world.Group.Barrier();
    }

    sealed class Language : TrainingModule<TensorBatch>
    {
        readonly Gpt gpt = new(GptShapes.Params12M);

        protected override Tensor TrainingStep(TensorBatch batch, TrainStep step) => gpt.Loss(batch.Inputs[.., ..Tokens], batch.Inputs[.., 1..]);

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, 3e-4);
    }
}
