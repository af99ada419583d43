using System.CommandLine;
using System.CommandLine.Parsing;

namespace Raijin.App;

/// <summary>
/// Options of a task's records on the command line: <c>--trainer.maxEpochs 3</c>, <c>--trainer.maxEpochs=3</c>, a truth value's name alone for true.
/// Known keys are real options, so that values, help and completion work as for every other; unknown ones come back as unmatched tokens.
/// </summary>
static class Overrides
{
    /// <summary>Declares an option for every key of <paramref name="shape"/>.</summary>
    public static void Declare(Command command, GroupShape shape)
    {
        foreach (var leaf in shape.Leaves())
        {
            var option = new KeyOption(leaf.Path) { Arity = leaf.Property.IsFlag ? ArgumentArity.ZeroOrMore : ArgumentArity.OneOrMore };
            if (leaf.Choices.Count > 0) option.CompletionSources.Add([.. leaf.Choices]);
            command.Options.Add(option);
        }
    }

    /// <summary>Whether <paramref name="option"/> is a record's key rather than an option of the command itself.</summary>
    public static bool IsOverride(Option option) => option is KeyOption;

    /// <summary>What was typed for the keys, in no particular order but that of repetition; unknown names included.</summary>
    /// <param name="arguments">The parsed command line.</param>
    /// <param name="faults">Takes what is neither a key nor an option nor an argument.</param>
    public static ConfigMap Collect(ParseResult arguments, List<OptionFault> faults)
    {
        var entries = new List<ConfigEntry>();
        void Add(string key, string text) => entries.Add(new(key, new ConfigScalar(text, Quoted: false, Origin.Argument), Origin.Argument));

        var command = arguments.CommandResult.Command;
        foreach (var option in command.Options)
        {
            if (!IsOverride(option) || arguments.GetResult(option) is not OptionResult { Implicit: false } given) continue;
            if (given.Tokens.Count == 0 && option.Arity.MinimumNumberOfValues == 0) Add(option.Name[2..], "true");
            foreach (var token in given.Tokens) Add(option.Name[2..], token.Value);
        }

        var unmatched = arguments.UnmatchedTokens;
        for (var i = 0; i < unmatched.Count; i++)
        {
            var token = unmatched[i];
            if (!token.StartsWith('-') || token.Length < 2 || char.IsAsciiDigit(token[1]))
            {
                faults.Add(new OptionFault(token, Misplaced(token, command)));
                if (command.Subcommands.Count > 0) break; // the command is unknown, so nothing can be said of what follows it
                continue;
            }
            var equals = token.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? token : token[..equals];
            var value = equals >= 0 ? token[(equals + 1)..] : i + 1 < unmatched.Count && !unmatched[i + 1].StartsWith("--", StringComparison.Ordinal) ? unmatched[++i] : "true";
            if (name.StartsWith("--", StringComparison.Ordinal) && name.Contains('.', StringComparison.Ordinal) && (command as CliCommand)?.Task is not null) Add(name[2..], value);
            else faults.Add(new OptionFault(name, UnknownOption(name, arguments)));
        }
        return new ConfigMap(entries, Origin.Argument);
    }

    static string Misplaced(string token, Command command)
    {
        if (command.Subcommands.Count == 0) return "unexpected; every other argument was understood";
        var nearest = NearestKey.Of(token, command.Subcommands.Select(sub => sub.Name));
        return nearest is not null ? $"unknown; did you mean {nearest}?" : $"unknown; allowed: {string.Join(", ", command.Subcommands.Select(sub => sub.Name))}";
    }

    /// <summary>What to say of an option that is none of the command's.</summary>
    public static string UnknownOption(string name, ParseResult arguments)
    {
        var options = new List<string>();
        for (var result = arguments.CommandResult; result is not null; result = result.Parent as CommandResult)
        {
            options.AddRange(result.Command.Options.Where(option => !option.Hidden && (result == arguments.CommandResult || option.Recursive)).Select(option => option.Name));
        }
        return NearestKey.Of(name, options) is { } nearest ? $"unknown option; did you mean {nearest}?" : "unknown option; --help lists them";
    }

    sealed class KeyOption(string path) : Option<string[]>("--" + path);
}
