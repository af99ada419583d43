using System.CommandLine;
using System.Text.RegularExpressions;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin new DIR</c>: a project that trains at once: a module, its data, a one-line program, a configuration, a test.</summary>
sealed partial class NewCommand : CliCommand
{
    readonly Argument<string> _folder = new("DIR") { Description = "The project's folder, new or empty" };
    readonly Option<string> _name = new("--name") { Description = "The project's name (default: from the folder's)", HelpName = "NAME" };
    readonly Option<bool> _packages = new("--packages") { Description = "Reference the packages, also where this program was built in a clone, whose projects are referenced otherwise" };

    /// <summary>Makes the command.</summary>
    public NewCommand() : base("new", "Makes a project that trains at once")
    {
        Arguments.Add(_folder);
        Options.Add(_name);
        Options.Add(_packages);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["raijin new mydigits", "raijin new work/reader --name Reader"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var given = invocation.Text(_name);
        if (given is not null && !Identifier().IsMatch(given)) invocation = invocation.WithFault(new($"--name = {given}", "expected a C# name, such as MyDigits: letters, digits and _, parts separated by dots, none begun by a digit"));
        invocation.ThrowIfFaulty();
        var folder = Path.GetFullPath(invocation.Get(_folder)!);
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
            throw new InvalidOptionsException([new($"DIR = {invocation.Get(_folder)}", "is there and not empty: give a new folder")]);

        var name = given ?? NameOf(Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)));
        var source = invocation.Get(_packages) ? new RaijinSource.OfPackages(Versions.Raijin) : RaijinSource.OfThisProgram();
        var files = ProjectTemplate.Files(name, folder, source);
        foreach (var (path, text) in files)
        {
            var file = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
        }

        var console = invocation.Terminal.Human;
        console.MarkupLine($"{$"Made {name}".In(Palette.Heading)} in {Markup.Escape(RunFolders.Shown(folder))}, with Raijin from {Markup.Escape(source is RaijinSource.OfClone clone ? clone.Folder : "packages")}.");
        RunReport.PrintHint(console, "Train it", $"cd {RunFolders.Shown(folder)} && dotnet run -c Release -- fit");
        JsonReport.Write(invocation.Terminal, "new", ExitCodes.Success, json =>
        {
            json.WriteString("name", name);
            json.WriteString("folder", folder);
            json.WriteStartArray("files");
            foreach (var (path, _) in files) json.WriteStringValue(path);
            json.WriteEndArray();
        });
        return ExitCodes.Success;
    }

    // my-digits is MyDigits, 2nd is _2nd.
    static string NameOf(string folder)
    {
        var name = string.Concat(Word().Matches(folder).Select(word => char.ToUpperInvariant(word.Value[0]) + word.Value[1..]));
        return name.Length == 0 ? "Training" : char.IsAsciiDigit(name[0]) ? "_" + name : name;
    }

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")]
    private static partial Regex Identifier();

    [GeneratedRegex("[A-Za-z0-9_]+")]
    private static partial Regex Word();
}
