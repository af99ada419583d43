using System.Reflection;

namespace Raijin.App;

/// <summary>Which program this is.</summary>
static class Versions
{
    /// <summary>The version of Raijin, such as <c>0.1.0</c>.</summary>
    public static string Raijin { get; } = Of(typeof(Versions).Assembly);

    /// <summary>Prints the program's version.</summary>
    public static int Print(Terminal terminal, AppDescription app)
    {
        var version = app.Name == AppDescription.Tool || Assembly.GetEntryAssembly() is not { } program ? Raijin : Of(program);
        if (terminal.Json) JsonReport.Write(terminal, "version", ExitCodes.Success, json => json.WriteString("version", version));
        else terminal.Out.WriteLine(version);
        return ExitCodes.Success;
    }

    static string Of(Assembly assembly) => assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
}
