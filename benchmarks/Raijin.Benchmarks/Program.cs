using Raijin.Benchmarks;

// Each subcommand is a page of results. Add a line here and a file beside this one.
var pages = new Dictionary<string, Action<string[]>>(StringComparer.Ordinal)
{
    ["averaging"] = AveragingPage.Run,
    ["checkpoint"] = CheckpointPage.Run,
    ["collectives"] = CollectivesPage.Run,
    ["detection"] = DetectionPage.Run,
    ["gpt"] = GptPage.Run,
    ["images"] = ImagesPage.Run,
    ["loader"] = LoaderPage.Run,
    ["logging"] = LoggingPage.Run,
    ["metrics"] = MetricsPage.Run,
    ["mlp-adam"] = MlpAdamPage.Run,
    ["mpi"] = MpiPage.Run,
    ["offload"] = OffloadPage.Run,
    ["optimizer"] = OptimizerPage.Run,
    ["planner"] = PlannerPage.Run,
    ["precision"] = PrecisionPage.Run,
    ["profiler"] = ProfilerPage.Run,
    ["flops-profiler"] = FlopsProfilerPage.Run,
    ["ranks"] = RanksPage.Run,
    ["recompute"] = RecomputePage.Run,
    ["text-metrics"] = TextMetricsPage.Run,
    ["throughput"] = ThroughputPage.Run,
    ["trainer"] = TrainerPage.Run,
};

if (args.Length == 0 || !pages.TryGetValue(args[0], out var run))
{
    Console.Error.WriteLine($"Usage: Raijin.Benchmarks <page> [options]; pages: {string.Join(", ", pages.Keys)}");
    return 2;
}
run(args);
return 0;
