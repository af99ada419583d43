using System.CommandLine;
using System.Globalization;
using Raijin.Collectives;

namespace Raijin.App;

/// <summary><c>raijin tune throughput TASK</c>: finds the microbatch, stage and units that train fastest at the same global batch, in the ranks that train.</summary>
sealed class TuneThroughputCommand : TaskCommand
{
    readonly Option<int?> _globalBatch = new("--global-batch") { Description = "Samples of an optimizer step over all ranks (default: as configured)", HelpName = "N" };
    readonly Option<string> _microBatches = new("--micro-batches") { Description = "Samples of a microbatch to choose from (default: a rank's share of the global batch and its halves)", HelpName = "N,N" };
    readonly Option<string> _stages = new("--stages") { Description = "Stages to choose from (default: 0,1,2,3)", HelpName = "N,N" };
    readonly Option<string> _unitBytes = new("--unit-bytes") { Description = "Sizes of units to choose from, for modules that name none (default: the configured one)", HelpName = "N,N" };
    readonly Option<string> _threads = new("--rank-threads") { Description = "Threads of each rank to choose from (default: as they are)", HelpName = "N,N" };
    readonly Option<string> _recompute = new("--recompute") { Description = "Whether to compute blocks again in backward, to choose from: false,true (default: as configured)", HelpName = "B,B" };
    readonly Option<string> _offload = new("--offload") { Description = "A folder for optimizer state on disk, to choose from too", HelpName = "DIR" };
    readonly Option<string> _ratios = new("--offload-ratios") { Description = "Shares of it there (default: 0,0.5,1 with --offload)", HelpName = "R,R" };
    readonly Option<int?> _trials = new("--trials") { Description = "Candidates to measure at most (default: 4)", HelpName = "N" };
    readonly Option<int?> _steps = new("--steps") { Description = "Steps to measure of each, after two that warm up (default: 4)", HelpName = "N" };
    readonly Option<string> _key = new("--batch-key") { Description = "The key of the batch size (default: data.batchSize)", HelpName = "KEY" };
    readonly Option<string> _calibration = new("--calibration") { Description = "A file of how fast the machine is: read, or measured and written (default: measured)", HelpName = "FILE" };
    readonly Option<string> _resume = new("--resume") { Description = "Go on with the search in this folder, or with the newest", HelpName = "DIR", Arity = ArgumentArity.ZeroOrOne };

    /// <summary>Tunes <paramref name="task"/>.</summary>
    public TuneThroughputCommand(LearningTask task) : base("tune throughput", "Finds what trains fastest at the same global batch", task, without: ["--output"])
    {
        foreach (var option in (Option[])[_globalBatch, _microBatches, _stages, _unitBytes, _threads, _recompute, _offload, _ratios, _trials, _steps, _key, _calibration, _resume]) Options.Add(option);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        $"{Typed}{Learning.RequiredArguments} --devices 2",
        $"{Typed}{Learning.RequiredArguments} --devices 2 --global-batch 256 --stages 0,2 --trials 6",
        $"{Typed} --resume",
    ];

    string Searches => $"{Learning.Runs}/throughput";

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var faults = new List<OptionFault>();
        var resumes = invocation.Texts(_resume) is not null;
        var folder = invocation.Text(_resume) ?? (resumes ? RunFolders.Newest(Searches) : null);
        if (resumes && (folder is null || !Directory.Exists(folder))) faults.Add(new("--resume", folder is null ? $"there is no search below {Searches}" : $"= {folder} does not exist"));
        var key = invocation.Text(_key) ?? "data.batchSize";
        if (Learning.Shape.Leaves().All(leaf => leaf.Path != key)) faults.Add(new($"--batch-key = {key}", NearestKey.Of(key, Learning.Shape.Leaves().Select(leaf => leaf.Path)) is { } near ? $"unknown; did you mean {near}?" : "unknown; `config print` lists the keys"));
        var finder = new ThroughputFinder
        {
            GlobalBatch = 1,
            MicroBatches = Numbers<int>(invocation, _microBatches, faults) ?? [],
            Stages = Numbers<int>(invocation, _stages, faults) ?? [0, 1, 2, 3],
            UnitBytes = Numbers<long>(invocation, _unitBytes, faults) ?? [],
            Threads = Numbers<int>(invocation, _threads, faults) ?? [],
            Recompute = Numbers<bool>(invocation, _recompute, faults) ?? [],
            OffloadFolder = invocation.Text(_offload),
            OffloadRatios = Numbers<double>(invocation, _ratios, faults) ?? (invocation.Text(_offload) is null ? [0] : [0, 0.5, 1]),
        };
        if (invocation.Text(_trials) is not null) finder = finder with { Trials = invocation.Get(_trials) ?? 0 };
        if (invocation.Text(_steps) is not null) finder = finder with { Steps = invocation.Get(_steps) ?? 0 };
        var files = Config.Files(invocation);
        if (folder is not null && RunFolders.SavedConfig(folder) is { } saved) files = [saved, .. files];
        var config = Config.Resolve(invocation with { UsageFaults = [.. invocation.UsageFaults, .. faults] }, files, complete: true);

