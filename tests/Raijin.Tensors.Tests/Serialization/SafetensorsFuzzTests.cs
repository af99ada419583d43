using System.Globalization;
using Raijin.Testing;

namespace Raijin.Tensors.Tests;

public sealed class SafetensorsFuzzTests
{
    const int DataBytes = 64;

    static readonly string[] Seeds =
    [
        "{}",
        """{"a":{"dtype":"F32","shape":[4,4],"data_offsets":[0,64]}}""",
        """{"__metadata__":{"format":"pt","x":"\u00e9\n"},"a":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},"b":{"dtype":"I16","shape":[31],"data_offsets":[2,64]}}  """,
        """{"w":{"dtype":"F64","shape":[2,2],"data_offsets":[0,32]},"e":{"dtype":"BOOL","shape":[0,3],"data_offsets":[32,32]},"u":{"dtype":"U8","shape":[32,1,1],"data_offsets":[32,64]}}""",
    ];

    static readonly string[] Tokens =
    [
        "{", "}", "[", "]", ",", ":", "\"", "0", "-1", "9223372036854775807", "18446744073709551616", "1e9", "null", "\"dtype\"", "\"shape\"", "\"data_offsets\"", "\"__metadata__\"",
        "\"F32\"", "\"\\ud800\"", "[[[[[[[[", "\u0000", "[0,0]", "{\"a\":{", "3", "64", "4611686018427387904",
    ];

    /// <summary>The long form is run with <c>RAIJIN_FUZZ=1000000</c>.</summary>
    static int Rounds => int.TryParse(Environment.GetEnvironmentVariable("RAIJIN_FUZZ"), CultureInfo.InvariantCulture, out var rounds) ? rounds : 20_000;

    [Fact]
    public void A_mutated_header_is_read_consistently_or_refused()
    {
        var random = new Random(20_240_229);
        var seeds = Array.ConvertAll(Seeds, json => SafetensorsImage.Of(json, json == "{}" ? 0 : DataBytes));
        int read = 0, refused = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var image = Mutate(seeds[random.Next(seeds.Length)], random);
            try
            {
                AssertConsistent(SafetensorsImage.Parse(image), image.Length);
                read++;
            }
            catch (SafetensorsException)
            {
                refused++;
            }
        }

        // Both ends must be reached, or the mutations test nothing.
        Assert.True(read > Rounds / 200 && refused > Rounds / 2, $"{read} read, {refused} refused of {Rounds}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{Rounds} mutated headers: {read} read, {refused} refused, no other outcome.");
    }

    [Fact]
    public void A_mutated_file_is_opened_consistently_or_refused()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(7);
        var seed = SafetensorsImage.Of(Seeds[3], DataBytes);
        for (var round = 0; round < Math.Max(Rounds / 40, 100); round++)
        {
            var path = folder[$"{round}.safetensors"];
            File.WriteAllBytes(path, Mutate(seed, random));
            try
            {
                using var file = SafetensorsFile.Open(path);
                foreach (var entry in file.Entries)
                {
                    Assert.Equal(32, file.Sha256(entry.Name).Length);
                    if (entry.ScalarType is null) continue;
                    using var tensor = file.Tensor(entry.Name);
                    using var copy = tensor.clone();
                    Assert.Equal(entry.Shape, copy.shape);
                }
            }
            catch (SafetensorsException error)
            {
                Assert.Equal(path, error.File);
            }

            File.Delete(path);
        }
    }

    /// <summary>The invariant, computed another way: every byte of the data belongs to exactly one tensor, and each has as many as its shape asks for.</summary>
    static void AssertConsistent(SafetensorsHeader header, int fileBytes)
    {
        var owners = new int[fileBytes - header.DataOffset];
        foreach (var entry in header.Entries)
        {
            for (var at = entry.Offset; at < entry.Offset + entry.Bytes; at++) owners[at - header.DataOffset]++;
            var elements = entry.Shape.Aggregate(1m, (product, size) => product * size);
            Assert.Equal(elements * SafetensorsDtype.ElementBytes(entry.Dtype), entry.Bytes);
        }

        Assert.All(owners, count => Assert.Equal(1, count));
    }

    static byte[] Mutate(byte[] seed, Random random)
    {
        var image = seed.ToList();
        for (var edits = random.Next(1, 4); edits > 0; edits--)
        {
            var at = random.Next(image.Count);
            switch (random.Next(8))
            {
                case 0: image[at] = (byte)random.Next(256); break;
                case 1: image[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: image.RemoveRange(at, Math.Min(random.Next(1, 20), image.Count - at)); break;
                case 3: image.InsertRange(at, image.GetRange(at, Math.Min(random.Next(1, 60), image.Count - at))); break;
                case 4: image.InsertRange(at, System.Text.Encoding.UTF8.GetBytes(Tokens[random.Next(Tokens.Length)])); break;
                case 5: image.RemoveRange(at, image.Count - at); break;
                case 6: image[random.Next(Math.Min(8, image.Count))] = (byte)random.Next(256); break;
                default:
                    // A digit for a digit: what stays JSON and lies about sizes.
                    var digits = Enumerable.Range(8, Math.Max(image.Count - 8, 0)).Where(i => char.IsAsciiDigit((char)image[i])).ToArray();
                    if (digits.Length > 0) image[digits[random.Next(digits.Length)]] = (byte)('0' + random.Next(10));
                    break;
            }

            if (image.Count == 0) break;
        }

        // Most edits change the header's length; without this nearly all would end at that check.
        if (random.Next(2) == 0 && image.Count > 8)
        {
            var end = image.LastIndexOf((byte)'}');
            if (end > 8) for (var i = 0; i < 8; i++) image[i] = (byte)((ulong)(end - 7) >> (8 * i));
        }

        return [.. image];
    }
}
