using System.CommandLine;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin config validate TASK FILE…</c>: every fault of configuration files, each with its file and line; exit code 2 when there are any.</summary>
sealed class ConfigValidateCommand : TaskCommand
{
    readonly Argument<string[]> _given = new("FILE") { Description = "YAML or JSON files, laid over one another in this order", Arity = ArgumentArity.OneOrMore };

    /// <summary>Checks files for <paramref name="task"/>.</summary>
    public ConfigValidateCommand(LearningTask task) : base("config validate", "Checks configuration files", task) => Arguments.Add(_given);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => [$"{Typed} base.yaml", $"{Typed} base.yaml large.yaml --json"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        IReadOnlyList<string> files = [.. invocation.Arguments.GetResult(_given)?.Tokens.Select(token => token.Value) ?? []];
        Config.Resolve(invocation, [.. Config.Files(invocation), .. files], complete: false);
        invocation.Terminal.Human.Write($"{string.Join(", ", files)}: no problem found.\n");
        JsonReport.Write(invocation.Terminal, Reported, ExitCodes.Success, json =>
        {
            json.WriteString("task", Learning.Name);
            json.WriteStartArray("files");
            foreach (var file in files) json.WriteStringValue(Path.GetFullPath(file));
            json.WriteEndArray();
        });
        return ExitCodes.Success;
    }
}
