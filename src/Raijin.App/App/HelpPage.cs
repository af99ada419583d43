using System.CommandLine;
using System.CommandLine.Parsing;
using Spectre.Console;

namespace Raijin.App;

/// <summary>The help of one command, drawn from what the command declares.</summary>
static class HelpPage
{
    /// <summary>Prints the help of the command that was typed.</summary>
    public static int Print(Terminal terminal, AppDescription app, CommandResult typed)
    {
        var console = terminal.Human;
        var command = typed.Command;
        var path = CommandTree.PathOf(typed, app.Name);

        console.MarkupLine($"{path.In(Palette.Heading)}  {Markup.Escape(command.Description ?? "")}");
        Section(console, "Usage");
        console.MarkupLine("  " + Usage(command, path));
        if (command.Subcommands.Count > 0) Rows(console, "Commands", command.Subcommands.Select(sub => (sub.Name, sub.Description)));
        if (command.Arguments.Count > 0) Rows(console, "Arguments", command.Arguments.Select(argument => (argument.Name, argument.Description)));
        Rows(console, "Options", Options(typed).Select(option => (Label(option), option.Description)));
        if (command is CliCommand { Task: { } task }) Configuration(console, task);
        if (command is CliCommand { Examples: { Count: > 0 } examples })
        {
            Section(console, "Examples");
            foreach (var example in examples) console.MarkupLine($"  {app.AsTyped(example).In(Palette.Typed)}");
        }
        return ExitCodes.Success;
    }

    static string Usage(Command command, string path)
    {
        var usage = path.In(Palette.Typed);
        if (command.Subcommands.Count > 0) usage += " " + "<command>".In(Palette.Typed);
        foreach (var argument in command.Arguments) usage += " " + $"<{argument.Name}>".In(Palette.Typed);
        usage += " [[options]]";
        return command is CliCommand { Task: not null } ? usage + " [[--key value …]]" : usage;
    }

    // The command's own options first, then those that hold for every command.
    static IEnumerable<Option> Options(CommandResult typed)
    {
        for (var result = typed; result is not null; result = result.Parent as CommandResult)
        {
            foreach (var option in result.Command.Options)
            {
                if (!option.Hidden && !Overrides.IsOverride(option) && (result == typed || option.Recursive)) yield return option;
            }
        }
    }

    static string Label(Option option)
    {
        var names = string.Join(", ", option.Aliases.Where(alias => alias is "-h").Append(option.Name));
        if (option.Arity.MaximumNumberOfValues == 0 || option.ValueType == typeof(bool)) return names;
        var value = option.HelpName ?? "VALUE";
        return option.Arity.MinimumNumberOfValues == 0 ? $"{names} [{value}]" : $"{names} {value}";
    }

    static void Configuration(IAnsiConsole console, LearningTask task)
    {
        Section(console, "Configuration", "as options here, or as keys of a file given by --config");
        var tree = task.Shape.ToNode(task.Defaults, "", _ => Origin.Default);
        var rows = new Listing(Palette.Typed, Palette.Quiet, "");
        foreach (var leaf in task.Shape.Leaves())
        {
            var chosen = leaf.Choices.Count > 0 && leaf.ValuePath != leaf.Path;
            var meaning = leaf.Property.Summary ?? leaf.Property.Shape.Expectation;
            if (chosen) meaning += $": {string.Join(", ", leaf.Choices)}";
            if (leaf.Kinds.Count > 0) meaning += $" ({string.Join(", ", leaf.Kinds)})";
            var value = tree.At(leaf.ValuePath);
            rows.Add("--" + leaf.Path, value is not null ? ConfigWriter.Inline(value) : leaf.Kinds.Count > 0 ? "" : "off", meaning);
        }
        rows.Print(console);
    }

    static void Rows(IAnsiConsole console, string title, IEnumerable<(string Name, string? Description)> rows)
    {
        Section(console, title);
        var listing = new Listing(Palette.Typed, "");
        foreach (var (name, description) in rows) listing.Add(name, description ?? "");
        listing.Print(console);
    }

    static void Section(IAnsiConsole console, string title, string? note = null)
    {
        console.Write("\n");
        console.MarkupLine(title.In(Palette.Heading) + (note is null ? "" : $"  {note.In(Palette.Quiet)}"));
    }
}
