using System.CommandLine;

namespace Raijin.App;

/// <summary><c>raijin config print TASK</c>: the configuration a run would have, as a file that gives the same run.</summary>
sealed class ConfigPrintCommand : TaskCommand
{
    readonly Option<string> _deepspeed = new("--deepspeed") { Description = "A ds_config.json, over the files", HelpName = "FILE" };
    readonly Option<bool> _sources = new("--sources") { Description = "Say of each value where it came from" };

    /// <summary>Prints the configuration of <paramref name="task"/>.</summary>
    public ConfigPrintCommand(LearningTask task) : base("config print", "Prints the configuration after all files and arguments", task)
    {
        Options.Add(_sources);
        Options.Add(_deepspeed);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => [$"{Typed} > base.yaml", $"{Typed} --config base.yaml --trainer.maxEpochs 20 --sources", $"{Typed} --deepspeed ds_config.json --devices 2 > base.yaml"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var deepspeed = DeepSpeedFit.Of(invocation, invocation.Text(_deepspeed), Config, Learning, complete: false);
        var config = Config.Resolve(invocation, complete: false, imported: deepspeed?.Layer);
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
