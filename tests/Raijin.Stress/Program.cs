using System.Diagnostics;
using System.Globalization;
using Raijin.Stress;
using Raijin.Tensors;
using TorchSharp;

// Raijin.Stress [--seconds N] [--mode all|forward|scalars|scoped-training|unscoped-training|conv-lstm|operations|escaping] [--threads N]
// Trains and computes while another thread forces collections. Exit code 0: it lived. On stock TorchSharp it does not (docs/design/repair.md).
#pragma warning disable RS0030 // This program talks to the console.
var seconds = int.Parse(Option("--seconds", "60"), CultureInfo.InvariantCulture);
var threads = int.Parse(Option("--threads", "2"), CultureInfo.InvariantCulture);
var mode = Option("--mode", "all");
var workloads = Workload.All.Where(w => mode == "all" || w.Name == mode).ToList();
if (workloads.Count == 0)
{
    Console.Error.WriteLine($"--mode {mode}: allowed: all, {string.Join(", ", Workload.All.Select(w => w.Name))}");
    return 2;
}

LibTorch.EnsureLoaded();
var lived = true;
foreach (var workload in workloads)
{
    var run = Run(workload, TimeSpan.FromSeconds((double)seconds / workloads.Count), threads);
    Console.WriteLine($"{workload.Name,-18} {run.Rounds,10:n0} rounds {run.Collections,12:n0} collections   live tensors {run.LiveBefore} -> {run.LiveAfter}");
    lived &= run.LiveAfter <= run.LiveBefore;
}
if (!lived)
    Console.Error.WriteLine("live tensors grew: something is kept that nobody can reach");
return lived ? 0 : 1;

static (long Rounds, long Collections, long LiveBefore, long LiveAfter) Run(Workload workload, TimeSpan time, int threads)
{
    long rounds = 0, collections;
    var work = Enumerable.Range(0, threads).Select(_ => workload.Start()).ToList();
    work.ForEach(round => round());         // gradients and optimizer state appear in the first round
    Collector.Settle();
    var before = torch.Tensor.TotalCount;
    using (var collector = new Collector())
    {
        var clock = Stopwatch.StartNew();
        var workers = work.Select(round => new Thread(() =>
        {
            while (clock.Elapsed < time)
            {
                round();
                Interlocked.Increment(ref rounds);
            }
        })).ToList();
        workers.ForEach(w => w.Start());
        workers.ForEach(w => w.Join());
        collections = collector.Collections;
    }
    Collector.Settle();
    var after = torch.Tensor.TotalCount;
    GC.KeepAlive(work);
    return (rounds, collections, before, after);
}

string Option(string name, string otherwise)
{
    var at = Array.IndexOf(args, name);
    return at >= 0 && at + 1 < args.Length ? args[at + 1] : otherwise;
}
