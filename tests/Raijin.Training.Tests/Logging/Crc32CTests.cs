using System.Text;
using CsCheck;

namespace Raijin.Training.Tests.Logging;

public sealed class Crc32CTests
{
    /// <summary>The vectors of RFC 3720, appendix B.4, and the usual check value.</summary>
    [Fact]
    public void The_published_vectors_come_out()
    {
        Assert.Equal(0xE3069283u, Crc32C.Of(Encoding.ASCII.GetBytes("123456789")));
        Assert.Equal(0x8A9136AAu, Crc32C.Of(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Of([.. Enumerable.Repeat((byte)0xFF, 32)]));
        Assert.Equal(0x46DD794Eu, Crc32C.Of([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
        Assert.Equal(0x113FDB5Cu, Crc32C.Of([.. Enumerable.Range(0, 32).Select(i => (byte)(31 - i))]));
        Assert.Equal(0u, Crc32C.Of([]));
    }

    [Fact]
    public void It_is_the_polynomial_division_bit_by_bit() => Gen.Byte.Array[0, 100].Sample(bytes => Assert.Equal(TfRecords.Crc(bytes), Crc32C.Of(bytes)));
}
