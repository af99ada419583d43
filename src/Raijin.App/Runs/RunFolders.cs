using System.Globalization;

namespace Raijin.App;

/// <summary>Where runs lie when nothing else is said: <c>runs/1</c>, <c>runs/2</c>, …; of a program with several tasks <c>runs/TASK/1</c></summary>
static class RunFolders
{
    /// <summary>The configuration of a run, in the run's folder beside its checkpoints.</summary>
    public const string ConfigFile = "config.yaml";

    /// <summary>Where a run's checkpoints lie.</summary>
    public static string Checkpoints(string run) => Path.Combine(run, "checkpoints");

    /// <summary>The run a checkpoint belongs to; null when it does not lie in one.</summary>
    public static string? OfCheckpoint(string checkpoint) =>
        Path.GetDirectoryName(Path.GetFullPath(checkpoint)) is { } folder && Path.GetFileName(folder) == "checkpoints" ? Path.GetDirectoryName(folder) : null;

    /// <summary>The newest run below a folder; null when there is none.</summary>
    public static string? Newest(string runs) => Newest(new DirectoryInfo(runs)) is var newest and > 0 ? Folder(runs, newest) : null;

    /// <summary>A folder for one more run. Nothing is created.</summary>
    public static string Next(string runs) => Folder(runs, 1 + Newest(new DirectoryInfo(runs)));

    /// <summary>The configuration saved in a run's folder; null when there is none.</summary>
    public static string? SavedConfig(string folder) => Path.Combine(folder, ConfigFile) is var file && File.Exists(file) ? file : null;

    /// <summary>A path as a person wants to read it: relative when it lies below the current folder.</summary>
    public static string Shown(string path)
    {
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), path);
        return relative.StartsWith("..", StringComparison.Ordinal) || Path.IsPathRooted(relative) ? path : relative;
    }

    static string Folder(string runs, int number) => Path.Combine(runs, number.ToString(CultureInfo.InvariantCulture));

    static int Newest(DirectoryInfo runs) => !runs.Exists ? 0 : runs.EnumerateDirectories()
        .Select(folder => int.TryParse(folder.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0)
        .DefaultIfEmpty().Max();
}
