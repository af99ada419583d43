using System.Runtime.CompilerServices;
using Xunit;

namespace Raijin.Testing;

/// <summary>Compares text with a file kept beside the test; <c>RAIJIN_UPDATE_GOLDEN=1</c> writes the file instead.</summary>
public static class Golden
{
    static bool Updating => Environment.GetEnvironmentVariable("RAIJIN_UPDATE_GOLDEN") == "1";

    /// <summary>Asserts that <paramref name="actual"/> equals the golden file <paramref name="name"/>, in the folder <c>Golden</c> beside the calling test.</summary>
    public static void Match(string actual, string name, [CallerFilePath] string testFile = "") =>
        MatchFile(actual, Path.Combine(Path.GetDirectoryName(testFile)!, "Golden", name));

    /// <summary>Asserts that <paramref name="actual"/> equals the file at <paramref name="path"/>.</summary>
    public static void MatchFile(string actual, string path)
    {
        actual = actual.ReplaceLineEndings("\n");
        if (!actual.EndsWith('\n')) actual += "\n";
        if (Updating)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
            return;
        }

        Assert.True(File.Exists(path), $"No golden file {Path.GetFileName(path)}: run once with RAIJIN_UPDATE_GOLDEN=1 and review what it writes. Actual:\n{actual}");
        var expected = File.ReadAllText(path).ReplaceLineEndings("\n");
        Assert.True(expected == actual, Difference(Path.GetFileName(path), expected, actual));
    }

    static string Difference(string name, string expected, string actual)
    {
        var left = expected.Split('\n');
        var right = actual.Split('\n');
        var line = 0;
        while (line < left.Length && line < right.Length && left[line] == right[line]) line++;
        return $"""
            {name} differs at line {line + 1}:
              expected: {(line < left.Length ? left[line] : "(end)")}
              actual:   {(line < right.Length ? right[line] : "(end)")}
            If the change is meant, RAIJIN_UPDATE_GOLDEN=1 rewrites the file. Actual text:
            {actual}
            """;
    }
}
