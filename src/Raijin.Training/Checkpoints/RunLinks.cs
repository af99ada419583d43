using Microsoft.Extensions.Logging;
using Raijin.Tensors;

namespace Raijin.Training;

/// <summary>Names that follow a run's checkpoints: <c>runs/3/last</c> and <c>runs/3/best</c> are links to folders in <c>runs/3/checkpoints</c>.</summary>
static class RunLinks
{
    public const string Last = "last";
    public const string Best = "best";

    /// <summary>Points a name at a checkpoint. Where links can't be made (a file system or an account without them) there is none, said once at debug level: nothing depends on one.</summary>
    public static void Point(string runFolder, string name, string checkpoint, ILogger logger)
    {
        var link = Path.Combine(runFolder, name);
        var temporary = DurableFile.TemporaryName(link);
        try
        {
            Directory.CreateSymbolicLink(temporary, Path.GetRelativePath(runFolder, checkpoint));
            // Replaces a link, never a folder somebody made.
            if (new DirectoryInfo(link).LinkTarget is not null) Remove(link);
            Directory.Move(temporary, link);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            logger.LogDebug(error, "The link {Link} could not be made: {Message}", link, error.Message);
            if (new DirectoryInfo(temporary).LinkTarget is not null) Remove(temporary);
        }
    }

    // A link whose checkpoint was pruned is no folder any more to Directory.Delete, while Windows keeps links to folders apart from files.
    static void Remove(string link)
    {
        if (OperatingSystem.IsWindows()) Directory.Delete(link);
        else File.Delete(link);
    }
}
