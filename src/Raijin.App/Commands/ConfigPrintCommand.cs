using System.CommandLine;

namespace Raijin.App;

/// <summary><c>raijin config print TASK</c>: the configuration a run would have, as a file that gives the same run.</summary>
sealed class ConfigPrintCommand : TaskCommand
{
    readonly Option<bool> _sources = new("--sources") { Description = "Say of each value where it came from" };

    /// <summary>Prints the configuration of <paramref name="task"/>.</summary>
    public ConfigPrintCommand(LearningTask task) : base("config print", "Prints the configuration after all files and arguments", task) => Options.Add(_sources);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => [$"{Typed} > base.yaml", $"{Typed} --config base.yaml --trainer.maxEpochs 20 --sources"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var config = Config.Resolve(invocation, complete: false);
        if (invocation.Terminal.Json) JsonReport.Write(invocation.Terminal, Verb, ExitCodes.Success, json => WriteJson(json, config, invocation.Get(_sources)));
        else invocation.Terminal.Out.Write(ConfigWriter.ToYaml(config.Tree, invocation.Get(_sources)));
        return ExitCodes.Success;
    }

    void WriteJson(System.Text.Json.Utf8JsonWriter json, ResolvedConfig<TaskConfig> config, bool sources)
    {
        json.WriteString("task", Learning.Name);
        json.WritePropertyName("config");
        ConfigWriter.WriteJson(json, config.Tree);
        if (!sources) return;
        json.WriteStartObject("sources");
        foreach (var leaf in Learning.Shape.Leaves()) if (config.Tree.At(leaf.ValuePath) is { } node) json.WriteString(leaf.ValuePath, node.Origin.ToString());
        json.WriteEndObject();
    }
}
