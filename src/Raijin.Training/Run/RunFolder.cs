using System.Globalization;

namespace Raijin;

/// <summary>Where a run's files lie: checkpoints, logs, options.</summary>
static class RunFolder
{
    const string Default = "runs";

    /// <summary>The folder asked for, or the next free number below <c>runs</c>. Nothing is created.</summary>
    public static string Resolve(string? output)
    {
        if (output is not null) return Path.GetFullPath(output);
        var last = 0;
        if (Directory.Exists(Default))
            foreach (var folder in Directory.EnumerateDirectories(Default))
                if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) last = Math.Max(last, number);
        return Path.GetFullPath(Path.Combine(Default, (last + 1).ToString(CultureInfo.InvariantCulture)));
    }

    public static string Checkpoints(string folder) => Path.Combine(folder, "checkpoints");
}
