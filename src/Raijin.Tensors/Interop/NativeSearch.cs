namespace Raijin.Tensors;

/// <summary>Where the runtime looks for a program's native libraries.</summary>
static class NativeSearch
{
    /// <summary>The folders, in order: those of the native assets, then the program's own.</summary>
    public static IEnumerable<string> Folders
    {
        get
        {
            var assets = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
            return assets.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Append(AppContext.BaseDirectory);
        }
    }

    /// <summary>The first file of that name, or null.</summary>
    public static string? Find(string fileName) => Folders.Select(folder => Path.Combine(folder, fileName)).FirstOrDefault(File.Exists);
}
