using System.Diagnostics;

namespace Raijin.Training.Tests.Checkpoints;

/// <summary>Where the program that saves until it is killed was built to.</summary>
static class SaveHost
{
    public static string Path { get; } = Find();

    static string Find()
    {
        // artifacts/bin/<project>/<configuration>/
        var mine = new DirectoryInfo(AppContext.BaseDirectory);
        var name = OperatingSystem.IsWindows() ? "Raijin.SaveHost.exe" : "Raijin.SaveHost";
        return System.IO.Path.Combine(mine.Parent!.Parent!.FullName, "Raijin.SaveHost", mine.Name, name);
    }
}

/// <summary>A folder nobody can write to, root included where the file system has immutable folders.</summary>
sealed class ReadOnlyFolder : IDisposable
{
    readonly string _path;
    readonly bool _immutable;

    ReadOnlyFolder(string path, bool immutable) => (_path, _immutable) = (path, immutable);

    public static ReadOnlyFolder Make(string path)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "sets Unix permissions");
        var root = Environment.IsPrivilegedProcess;
        if (root) Assert.SkipUnless(OperatingSystem.IsLinux() && Change("+i", path), "root writes through permissions, and this file system has no immutable folders");
        else if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return new ReadOnlyFolder(path, root);
    }

    public void Dispose()
    {
        if (_immutable) Assert.True(Change("-i", _path));
        else if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    static bool Change(string flag, string path)
    {
        using var process = Process.Start(new ProcessStartInfo("chattr", [flag, path]) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
