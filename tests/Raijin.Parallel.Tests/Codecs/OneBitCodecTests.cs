using CsCheck;

namespace Raijin.Parallel.Tests.Codecs;

public sealed class OneBitCodecTests
{
    [Fact]
    public void Signs_and_one_magnitude_come_back() => Gen.Select(Gen.Float[-2, 2].Array[1, 90], Gen.Int[1, 4]).Sample((part, parts) =>
    {
        float[] values = [.. Enumerable.Range(0, parts).SelectMany(p => part.Select(x => x * (p + 1)))];
        var scale = Math.Sqrt(values.Sum(x => (double)x * x) / values.Length);
        var codec = new OneBitCodec();
        var bytes = (int)codec.CodedBytes(part.Length);
        Assert.Equal(4 + (4 * ((part.Length + 31) / 32)), bytes);
        var coded = new byte[bytes * parts];
        Array.Fill(coded, (byte)0xFF);
        var errors = values.ToArray();
        codec.EncodeKeepingErrors(errors, parts, coded);
        var decoded = new float[part.Length];
        for (var p = 0; p < parts; p++)
        {
            codec.Decode(coded.AsSpan(p * bytes, bytes), decoded, 1, add: false);
            for (var i = 0; i < part.Length; i++)
            {
                var value = values[(p * part.Length) + i];
                Assert.Equal(value >= 0, decoded[i] > 0 || scale == 0);
                Assert.Equal(scale, Math.Abs(decoded[i]), scale * 1e-6);
                Assert.Equal(value - decoded[i], errors[(p * part.Length) + i]);
            }
            // Padding is zero.
            for (var bit = part.Length; bit < (bytes - 4) * 8; bit++) Assert.Equal(0, coded[(p * bytes) + 4 + (bit / 8)] >> (bit % 8) & 1);
        }
    });

    [Fact]
    public void Zeros_count_as_positive()
    {
        var decoded = Decode([0f, -0f, -1f, 2f], 4);
        Assert.Equal([true, true, false, true], decoded.Select(x => x > 0));
        Assert.All(Decode(new float[40], 40), x => Assert.Equal(0, x));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void What_is_not_finite_makes_all_NaN_and_leaves_no_errors(float bad)
    {
        var values = Enumerable.Repeat(1f, 50).ToArray();
        values[33] = bad;
        Assert.All(Decode(values, 50), x => Assert.True(float.IsNaN(x)));
        var codec = new OneBitCodec();
        codec.EncodeKeepingErrors(values, 1, new byte[codec.CodedBytes(50)]);
        Assert.All(values, e => Assert.Equal(0, e));
    }

    static float[] Decode(float[] values, int count)
    {
        var codec = new OneBitCodec();
        var coded = new byte[codec.CodedBytes(count)];
        codec.Encode(values, 1, coded);
        var decoded = new float[count];
        codec.Decode(coded, decoded, 1, add: false);
        return decoded;
    }
}
