namespace Raijin.Collectives;

/// <summary>What the ranks of a launch leave in shared memory when they are killed between making it and having all joined.</summary>
static class JobFiles
{
    const string Folder = "/dev/shm";

    /// <summary>Removes what is left of a launch none of whose ranks still joins.</summary>
    public static void Remove(string job)
    {
        if (!OperatingSystem.IsLinux()) return;
        foreach (var file in Directory.EnumerateFiles(Folder, $"raijin-{job}*")) File.Delete(file);
    }
}
