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

/// <summary>A disk of a few megabytes, where the system lets the test mount one; else the test is skipped with the reason.</summary>
sealed class SmallDisk : IDisposable
{
    readonly string _path;

    SmallDisk(string path) => _path = path;

    public static SmallDisk Mount(string path, int megabytes)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "mounts a small disk, which takes Linux and root");
        Directory.CreateDirectory(path);
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", path) == 0, "this system does not let the test mount a small disk");
        return new SmallDisk(path);
    }

    public void Dispose() => Assert.Equal(0, Run("umount", "-l", _path));

    static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode;
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
