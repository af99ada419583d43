using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin tune TASK</c>: trains with many values of some options, and says which did best.</summary>
sealed class TuneCommand : TaskCommand
{
    readonly Option<string[]> _search = new("--search") { Description = "An option and its range: KEY=64,128 or KEY=1..8 or KEY=log:1e-4..1e-1; may be repeated", HelpName = "KEY=RANGE" };
    readonly Option<string> _trials = new("--trials") { Description = "Trials to run (default: 20)", HelpName = "N" };
    readonly Option<string> _sampler = new("--sampler") { Description = "What chooses values: tpe (Bayesian), random or grid (default: tpe)", HelpName = "NAME" };
    readonly Option<string> _stop = new("--stop") { Description = "What ends bad trials early: halving, median or none (default: halving)", HelpName = "RULE" };
    readonly Option<string> _monitor = new("--monitor") { Description = "What is searched for, such as \"min val/loss\" (default: checkpoint.monitor)", HelpName = "METRIC" };
    readonly Option<string> _jobs = new("--jobs") { Description = "Trials at a time, a process each (default: 1)", HelpName = "N" };
    readonly Option<string> _deadline = new("--trial-time") { Description = "The longest a trial may take, such as 30m (default: 1d)", HelpName = "TIME" };
    readonly Option<string> _resume = new("--resume") { Description = "Go on with the search in this folder, or with the newest", HelpName = "DIR", Arity = ArgumentArity.ZeroOrOne };

    /// <summary>Tunes <paramref name="task"/>.</summary>
    public TuneCommand(LearningTask task) : base("tune", "Searches for the options that train best", task)
    {
        _sampler.CompletionSources.Add([.. SearchSettings.Samplers.Keys]);
        _stop.CompletionSources.Add([.. SearchSettings.Rules.Keys]);
        foreach (var option in (Option[])[_search, _trials, _sampler, _stop, _monitor, _jobs, _deadline, _resume]) Options.Add(option);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        $"{Typed}{Learning.RequiredArguments} --search trainer.accumulateGradients=1,2,4 --trials 10",
        $"{Typed}{Learning.RequiredArguments} --config search.yaml --trials 50 --jobs 2",
        $"{Typed} --resume",
    ];

    string Searches => $"{Learning.Runs}/searches";

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var faults = new List<OptionFault>();
        var resumes = invocation.Texts(_resume) is not null;
        var folder = invocation.Text(_resume) ?? (resumes ? RunFolders.Newest(Searches) : null);
        if (resumes && (folder is null || !Directory.Exists(folder))) faults.Add(new("--resume", folder is null ? $"there is no search below {Searches}" : $"= {folder} does not exist"));
        var settings = folder is not null ? SearchSettings.Read(folder) : new SearchSettings();
        settings = settings with
        {
            Sampler = Known(invocation, _sampler, SearchSettings.Samplers.Keys, settings.Sampler, faults),
            Stop = Known(invocation, _stop, SearchSettings.Rules.Keys, settings.Stop, faults),
            Trials = Count(invocation, _trials, settings.Trials, faults),
            Monitor = Bound<Best>(invocation, _monitor, faults)?.ToString() ?? settings.Monitor,
        };
        var deadline = Bound<TimeSpan?>(invocation, _deadline, faults) ?? TimeSpan.FromDays(1);
        var jobs = Count(invocation, _jobs, 1, faults);

        // What the search was begun with counts again when it goes on; what is given now is laid over it.
        var files = Config.Files(invocation);
        if (folder is not null && RunFolders.SavedConfig(folder) is { } saved) files = [saved, .. files];
        folder ??= RunFolders.Next(Searches);
        var space = SearchSection.Read(Learning.Shape, files, invocation.Texts(_search) ?? [], faults);
        if (space.Count == 0 && faults.Count == 0) faults.Add(new("--search", "needed: give at least one option and its range, such as --search optimizer.learningRate=log:1e-4..1e-1"));
        var config = Config.Resolve(invocation with { UsageFaults = [.. invocation.UsageFaults, .. faults] }, files, complete: true, SearchSection.Key);
        var monitor = settings.Monitor is { } metric ? Best.Parse(metric, null) : config.Options.Checkpoint.Monitor ?? throw new InvalidOptionsException([new("--monitor", "needed: checkpoint.monitor is off")]);
        settings = settings with { Monitor = monitor.ToString() };

