using System.CommandLine;

namespace Raijin.Cli;

/// <summary><c>raijin config print TASK</c>: the configuration a run would have, as a file that gives the same run.</summary>
sealed class ConfigPrintCommand : CliCommand
{
    readonly LearningTask _task;
    readonly ConfigOptions _config;
    readonly Option<bool> _sources = new("--sources") { Description = "Say of each value where it came from" };

    /// <summary>Prints the configuration of <paramref name="task"/>.</summary>
    public ConfigPrintCommand(LearningTask task) : base(task.Name, task.Summary)
    {
        _task = task;
        _config = new ConfigOptions(this, task);
        Options.Add(_sources);
    }

    /// <inheritdoc/>
    public override LearningTask Task => _task;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        $"raijin config print {_task.Name} > {_task.Name}.yaml",
        $"raijin config print {_task.Name} --config {_task.Name}.yaml --trainer.maxEpochs 20 --sources",
    ];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var config = _config.Resolve(invocation);
        if (invocation.Terminal.Json) JsonReport.Write(invocation.Terminal, "config print", ExitCodes.Success, json => WriteJson(json, config, invocation.Get(_sources)));
        else invocation.Terminal.Out.Write(ConfigWriter.ToYaml(config.Tree, invocation.Get(_sources)));
        return ExitCodes.Success;
    }

    void WriteJson(System.Text.Json.Utf8JsonWriter json, ResolvedConfig<TaskOptions> config, bool sources)
    {
        json.WriteString("task", _task.Name);
        json.WritePropertyName("config");
        ConfigWriter.WriteJson(json, config.Tree);
        if (!sources) return;
        json.WriteStartObject("sources");
        foreach (var (path, _) in _task.Shape.Leaves()) if (config.Tree.At(path) is { } node) json.WriteString(path, node.Origin.ToString());
        json.WriteEndObject();
    }
}
