using System.Reflection;

namespace Raijin.Cli;

/// <summary>Which program this is.</summary>
static class Versions
{
    /// <summary>The version of the command line, such as <c>0.1.0</c>.</summary>
    public static string Raijin { get; } =
        typeof(Versions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Prints the version.</summary>
    public static int Print(Terminal terminal)
    {
        if (terminal.Json) JsonReport.Write(terminal, "version", ExitCodes.Success, json => json.WriteString("version", Raijin));
        else terminal.Out.WriteLine(Raijin);
        return ExitCodes.Success;
    }
}
