using System.IO.Compression;
using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Data.Tests.BuiltIn;

public sealed class IdxReaderTests
{
    // [2, 3] uint8
    static readonly byte[] Small = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 13, 14, 15];

    [Fact]
    public void Bytes_are_read_in_their_shape()
    {
        using var read = IdxReader.Read(new MemoryStream(Small), "small");
        Assert.Equal([2, 3], read.shape);
        Assert.Equal(ScalarType.Byte, read.dtype);
        Assert.Equal([10, 11, 12, 13, 14, 15], read.data<byte>().ToArray());
    }

    [Fact]
    public void A_compressed_file_is_the_same()
    {
        using var read = IdxReader.Read(Zip(Small), "small.gz");
        Assert.Equal([10, 11, 12, 13, 14, 15], read.data<byte>().ToArray());
    }

    [Theory]
    [InlineData(0x09, new byte[] { 0xFE }, -2)]
    [InlineData(0x0B, new byte[] { 0xFF, 0xFE }, -2)]
    [InlineData(0x0C, new byte[] { 0, 1, 0, 0 }, 65536)]
    [InlineData(0x0D, new byte[] { 0x3F, 0xC0, 0, 0 }, 1.5)]
    [InlineData(0x0E, new byte[] { 0x3F, 0xF8, 0, 0, 0, 0, 0, 0 }, 1.5)]
    public void Wider_elements_are_turned_to_the_byte_order_of_the_machine(byte type, byte[] element, double value)
    {
        using var scope = TensorScope.Open();
        var read = IdxReader.Read(new MemoryStream([0, 0, type, 1, 0, 0, 0, 1, .. element]), "one");
        Assert.Equal(value, read.to(ScalarType.Float64).item<double>());
    }

    [Theory]
    [InlineData(new byte[] { }, "it ends early: 0 bytes where 4 are expected")]
    [InlineData(new byte[] { 1, 2, 3, 4 }, "it begins with 01020304")]
    [InlineData(new byte[] { 0, 0, 7, 1 }, "its element type is 0x07")]
    [InlineData(new byte[] { 0, 0, 8, 0 }, "its header says 0 dims; 1 to 8 are expected")]
    [InlineData(new byte[] { 0, 0, 8, 9 }, "its header says 9 dims")]
    [InlineData(new byte[] { 0, 0, 8, 2, 0, 0 }, "it ends early: 2 bytes where 8 are expected")]
    [InlineData(new byte[] { 0, 0, 8, 1, 0, 0, 0, 2, 1 }, "its header says [2] Byte, 2 bytes, but 1 follow")]
    [InlineData(new byte[] { 0, 0, 8, 1, 0, 0, 0, 1, 1, 1 }, "its header says [1] Byte, 1 bytes, but 2 follow")]
    [InlineData(new byte[] { 0, 0, 14, 2, 255, 255, 255, 255, 255, 255, 255, 255 }, "more than any file holds")]
    public void Damage_is_named(byte[] file, string why)
    {
        var error = Assert.Throws<InvalidDataException>(() => IdxReader.Read(new MemoryStream(file), "file"));
        Assert.StartsWith("file is not a whole idx file: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_compressed_file_that_promises_more_than_deflate_can_gain_is_refused_before_allocation()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<InvalidDataException>(() => IdxReader.Read(Zip([0, 0, 8, 1, 0x7F, 0xFF, 0xFF, 0xFF, 1]), "bomb.gz"));
        Assert.Contains("can follow", error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void A_cut_or_flipped_compressed_file_is_refused()
    {
        var random = new Random(1);
        var elements = new byte[5000];
        random.NextBytes(elements);
        var whole = Zip([0, 0, 8, 1, 0, 0, 0x13, 0x88, .. elements]).ToArray();
        Assert.Throws<InvalidDataException>(() => IdxReader.Read(new MemoryStream(whole[..^2000]), "cut.gz"));
        whole[2000] ^= 0x10;
        Assert.Throws<InvalidDataException>(() => IdxReader.Read(new MemoryStream(whole), "flipped.gz"));
    }

    [Fact]
    public void No_mutation_of_a_file_does_worse_than_a_clear_refusal() =>
        Gen.Select(Gen.Int[0, Small.Length - 1], Gen.Byte, Gen.Int[0, Small.Length - 1], Gen.Byte, Gen.Int[0, Small.Length], Gen.Bool).Sample((a, x, b, y, length, zip) =>
        {
            var file = (byte[])Small.Clone();
            (file[a], file[b]) = (x, y);
            try
            {
                using var read = IdxReader.Read(zip ? Zip(file[..length]) : new MemoryStream(file[..length]), "mutated");
                Assert.InRange(read.NumberOfElements, 0, Small.Length);
            }
            catch (InvalidDataException error)
            {
                Assert.StartsWith("mutated is not a whole idx file: ", error.Message, StringComparison.Ordinal);
            }
        }, iter: 20_000);

    static MemoryStream Zip(byte[] bytes)
    {
        var zipped = new MemoryStream();
        using (var zip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true)) zip.Write(bytes);
        zipped.Position = 0;
        return zipped;
    }
}
