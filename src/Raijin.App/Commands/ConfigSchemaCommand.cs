namespace Raijin.App;

/// <summary><c>raijin config schema TASK</c>: the JSON schema of its configuration files, which editors complete and check them with.</summary>
/// <param name="task">The task.</param>
sealed class ConfigSchemaCommand(LearningTask task) : TaskCommand("config schema", "Prints the JSON schema of configuration files, for editors", task)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => [$"{Typed} > config.schema.json", "# yaml-language-server: $schema=config.schema.json     as a file's first line"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        // The defaults are those a run would have: a schema made with --config base.yaml offers its values.
        var config = Config.Resolve(invocation, complete: false);
        var schema = JsonSchema.Of(Learning.Shape, config.Tree, $"Configuration of {Learning.Name}");
        if (invocation.Terminal.Json)
        {
            JsonReport.Write(invocation.Terminal, Verb, ExitCodes.Success, json =>
            {
                json.WriteString("task", Learning.Name);
                json.WritePropertyName("schema");
                schema.WriteTo(json);
            });
        }
        else
        {
            invocation.Terminal.Out.Write(JsonSchema.Print(schema));
        }
        return ExitCodes.Success;
    }
}
