using System.CommandLine;
using System.CommandLine.Parsing;
using Spectre.Console;

namespace Raijin.Cli;

/// <summary>The help of one command, drawn from what the command declares.</summary>
static class HelpPage
{
    /// <summary>Prints the help of the command that was typed.</summary>
    public static int Print(Terminal terminal, CommandResult typed)
    {
        var console = terminal.Human;
        var command = typed.Command;
        var path = CommandTree.PathOf(typed);

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
            foreach (var example in examples) console.MarkupLine($"  {example.In(Palette.Typed)}");
        }
        return ExitCode.Success;
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
        Section(console, "Configuration", "--key value, or in a file given by --config");
        var tree = task.Shape.ToNode(task.Defaults, "", _ => Origin.Default);
        var rows = new Grid().AddColumn(Cell(2, 3)).AddColumn(Cell(0, 3)).AddColumn(Cell(0, 0, wrap: true));
        foreach (var (path, property) in task.Shape.Leaves())
        {
            var value = ConfigWriter.Inline(tree.At(path)!);
            rows.AddRow(new Markup(path.In(Palette.Typed)), new Markup(value.In(Palette.Quiet)), new Text(PropertyDocs.Summary(property.Info) ?? Choices(property)));
        }
        console.Write(rows);
    }

    static string Choices(OptionProperty property) => property.Shape.Expectation;

    static void Rows(IAnsiConsole console, string title, IEnumerable<(string Name, string? Description)> rows)
    {
        Section(console, title);
        var grid = new Grid().AddColumn(Cell(2, 3)).AddColumn(Cell(0, 0, wrap: true));
        foreach (var (name, description) in rows) grid.AddRow(new Markup(name.In(Palette.Typed)), new Text(description ?? ""));
        console.Write(grid);
    }

    static void Section(IAnsiConsole console, string title, string? note = null)
    {
        console.WriteLine();
        console.MarkupLine(title.In(Palette.Heading) + (note is null ? "" : $"  {note.In(Palette.Quiet)}"));
    }

    static GridColumn Cell(int left, int right, bool wrap = false) => new() { Padding = new Padding(left, 0, right, 0), NoWrap = !wrap };
}
