using System.Runtime.InteropServices;

namespace Raijin.Tensors;

/// <summary>Folders that appear and are replaced as a whole.</summary>
public static partial class DurableFolder
{
    /// <summary>What the folder being replaced is called where the system cannot exchange two names at once; a crash in between leaves it there.</summary>
    public const string PreviousMark = ".previous";

    const int AtWorkingFolder = -100;
    const uint Exchange = 2;
    const int InvalidArgument = 22;

    /// <summary>
    /// Makes names created, renamed or removed in the folder durable. On Windows there is no such call, and NTFS journals its names itself: nothing happens.
    /// </summary>
    /// <exception cref="IOException">The system refused.</exception>
    public static void Sync(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(folder, 0);
        if (descriptor < 0) throw Error("open", folder);
        try
        {
            // Some file systems (of virtual machines and networks) have no fsync of a folder and say so this way.
            if (Fsync(descriptor) < 0 && Marshal.GetLastPInvokeError() != InvalidArgument) throw Error("fsync", folder);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>
    /// Gives a finished temporary folder its name, durably. A folder of that name is replaced in one step where the system can exchange two names
    /// (Linux), else through <see cref="PreviousMark"/>; it is removed afterwards.
    /// </summary>
    /// <param name="temporary">The finished folder; its files are durable. Beside <paramref name="final"/>.</param>
    /// <param name="final">Its name from now on.</param>
    /// <exception cref="IOException">The system refused; the old folder, if any, is still there.</exception>
    public static void Publish(string temporary, string final) => Publish(temporary, final, TryExchange);

    internal static void Publish(string temporary, string final, Func<string, string, bool> tryExchange)
    {
        var parent = Path.GetDirectoryName(Path.GetFullPath(final))!;
        Sync(temporary);
        if (!Directory.Exists(final))
        {
            Directory.Move(temporary, final);
            Sync(parent);
        }
        else if (tryExchange(temporary, final))
        {
            Sync(parent);
            Directory.Delete(temporary, recursive: true);
        }
        else
        {
            var previous = final + PreviousMark;
            if (Directory.Exists(previous)) Directory.Delete(previous, recursive: true);
            Directory.Move(final, previous);
            Directory.Move(temporary, final);
            Sync(parent);
            Directory.Delete(previous, recursive: true);
        }
    }

    /// <summary>Swaps the names of two folders in one step. False where the system or the file system cannot.</summary>
    static bool TryExchange(string left, string right)
    {
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            return RenameAt2(AtWorkingFolder, left, AtWorkingFolder, right, Exchange) == 0;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    static IOException Error(string call, string folder)
    {
        var code = Marshal.GetLastPInvokeError();
        return new IOException($"{call} of the folder {folder} failed: {Marshal.GetPInvokeErrorMessage(code)} ({code}).", code);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt2(int leftFolder, string left, int rightFolder, string right, uint flags);
}
