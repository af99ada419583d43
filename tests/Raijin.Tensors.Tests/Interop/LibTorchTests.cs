using Raijin.Testing;

namespace Raijin.Tensors.Tests;

public sealed class LibTorchTests
{
    [Fact]
    public void Loading_is_idempotent_and_gives_the_bound_version()
    {
        LibTorch.EnsureLoaded();
        LibTorch.EnsureLoaded();

        Assert.Equal(LibTorch.BoundVersion, LibTorch.LoadedVersion);
    }

    [Fact]
    public void Tests_run_on_a_repaired_TorchSharp() => Assert.True(RepairState.IsRepaired, RepairState.Warning);

    [Theory]
    [InlineData("version.py", "from typing import Optional\n__version__ = '2.10.0+cu128'\ncuda: Optional[str] = '12.8'\n", "2.10.0")]
    [InlineData("build-version", "2.9.1+cpu\n", "2.9.1")]
    [InlineData("version.py", "__version__ = 'unknown'\n", null)]
    [InlineData("readme", "2.10.0", null)]
    public void The_version_stated_beside_a_folder_is_read(string file, string content, string? version)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["lib"]);
        File.WriteAllText(folder[file], content);

        Assert.Equal(version, LibTorchFolder.StatedVersion(folder["lib"])?.ToString());
    }

    [Fact]
    public void A_folder_without_libtorch_is_named_in_the_refusal()
    {
        using var folder = new TemporaryFolder();

        var error = Assert.Throws<NativeLibraryException>(() => LibTorchFolder.Load(folder.Path));

        Assert.Equal(folder[LibTorchFolder.FileName("torch_cpu")], error.File);
        Assert.Contains("there is no such file in the folder that RAIJIN_LIBTORCH names", error.Message, StringComparison.Ordinal);
        Assert.Contains("torch/lib of a Python installation", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_libtorch_of_another_version_is_refused_before_it_is_loaded()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["lib"]);
        // Not a library: loading it would say something else.
        File.WriteAllText(Path.Combine(folder["lib"], LibTorchFolder.FileName("torch_cpu")), "");
        File.WriteAllText(folder["version.py"], "__version__ = '2.11.0'");

        var error = Assert.Throws<NativeLibraryException>(() => LibTorchFolder.Load(folder["lib"]));

        Assert.Contains("this libtorch is 2.11.0; TorchSharp is compiled against 2.10", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_loader_says_of_a_damaged_library_is_passed_on()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder[LibTorchFolder.FileName("torch_cpu")], "this is no library");

        var error = Assert.Throws<NativeLibraryException>(() => LibTorchFolder.Load(folder.Path));

        Assert.Contains(folder[LibTorchFolder.FileName("torch_cpu")], error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("LD_DEBUG", error.Message, StringComparison.Ordinal);
        Assert.IsType<DllNotFoundException>(error.InnerException);
    }
}
