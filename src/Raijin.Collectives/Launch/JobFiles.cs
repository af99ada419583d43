namespace Raijin.Collectives;

/// <summary>What the ranks of a launch leave in shared memory when they are killed between making it and having all joined.</summary>
static class JobFiles
{
    /// <summary>Where they begin: the first file's path, and the beginning of the others'.</summary>
    public static string PathOf(string job) => Path.Combine(new SharedMemoryOptions().Folder, SharedMemoryTransport.FileName(job));

    /// <summary>Removes what is left of a launch none of whose ranks still joins.</summary>
    public static void Remove(string job)
    {
        foreach (var file in Directory.EnumerateFiles(new SharedMemoryOptions().Folder, SharedMemoryTransport.FilePattern(job))) File.Delete(file);
    }
}
