using Raijin.Testing;

namespace Raijin.House.Tests;

/// <summary>The files of the repository, as the house tests look at them.</summary>
static class Tree
{
    static readonly string[] Skipped = ["artifacts", "bin", "obj", ".git", "runs"];

    public static string Root => SharedData.Repository;

    /// <summary>Files below a folder with an ending, paths relative to the root with forward slashes.</summary>
    public static IEnumerable<string> Files(string folder, string ending)
    {
        var start = Path.Combine(Root, folder);
        return Directory.Exists(start) ? Walk(new DirectoryInfo(start), ending) : [];
    }

    public static string Read(string relative) => File.ReadAllText(Path.Combine(Root, relative)).ReplaceLineEndings("\n");

    public static string[] Lines(string relative) => File.ReadAllLines(Path.Combine(Root, relative));

    static IEnumerable<string> Walk(DirectoryInfo folder, string ending)
    {
        foreach (var file in folder.EnumerateFiles("*" + ending)) yield return Path.GetRelativePath(Root, file.FullName).Replace('\\', '/');
        foreach (var child in folder.EnumerateDirectories())
            if (!Skipped.Contains(child.Name))
                foreach (var file in Walk(child, ending)) yield return file;
    }
}
