using System.CommandLine;

namespace Raijin.Cli;

/// <summary>The options of every command that takes a task's configuration: files, short forms of often used keys, and the dotted keys themselves.</summary>
sealed class ConfigOptions
{
    readonly LearningTask _task;
    readonly Option<string[]> _files = new("--config", "-c") { Description = "A YAML or JSON file of keys; may be repeated, later ones win", HelpName = "FILE" };
    readonly List<DeclaredForm> _shortForms;

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public ConfigOptions(Command command, LearningTask task)
    {
        _task = task;
        _shortForms = [.. task.ShortForms.Select(form => new DeclaredForm(new Option<string>(form.Name) { Description = form.Description, HelpName = form.Value }, form.Key))];
        command.Options.Add(_files);
        foreach (var form in _shortForms) command.Options.Add(form.Option);
        Overrides.Declare(command, task.Shape);
    }

    /// <summary>The configuration after all layers: the task's defaults, <paramref name="baseFile"/>, the files given, the arguments.</summary>
    /// <exception cref="InvalidOptionsException">The command line or a layer is wrong; carries every fault.</exception>
    public ResolvedConfig<TaskOptions> Resolve(Invocation invocation, string? baseFile = null)
    {
        var files = invocation.Texts(_files) ?? [];
        var arguments = invocation.Overrides with
        {
            Entries = [.. invocation.Overrides.Entries, .. _shortForms
                .SelectMany(form => (invocation.Texts(form.Option) ?? [])
                    .Select(text => new ConfigEntry(form.Key, new ConfigScalar(text, Quoted: false, Origin.Argument), Origin.Argument)))],
        };
        return ResolvedConfig<TaskOptions>.Resolve(
            _task.Defaults, baseFile is null ? files : [baseFile, .. files], arguments, options => options.Faults(), invocation.UsageFaults);
    }

    sealed record DeclaredForm(Option<string> Option, string Key);
}
