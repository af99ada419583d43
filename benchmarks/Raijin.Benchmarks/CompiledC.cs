using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Raijin.Benchmarks;

/// <summary>A function of <c>benchmarks/comparison/*.c</c>, compiled for this machine when the benchmark runs.</summary>
static class CompiledC
{
    /// <summary>The function's address; zero, with a line on the console, where there is no gcc or it refuses.</summary>
    public static nint Function(string source, string function)
    {
        var file = Path.Combine(Report.Root(), "benchmarks", "comparison", source);
        var library = Path.Combine(Path.GetTempPath(), $"raijin-{Path.GetFileNameWithoutExtension(source)}-{Environment.ProcessId}.so");
        try
        {
            string[] arguments = ["-O3", "-march=native", "-shared", "-fPIC", "-pthread", file, "-o", library, "-lm"];
            using var gcc = Process.Start("gcc", arguments);
            gcc.WaitForExit();
            if (gcc.ExitCode == 0) return NativeLibrary.GetExport(NativeLibrary.Load(library), function);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // No gcc: said below.
        }
        finally
        {
            File.Delete(library);
        }

        Console.WriteLine($"gcc did not compile {source}: its rows are left out.");
        return 0;
    }
}
