using CsCheck;

namespace Raijin.Parallel.Tests.Codecs;

public sealed class BlockCodecTests
{
    // Magnitudes from 1e-30 to 1e30, zeros among them.
    static readonly Gen<float> Value = Gen.OneOf(
        Gen.Const(0f), Gen.Const(-0f), Gen.Float[-1, 1], Gen.Select(Gen.Float[-1, 1], Gen.Int[-30, 30], (x, e) => (float)(x * Math.Pow(10, e))));

    static readonly Gen<float> Alike = Gen.Float[-3, 3];

    [Theory]
    [InlineData(8)]
    [InlineData(4)]
    public void No_value_is_further_off_than_half_a_scale(int bits) =>
        Gen.Select(Gen.OneOf(Value.Array[0, 700], Alike.Array[0, 700]), Gen.Int[1, 8]).Sample((values, groups) =>
        {
            var codec = new BlockCodec(bits, groups * 32);
            var decoded = Roundtrip(codec, values);
            for (var i = 0; i < values.Length; i++)
            {
                var block = values.Skip(i / codec.BlockSize * codec.BlockSize).Take(codec.BlockSize);
                var scale = block.Max(MathF.Abs) / (bits == 8 ? 127.0 : 7.0);
                Assert.InRange(Math.Abs((double)values[i] - decoded[i]), 0, (scale / 2 * 1.00001) + 1e-36);
            }
        }, iter: 300);

    [Theory]
    [InlineData(8)]
    [InlineData(4)]
    public void Values_on_the_grid_come_back_as_they_are(int bits) =>
        Gen.Select(Gen.Int[bits == 8 ? -127 : -7, bits == 8 ? 127 : 7].Array[1, 300], Gen.Int[-20, 20]).Sample((codes, exponent) =>
        {
            // The largest code in each block makes the scale a power of two.
            for (var i = 0; i < codes.Length; i += 64) codes[i] = bits == 8 ? 127 : 7;
            var values = codes.Select(c => c * MathF.Pow(2, exponent)).ToArray();
            Assert.Equal(values, Roundtrip(new BlockCodec(bits, 64), values));
        }, iter: 200);

    [Fact]
    public void Ties_go_to_even_codes() =>
        Assert.Equal([127f, 0f, 2f, 2f, -2f, 4f], Roundtrip(new BlockCodec(8, 32), [127f, 0.5f, 1.5f, 2.5f, -1.5f, 3.5f]));

    [Fact]
    public void Bytes_lie_as_documented()
    {
        var values = new float[34];
        for (var i = 0; i < 32; i++) values[i] = (i % 15) - 7;
        (values[32], values[33]) = (7, -7);
        var codec = new BlockCodec(4, 32);
        Assert.Equal(2 * (4 + 16), codec.CodedBytes(34));
        var coded = new byte[40];
        codec.Encode(values, 1, coded);
        Assert.Equal(1f, BitConverter.ToSingle(coded, 0));
        Assert.Equal(1f, BitConverter.ToSingle(coded, 4));
        for (var j = 0; j < 16; j++) Assert.Equal((values[j] + 8) + (16 * (values[16 + j] + 8)), coded[8 + j]);
        Assert.Equal([0x8F, 0x81, .. Enumerable.Repeat((byte)0x88, 14)], coded[24..]);
        Assert.Equal(4 + 4 + 36, new BlockCodec(8, 32).CodedBytes(34));
    }

    // Whatever lay in the destination before: what crosses depends on the values alone.
    [Theory]
    [InlineData(8)]
    [InlineData(4)]
    public void Every_byte_is_written(int bits) => Value.Array[0, 300].Sample(values =>
    {
        var codec = new BlockCodec(bits, 64);
        var (zeros, ones) = (new byte[codec.CodedBytes(values.Length)], new byte[codec.CodedBytes(values.Length)]);
        Array.Fill(ones, (byte)0xFF);
        codec.Encode(values, 1, zeros);
        codec.Encode(values, 1, ones);
        Assert.Equal(zeros, ones);
    });

    [Theory]
    [InlineData(8, float.NaN)]
    [InlineData(4, float.NaN)]
    [InlineData(8, float.PositiveInfinity)]
    [InlineData(4, float.NegativeInfinity)]
    public void What_is_not_finite_makes_its_block_NaN_and_no_other(int bits, float bad)
    {
        var values = Enumerable.Range(0, 150).Select(i => i - 70f).ToArray();
        values[70] = bad;
        var codec = new BlockCodec(bits, 64);
        var decoded = Roundtrip(codec, values);
        for (var i = 0; i < 150; i++) Assert.Equal(i / 64 == 1, float.IsNaN(decoded[i]));
        var coded = new byte[codec.CodedBytes(150)];
        codec.EncodeKeepingErrors(values, 1, coded);
        Assert.All(values[64..128], e => Assert.Equal(0, e));
        Assert.All(values, e => Assert.True(float.IsFinite(e)));
    }

    [Fact]
    public void Blocks_too_small_for_a_normal_scale_are_zeros() => Assert.All(Roundtrip(new BlockCodec(8, 32), [1e-37f, -1e-38f, float.Epsilon]), x => Assert.Equal(0, x));

    [Theory]
    [InlineData(8)]
    [InlineData(4)]
    public void Errors_are_what_the_codes_do_not_say(int bits) => Gen.Select(Value.Array[0, 100], Gen.Int[1, 4]).Sample((part, parts) =>
    {
        float[] values = [.. Enumerable.Range(0, parts).SelectMany(p => part.Select(x => x * (p + 1)))];
        var codec = new BlockCodec(bits, 32);
        var bytes = (int)codec.CodedBytes(part.Length);
        var (coded, errors) = (new byte[bytes * parts], values.ToArray());
        codec.EncodeKeepingErrors(errors, parts, coded);
        for (var p = 0; p < parts; p++)
        {
            var decoded = new float[part.Length];
            codec.Decode(coded.AsSpan(p * bytes, bytes), decoded, 1, add: false);
            for (var i = 0; i < part.Length; i++) Assert.Equal(values[(p * part.Length) + i] - decoded[i], errors[(p * part.Length) + i]);
        }
    });

    [Theory]
    [InlineData(8)]
    [InlineData(4)]
    public void Decoding_multiplies_and_adds(int bits)
    {
        var values = Enumerable.Range(0, 77).Select(i => MathF.Sin(i)).ToArray();
        var codec = new BlockCodec(bits, 32);
        var coded = new byte[codec.CodedBytes(77)];
        codec.Encode(values, 1, coded);
        var (plain, sums) = (new float[77], Enumerable.Repeat(1f, 77).ToArray());
        codec.Decode(coded, plain, 0.25f, add: false);
        codec.Decode(coded, sums, 0.25f, add: true);
        Assert.Equal(plain.Select(x => x + 1), sums);
        Assert.Equal(Roundtrip(codec, values).Select(x => x * 0.25f), plain);
    }

    [Fact]
    public void Impossible_settings_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new BlockCodec(5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BlockCodec(8, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BlockCodec(8, 33));
    }

    static float[] Roundtrip(BlockCodec codec, float[] values)
    {
        var coded = new byte[codec.CodedBytes(values.Length)];
        codec.Encode(values, 1, coded);
        var decoded = new float[values.Length];
        codec.Decode(coded, decoded, 1, add: false);
        return decoded;
    }
}
