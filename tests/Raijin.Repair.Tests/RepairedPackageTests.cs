using Raijin.Testing;

namespace Raijin.Repair.Tests;

public sealed class RepairedPackageTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    string Output => folder["repaired"];

    string RepairedAssembly => Path.Combine(Output, "lib", "net8.0", "TorchSharp.dll");

    string RepairedLibrary => Path.Combine(Output, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Both_files_are_repaired_in_the_package_s_layout()
    {
        var said = RepairedPackage.Write(StockPackage.AssemblyPath, Output, managed: true);

        Assert.True(File.ReadAllBytes(RepairedAssembly).AsSpan().SequenceEqual(KeepAliveRewriter.Cure(StockPackage.Assembly)!.Value.Assembly));
        Assert.True(File.ReadAllBytes(RepairedLibrary).AsSpan().SequenceEqual(WeakVersion.Cure(StockPackage.Library)));
        Assert.StartsWith("TorchSharp repaired: ", said, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFiles(Output, "*.new", SearchOption.AllDirectories), _ => true);
    }

    [Fact]
    public void A_second_run_changes_nothing_and_says_the_same()
    {
        var first = RepairedPackage.Write(StockPackage.AssemblyPath, Output, managed: true);
        var (assembly, library) = (File.GetLastWriteTimeUtc(RepairedAssembly), File.GetLastWriteTimeUtc(RepairedLibrary));

        Assert.Equal(first, RepairedPackage.Write(StockPackage.AssemblyPath, Output, managed: true));
        Assert.Equal((assembly, library), (File.GetLastWriteTimeUtc(RepairedAssembly), File.GetLastWriteTimeUtc(RepairedLibrary)));
    }

    [Fact]
    public void Builds_that_ask_at_once_share_one_repair()
    {
        var said = Enumerable.Range(0, 4).AsParallel().WithDegreeOfParallelism(4).Select(_ => RepairedPackage.Write(StockPackage.AssemblyPath, Output, managed: true)).ToList();

        Assert.Single(said.Distinct());
        Assert.True(File.Exists(RepairedAssembly));
    }

    [Fact]
    public void Native_only_leaves_the_assembly_as_published()
    {
        RepairedPackage.Write(StockPackage.AssemblyPath, Output, managed: true);
        RepairedPackage.Write(StockPackage.AssemblyPath, Output, managed: false);

        Assert.False(File.Exists(RepairedAssembly));
        Assert.True(File.Exists(RepairedLibrary));
    }

    [Fact]
    public void A_package_that_needs_no_cure_is_left_alone()
    {
        var sound = StockPackage.Imitate(folder["sound"], KeepAliveRewriter.Cure(StockPackage.Assembly)!.Value.Assembly, WeakVersion.Cure(StockPackage.Library)!);

        Assert.Equal("TorchSharp needs no repair", RepairedPackage.Write(sound, Output, managed: true));
        Assert.False(File.Exists(RepairedAssembly));
        Assert.False(File.Exists(RepairedLibrary));
    }

    [Fact]
    public void A_new_native_library_alone_is_repaired_again()
    {
        var stock = WeakVersion.Cure(StockPackage.Library)!;
        var package = StockPackage.Imitate(folder["package"], StockPackage.Assembly, stock);
        RepairedPackage.Write(package, Output, managed: true);
        Assert.False(File.Exists(RepairedLibrary));

        StockPackage.Imitate(folder["package"], StockPackage.Assembly, StockPackage.Library);
        RepairedPackage.Write(package, Output, managed: true);
        Assert.True(File.Exists(RepairedLibrary));
    }

    [Fact]
    public void A_refused_package_leaves_no_stamp_behind()
    {
        var damaged = StockPackage.Imitate(folder["damaged"], StockPackage.Assembly, StockPackage.Library[..1000]);

        Assert.Throws<RepairException>(() => RepairedPackage.Write(damaged, Output, managed: true));
        Assert.False(File.Exists(Path.Combine(Output, RepairedPackage.Stamp)));
    }
}
