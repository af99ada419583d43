using System.CommandLine;
using System.CommandLine.Parsing;

namespace Raijin.App;

/// <summary>The command line as a whole: parses, finds the command, runs it, and turns what goes wrong into words and an exit code.</summary>
sealed class CommandLine
{
    readonly Option<bool> _json = new("--json") { Description = "Print one JSON object as the last line; human output goes to standard error", Recursive = true };
    readonly Option<bool> _verbose = new("--verbose") { Description = "Show stack traces of failures", Recursive = true };
    readonly Option<bool> _help = new("--help", "-h", "-?") { Description = "Show help", Recursive = true };
    readonly Option<bool> _version = new("--version") { Description = "Show the version" };
    readonly RootCommand _root;
    readonly AppDescription _app;
    readonly Terminal _terminal;
    readonly IReadOnlyDictionary<string, string> _settings;

    /// <summary>Builds the commands.</summary>
    /// <param name="app">The program.</param>
    /// <param name="terminal">Where to talk.</param>
    /// <param name="settings">Configuration from the environment, by variables' names without <c>RAIJIN__</c>.</param>
    public CommandLine(AppDescription app, Terminal terminal, IReadOnlyDictionary<string, string> settings)
    {
        _app = app;
        _terminal = terminal;
        _settings = settings;
        _root = new RootCommand(app.Summary);
        _root.Options.Clear(); // System.CommandLine's own help and version, replaced by ours
        foreach (var option in (Option[])[_json, _verbose, _help, _version]) _root.Options.Add(option);
        _root.TreatUnmatchedTokensAsErrors = false;
        foreach (var command in CommandTree.Build(app)) _root.Subcommands.Add(command);
    }

    /// <summary>Runs one command line.</summary>
    /// <returns>The exit code; see <see cref="ExitCodes"/>.</returns>
    public int Run(IReadOnlyList<string> args)
    {
        if (Completion.IsAsked(args)) return Completion.Answer(_root, _app.Name, args, _terminal.Out);

        args = LaunchCommand.Separated(_root, args);
        // Posix bundling would read -seed as -s -e -e -d.
        var arguments = _root.Parse(args, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });

        _terminal.Json = arguments.GetValue(_json);
        var verbose = arguments.GetValue(_verbose);
        var command = arguments.CommandResult.Command;
        try
        {
            if (arguments.GetValue(_version)) return Versions.Print(_terminal, _app);
            if (arguments.GetValue(_help) || args.Count == 0) return HelpPage.Print(_terminal, _app, arguments.CommandResult);

            var faults = arguments.Errors.Where(error => error.SymbolResult is not CommandResult).Select(Fault).ToList();
            var overrides = Overrides.Collect(arguments, faults);
            if (command is CliCommand runnable) return Run(runnable, new Invocation(_app, arguments, overrides, _settings, faults, _terminal), args);
            if (faults.Count == 0) faults.Add(new OptionFault(CommandTree.PathOf(arguments.CommandResult, _app.Name), $"needs one of: {string.Join(", ", command.Subcommands.Select(sub => sub.Name))}"));
            throw new InvalidOptionsException(faults);
        }
        catch (InvalidOptionsException error)
        {
            return FailureReport.Print(_terminal, CommandTree.NameOf(arguments.CommandResult), error, verbose, ExitCodes.Usage);
        }
        catch (Exception error)
        {
            // The end of the program: whatever failed, its user gets a sentence, and the stack when it was asked for.
            return FailureReport.Print(_terminal, CommandTree.NameOf(arguments.CommandResult), error, verbose, ExitCodes.Failure);
        }
    }

    int Run(CliCommand command, Invocation invocation, IReadOnlyList<string> args)
    {
        var call = new CommandCall(command is TaskCommand { Verb: var verb } ? verb : CommandTree.NameOf(invocation.Arguments.CommandResult), command.Task?.Name, args);
        if (invocation.UsageFaults.Count == 0) foreach (var hook in _app.Before) if (hook.Command == call.Command) hook.Call(call, 0);
        var exitCode = command.Execute(invocation);
        foreach (var hook in _app.After) if (hook.Command == call.Command) hook.Call(call, exitCode);
        return exitCode;
    }

    static OptionFault Fault(ParseError error) => error.SymbolResult switch
    {
        OptionResult option when option.Tokens.Count == 0 => new(option.Option.Name, "needs a value"),
        OptionResult option => new($"{option.Option.Name} = {string.Join(' ', option.Tokens.Select(token => token.Value))}", Words(error, option.Option)),
        ArgumentResult { Parent: OptionResult option } argument => new($"{option.Option.Name} = {string.Join(' ', argument.Tokens.Select(token => token.Value))}", Words(error, option.Option)),
        ArgumentResult argument => new(argument.Argument.Name, "is missing"),
        _ => new("", error.Message),
    };

    // The parser names the types of .NET.
    static string Words(ParseError error, Option option) => Type.GetTypeCode(Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType.GetElementType() ?? option.ValueType) switch
    {
        TypeCode.Int32 or TypeCode.Int64 when error.Message.StartsWith("Cannot parse", StringComparison.Ordinal) => "expected a whole number",
        TypeCode.Double when error.Message.StartsWith("Cannot parse", StringComparison.Ordinal) => "expected a number",
        _ => Lower(error.Message),
    };

    static string Lower(string message) => char.ToLowerInvariant(message[0]) + message[1..].TrimEnd('.');
}