        var options = settings.ToOptions(config.Options.Trainer.Seed, Path.Combine(folder, "trials.jsonl"));
        using var study = new Study(space, options);
        settings.Write(folder);
        var known = Save(folder, config.Tree, space);
        var console = invocation.Terminal.Human;
        var page = new SearchPage(console, space, monitor);
        page.PrintBegin(RunFolders.Shown(folder), settings.Trials, study.Ended);
        var run = new SearchRun([.. invocation.App.Start, "fit", .. Learning.IsOnly ? (string[])[] : [Learning.Name], "--config", known, "--trainer.progress=false", "--trainer.summary=false"], Path.Combine(folder, "trials"), monitor, jobs, deadline);
        var exitCode = new ProcessSearch(study, run, page.PrintTrial).Run();

        page.PrintEnd(study);
        if (study.Best is not null) TrialPicture.Save(Path.Combine(folder, "trials.png"), space, monitor, study.Ended);
        if (exitCode != 0) RunReport.PrintHint(console, "Saved. Go on with", invocation.App.AsTyped($"{Typed} --resume ") + RunFolders.Shown(folder));
        else if (study.Best is { } best) RunReport.PrintHint(console, "Train with the best", invocation.App.AsTyped($"{AppDescription.Tool} fit{Learning.Typed} --config ") + RunFolders.Shown(SaveBest(invocation, files, folder, best.Trial)));
        JsonReport.Write(invocation.Terminal, Reported, exitCode, json => WriteJson(json, folder, study));
        return exitCode != 0 ? exitCode : study.Best is null ? ExitCodes.Failure : ExitCodes.Success;
    }

    // The configuration of all trials: what was said, not the defaults, so that another kind of a choice comes with its own; and the space, for --resume.
    static string Save(string folder, ConfigMap tree, SearchSpace space)
    {
        var search = new ConfigMap([.. space.Select(option => new ConfigEntry(option.Key, new ConfigScalar(option.Value.ToString(), Quoted: true, Origin.Default), Origin.Default))], Origin.Default);
        Directory.CreateDirectory(folder);
        var trials = Path.Combine(folder, "trial.yaml");
        File.WriteAllText(trials, ConfigWriter.ToYaml(tree.Said()));
        File.WriteAllText(Path.Combine(folder, RunFolders.ConfigFile), ConfigWriter.ToYaml(tree.Said() with { Entries = [.. tree.Said().Entries, new ConfigEntry(SearchSection.Key, search, Origin.Default)] }));
        return trials;
    }

    string SaveBest(Invocation invocation, IReadOnlyList<string> files, string folder, Trial best)
    {
        var values = best.Values.Select(value => new ConfigEntry(value.Key, new ConfigScalar(value.Value, Quoted: false, Origin.Argument), Origin.Argument));
        var overrides = invocation.Overrides with { Entries = [.. invocation.Overrides.Entries, .. values] };
        var file = Path.Combine(folder, "best.yaml");
        File.WriteAllText(file, ConfigWriter.ToYaml(Config.Resolve(invocation with { Overrides = overrides }, files, complete: true, SearchSection.Key).Tree.Said()));
        return file;
    }

    static string Known(Invocation invocation, Option option, IEnumerable<string> known, string usual, List<OptionFault> faults)
    {
        if (invocation.Text(option) is not { } name || known.Contains(name)) return invocation.Text(option) ?? usual;
        faults.Add(new($"{option.Name} = {name}", $"allowed: {string.Join(", ", known)}"));
        return usual;
    }

    static T? Bound<T>(Invocation invocation, Option option, List<OptionFault> faults) => invocation.Text(option) is { } text
        && ValueShape.Of(typeof(T))!.TryBind(new ConfigScalar(text, Quoted: false, Origin.Argument), option.Name, faults, out var value) ? (T)value : default;

    static int Count(Invocation invocation, Option option, int usual, List<OptionFault> faults)
    {
        var count = Bound<int?>(invocation, option, faults) ?? usual;
        if (count < 1) faults.Add(new(option.Name, string.Create(CultureInfo.InvariantCulture, $"= {count}; allowed: 1 and more")));
        return count;
    }

    void WriteJson(Utf8JsonWriter json, string folder, Study study)
    {
        json.WriteString("task", Learning.Name);
        json.WriteString("folder", Path.GetFullPath(folder));
        if (study.Best is { } best) json.WriteNumber("best", best.Trial.Number);
        else json.WriteNull("best");
        json.WriteStartArray("trials");
        foreach (var outcome in study.Ended)
        {
            json.WriteStartObject();
            json.WriteNumber("number", outcome.Trial.Number);
            json.WriteString("state", RecordShape.CamelCase(outcome.State.ToString()));
            json.WriteMeasure("score", outcome.Score ?? double.NaN);
            json.WriteStartObject("values");
            foreach (var (key, value) in outcome.Trial.Values) json.WriteString(key, value);
            json.WriteEndObject();
            json.WriteNumber("validations", outcome.Reports.Count);
            json.WriteMeasure("seconds", outcome.Seconds);
            json.WriteString("problem", outcome.Problem);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