        // Several ranks begin here, before any of them has done a thing.
        var world = RankWorld.Of(config.Options.Trainer);
        var ranks = world?.Size ?? 1;
        var configured = config.Tree.At(key) is ConfigScalar scalar && int.TryParse(scalar.Text, CultureInfo.InvariantCulture, out var size) ? size : 1;
        finder = finder with { GlobalBatch = invocation.Text(_globalBatch) is not null ? invocation.Get(_globalBatch) ?? 0 : configured * config.Options.Trainer.AccumulateGradients * ranks };
        finder.Candidates(ranks, config.Options.Trainer.Strategy, config.Options.Trainer.Recompute); // refuses what can't be before anything is made
        folder ??= RunFolders.Next(Searches);
        // The first one chooses for all.
        if (world is not null) folder = world.Group.BroadcastText(world.Rank == 0 ? folder : null, 0);
        finder = finder with { Journal = Path.Combine(folder, "trials.jsonl"), Calibration = Calibration(invocation, ranks, finder, world) };
        var console = invocation.Terminal.Human;
        var page = new ThroughputPage(console, finder.GlobalBatch);
        var isFirst = world is null or { Rank: 0 };
        if (isFirst)
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, RunFolders.ConfigFile), ConfigWriter.ToYaml(config.Tree.Said()));
        }

        var found = Learning.FindThroughput(config.Options, micro => With(invocation, files, (key, Text(micro))).Options, finder, isFirst ? page.PrintTrial : null);
        if (!isFirst) return found.Best is null ? ExitCodes.Failure : ExitCodes.Success;
        page.PrintEnd(found);
        ThroughputPage.SavePicture(Path.Combine(folder, "throughput.png"), found);
        if (found.Best is { } best)
        {
            var file = Path.Combine(folder, "best.yaml");
            File.WriteAllText(file, ConfigWriter.ToYaml(With(invocation, files, [(key, Text(best.Candidate.MicroBatch)), .. Chosen(best.Candidate, ranks, finder)]).Tree.Said()));
            RunReport.PrintHint(console, "Train so", invocation.App.AsTyped($"{AppDescription.Tool} fit{Learning.Typed} --config ") + RunFolders.Shown(file));
        }
        var exitCode = found.Best is null ? ExitCodes.Failure : ExitCodes.Success;
        JsonReport.Write(invocation.Terminal, Reported, exitCode, json =>
        {
            json.WriteString("task", Learning.Name);
            json.WriteString("folder", Path.GetFullPath(folder));
            page.WriteJson(json, found);
        });
        return exitCode;
    }

    static IEnumerable<(string Key, string Value)> Chosen(ThroughputCandidate candidate, int ranks, ThroughputFinder finder)
    {
        yield return ("trainer.accumulateGradients", Text(candidate.Accumulation));
        if (candidate.Threads is { } threads) yield return ("trainer.threads", Text(threads));
        if (finder.Recompute.Count > 0) yield return ("trainer.recompute", candidate.Recompute ? "true" : "false");
        if (ranks == 1 && candidate.OffloadRatio == 0) yield break;
        yield return ("trainer.strategy.stage", Text(candidate.Stage));
        if (finder.UnitBytes.Count > 0) yield return ("trainer.strategy.unitBytes", candidate.UnitBytes.ToString(CultureInfo.InvariantCulture));
        if (candidate.OffloadRatio == 0) yield break;
        yield return ("trainer.strategy.offloadOptimizer", $"{Tier.Disk(finder.OffloadFolder!)}");
        yield return ("trainer.strategy.offloadRatio", candidate.OffloadRatio.ToString("R", CultureInfo.InvariantCulture));
    }

    ResolvedConfig<TaskConfig> With(Invocation invocation, IReadOnlyList<string> files, params IEnumerable<(string Key, string Value)> values)
    {
        var entries = values.Select(value => new ConfigEntry(value.Key, new ConfigScalar(value.Value, Quoted: false, Origin.Argument), Origin.Argument));
        return Config.Resolve(invocation with { Overrides = invocation.Overrides with { Entries = [.. invocation.Overrides.Entries, .. entries] } }, files, complete: true);
    }

    MachineCalibration? Calibration(Invocation invocation, int ranks, ThroughputFinder finder, World? world)
    {
        if (invocation.Text(_calibration) is not { } file) return null;
        var exists = world is null ? File.Exists(file) : world.Group.BroadcastText($"{File.Exists(file)}", 0) == bool.TrueString;
        return CalibrationFile.ReadOrMeasure(file, exists, ranks, world, finder.OffloadRatios.Any(ratio => ratio > 0) ? finder.OffloadFolder : null);
    }

    static IReadOnlyList<T>? Numbers<T>(Invocation invocation, Option<string> option, List<OptionFault> faults) where T : IParsable<T>
    {
        if (invocation.Text(option) is not { } text) return null;
        var numbers = new List<T>();
        foreach (var part in text.Split(','))
        {
            if (T.TryParse(part, CultureInfo.InvariantCulture, out var number)) numbers.Add(number);
            else
            {
                faults.Add(new($"{option.Name} = {text}", $"expected {(typeof(T) == typeof(bool) ? "true or false" : "numbers")} with commas between, such as {option.HelpName!.Replace("N", "2", StringComparison.Ordinal).Replace("R", "0.5", StringComparison.Ordinal).Replace("B,B", "false,true", StringComparison.Ordinal)}"));
                return null;
            }
        }
        return numbers;
    }

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
