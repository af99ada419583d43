namespace Raijin.Tensors.Tests;

public sealed class LoadFailureTests
{
    static NativeLibraryException Explain(string message) => LoadFailure.Explain(new DllNotFoundException(message), folder: null);

    [Fact]
    public void An_unrepaired_library_on_an_older_system_is_recognised()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the loader's words are glibc's");

        var error = Explain("/lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by /app/libLibTorchSharp.so)");

        Assert.Contains("it has no GLIBCXX_3.4.32", error.Message, StringComparison.Ordinal);
        Assert.Contains("its build step removes this need", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_system_that_is_too_old_is_told_what_is_new_enough()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the loader's words are glibc's");

        var error = Explain("/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by /app/libLibTorchSharp.so)");

        Assert.Contains("it has no GLIBC_2.34", error.Message, StringComparison.Ordinal);
        Assert.Contains("Debian 12, Ubuntu 22.04, RHEL 9 or later", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_dependency_is_named()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the loader's words are glibc's");

        var error = Explain("/app/LibTorchSharp.so: cannot open shared object file: No such file or directory\nlibgomp-98b21ff3.so.1: cannot open shared object file: No such file or directory");

        Assert.Equal("libgomp-98b21ff3.so.1", error.File);
    }

    [Fact]
    public void Any_other_failure_is_passed_on_without_the_runtime_s_advice()
    {
        var error = Explain("Unable to load shared library 'LibTorchSharp'. Consider setting the LD_DEBUG environment variable:\n/a.so: file too short\n/a.so: file too short\n");

        Assert.Equal(1, error.Message.Split("/a.so: file too short").Length - 1);
        Assert.DoesNotContain("LD_DEBUG", error.Message, StringComparison.Ordinal);
    }
}
