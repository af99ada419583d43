using System.Buffers.Binary;
using System.IO.Compression;
using Raijin.Testing;
using static Raijin.Tensors.Tests.Serialization.Pickles.TorchImage;

namespace Raijin.Tensors.Tests.Serialization.Pickles;

/// <summary>Archives that are damaged, or that say of themselves what is not so.</summary>
public sealed class TorchArchiveTests : IDisposable
{
    static readonly byte[] Plain = Pickle(Tensor(Storage("0", 8), 0, [8], [1]), ".");

    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    string Refusal(byte[] file)
    {
        File.WriteAllBytes(_folder["a.pt"], file);
        return Assert.Throws<PickleException>(() =>
        {
            using var opened = TorchFile.Open(_folder["a.pt"]);
            using var tensor = opened.Load(Assert.IsType<PickleTensor>(opened.Root));
        }).Message;
    }

    static byte[] With(Action<int, byte[]> change) => Zip(change, ("a/data.pkl", Plain), ("a/data/0", new byte[32]));

    static byte[] Entry(int which, int at, uint value) => With((i, record) =>
    {
        if (i == which) BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(at), value);
    });

    [Fact]
    public void Truncation_anywhere_is_told()
    {
        var whole = With((_, _) => { });
        for (var length = 0; length < whole.Length; length++) Assert.NotEmpty(Refusal(whole[..length]));
    }

    [Fact]
    public void Entries_that_are_not_where_and_what_the_directory_says_are_refused()
    {
        Assert.Contains("there twice", Refusal(Zip(("a/data.pkl", Plain), ("a/data.pkl", Plain))), StringComparison.Ordinal);
        Assert.Contains("overlap", Refusal(Entry(1, 42, 0)), StringComparison.Ordinal);
        Assert.Contains("is not where the directory says", Refusal(Entry(1, 42, 1)), StringComparison.Ordinal);
        Assert.Contains("is not before the directory", Refusal(Entry(1, 42, int.MaxValue)), StringComparison.Ordinal);
        Assert.Contains("100 bytes, but 32 are stored", Refusal(Entry(1, 24, 100)), StringComparison.Ordinal);
        Assert.Contains("does not have the checksum", Refusal(Entry(0, 16, 5)), StringComparison.Ordinal);
        Assert.Contains("\"data/0\" does not have the checksum", Refusal(Entry(1, 16, 5)), StringComparison.Ordinal);
        Assert.Contains("compressed (method 8)", Refusal(With((i, r) => r[10] = 8)), StringComparison.Ordinal);
        Assert.Contains("encrypted", Refusal(With((i, r) => r[8] = 1)), StringComparison.Ordinal);
        Assert.Contains("cut short", Refusal(With((i, r) => r[30] = 255)), StringComparison.Ordinal);
        Assert.Contains("has 1000 bytes from", Refusal(With((i, r) =>
        {
            if (i == 0) return;
            BinaryPrimitives.WriteInt32LittleEndian(r.AsSpan(20), 1000);
            BinaryPrimitives.WriteInt32LittleEndian(r.AsSpan(24), 1000);
        })), StringComparison.Ordinal);
    }

    [Fact]
    public void A_bomb_of_zeros_is_refused_before_anything_is_unpacked()
    {
        using (var archive = ZipFile.Open(_folder["bomb.pt"], ZipArchiveMode.Create))
        using (var entry = archive.CreateEntry("a/data.pkl", CompressionLevel.Optimal).Open())
            for (var i = 0; i < 100; i++) entry.Write(new byte[1 << 20]);
        Assert.Contains("compressed", Assert.Throws<PickleException>(() => TorchFile.Open(_folder["bomb.pt"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_that_announces_more_than_it_holds_is_refused()
    {
        var file = With((_, _) => { });
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(file.Length - 12), 60_000);
        Assert.Contains("cannot hold the 60000 entries", Refusal(file), StringComparison.Ordinal);
        file = With((_, _) => { });
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(file.Length - 10), int.MaxValue);
        Assert.Contains("is not inside it", Refusal(file), StringComparison.Ordinal);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(file.Length - 10), uint.MaxValue);
        Assert.Contains("64-bit directory is missing", Refusal(file), StringComparison.Ordinal);
    }

    [Fact]
    public void Other_archives_and_files_are_told_apart()
    {
        Assert.Contains("0 entries named", Refusal(Zip(("a/b", [1]))), StringComparison.Ordinal);
        Assert.Contains("2 entries named", Refusal(Zip(("a/data.pkl", Plain), ("b/data.pkl", Plain))), StringComparison.Ordinal);
        Assert.Contains("TorchScript", Refusal(Zip(("a/data.pkl", Plain), ("a/constants.pkl", Plain))), StringComparison.Ordinal);
        Assert.Contains("byte order \"big\"", Refusal(Zip(("a/data.pkl", Plain), ("a/byteorder", "big"u8.ToArray()))), StringComparison.Ordinal);
        Assert.Contains("neither a zip archive nor a pickle", Refusal("hello world"u8.ToArray()), StringComparison.Ordinal);
        Assert.Contains("another kind of pickle", Refusal([0x80, 2, (byte)'N', (byte)'.']), StringComparison.Ordinal);
        Assert.Contains("truncated", Refusal([]), StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => TorchFile.Open(_folder["none.pt"]));
    }

    [Fact]
    public void What_follows_the_old_format_is_checked()
    {
        var whole = File.ReadAllBytes(TorchFileTests.Recorded("values-legacy.pt"));
        File.WriteAllBytes(_folder["a.pt"], [.. whole, 0]);
        Assert.Contains("1 bytes at its end belong to no storage", Assert.Throws<PickleException>(() => TorchFile.Open(_folder["a.pt"])).Message, StringComparison.Ordinal);
        File.WriteAllBytes(_folder["a.pt"], whole[..^1]);
        Assert.Contains("truncated", Assert.Throws<PickleException>(() => TorchFile.Open(_folder["a.pt"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_dictionary_is_asked_for_by_name()
    {
        File.WriteAllBytes(_folder["a.pt"], Archive(Pickle(Global("m", "Net"), ")", (byte)0x81, ".")));
        using var file = TorchFile.Open(_folder["a.pt"]);
        Assert.Contains("an object of m.Net", Assert.Throws<PickleException>(() => file.Dictionary).Message, StringComparison.Ordinal);
    }
}
