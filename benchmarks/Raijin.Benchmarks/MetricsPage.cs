using TorchSharp;

namespace Raijin.Benchmarks;

/// <summary>
/// Updates of metrics on the host, one libtorch thread, beside the same numbers by plain TorchSharp; a file for each family. <c>--rounds n</c>; <c>--curves</c>: curves only; <c>--updates n</c>: also so many updates of a binned curve.
/// </summary>
static class MetricsPage
{
    public static void Run(string[] args)
    {
        var rounds = Pages.Option(args, "--rounds") ?? 31;
        torch.set_num_threads(1);
        var report = new Report("Metrics", args);
        report.Note($"Median of {rounds} interleaved rounds; ratios are medians of the ratio within a round. Managed bytes are what one update allocates on its thread, after the first.");
        var all = !args.Contains("--curves");
        if (all) ClassificationUpdates.Measure(report, rounds);
        ExactAuroc.Measure(report, rounds, Pages.Option(args, "--updates"));
        if (all) SimilarityUpdates.Measure(report, rounds);
        report.Write();
    }

    /// <summary>Managed bytes that one more call allocates on this thread.</summary>
    public static long ManagedBytes(Action update)
    {
        update();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 16; i++) update();
        return (GC.GetAllocatedBytesForCurrentThread() - before) / 16;
    }
}
