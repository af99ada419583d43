using System.CommandLine;

namespace Raijin.App;

/// <summary>The options of every command that takes a task's configuration: files, short forms of often used keys, and the dotted keys themselves.</summary>
sealed class ConfigOptions
{
    readonly LearningTask _task;
    readonly Option<string[]> _files = new("--config", "-c") { Description = "A YAML or JSON file of keys; may be repeated, later ones win", HelpName = "FILE" };
    readonly List<DeclaredForm> _shortForms;

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public ConfigOptions(Command command, LearningTask task, ReadOnlySpan<string> without)
    {
        _task = task;
        var others = without.ToArray();
        _shortForms = [.. task.ShortForms.Where(form => !others.Contains(form.Name)).Select(form => new DeclaredForm(new Option<string>(form.Name) { Description = form.Description, HelpName = form.Value }, form.Key))];
        command.Options.Add(_files);
        foreach (var form in _shortForms) command.Options.Add(form.Option);
        Overrides.Declare(command, task.Shape);
    }

    /// <summary>The files given by <c>--config</c>.</summary>
    public IReadOnlyList<string> Files(Invocation invocation) => invocation.Texts(_files) ?? [];

    /// <summary>The keys typed, those of short forms included.</summary>
    public ConfigMap Arguments(Invocation invocation) => invocation.Overrides with
    {
        Entries = [.. invocation.Overrides.Entries, .. _shortForms
            .SelectMany(form => (invocation.Texts(form.Option) ?? [])
                .Select(text => new ConfigEntry(form.Key, new ConfigScalar(text, Quoted: false, Origin.Argument), Origin.Argument)))],
    };

    /// <summary>The configuration after all layers: the task's defaults, <paramref name="baseFile"/>, the files given, the environment, the arguments.</summary>
    /// <param name="invocation">The call.</param>
    /// <param name="baseFile">A file below those given; null for none.</param>
    /// <param name="complete">Whether what a run needs must be there.</param>
    /// <param name="imported">What another system's file says, over the files given; null for none.</param>
    /// <exception cref="InvalidOptionsException">The command line or a layer is wrong; carries every fault.</exception>
    public ResolvedConfig<TaskConfig> Resolve(Invocation invocation, string? baseFile = null, bool complete = true, ConfigMap? imported = null) =>
        Resolve(invocation, baseFile is null ? Files(invocation) : [baseFile, .. Files(invocation)], complete, imported: imported);

    /// <summary>The same over these files in place of those given.</summary>
    /// <param name="invocation">The call.</param>
    /// <param name="files">The files.</param>
    /// <param name="complete">Whether what a run needs must be there.</param>
    /// <param name="beside">A key at the files' top level that is read elsewhere; null for none.</param>
    /// <param name="imported">What another system's file says, over the files; null for none.</param>
    public ResolvedConfig<TaskConfig> Resolve(Invocation invocation, IReadOnlyList<string> files, bool complete, string? beside = null, ConfigMap? imported = null) => ResolvedConfig<TaskConfig>.Resolve(
        _task.Shape, _task.Defaults, new(files, EnvironmentLayer.Of(invocation.Settings, _task.Shape), Arguments(invocation), beside, imported), complete, config => config.Trainer.Faults(), invocation.UsageFaults);

    sealed record DeclaredForm(Option<string> Option, string Key);
}
