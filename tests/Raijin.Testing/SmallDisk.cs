using System.Diagnostics;
using Xunit;

namespace Raijin.Testing;

/// <summary>A disk of a few megabytes, where the system lets the test mount one; else the test is skipped with the reason.</summary>
public sealed class SmallDisk : IDisposable
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
