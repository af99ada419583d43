using System.IO.Hashing;
using System.Text;
using CsCheck;
using Raijin.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class SafetensorsWriterTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_bytes_are_those_of_the_reference_writer()
    {
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(
            _folder["x"],
            [new("b", tensor(new byte[] { 7 })), new("c", tensor(new[] { 1f })), new("a", tensor(new[] { 2f, 3f }))],
            new Dictionary<string, string> { ["format"] = "pt" });

        // Wide elements first, then names; padded with spaces to a multiple of 8.
        const string json = """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"c":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"b":{"dtype":"U8","shape":[1],"data_offsets":[12,13]}}""";
        var padded = json.PadRight((json.Length + 7) / 8 * 8);
        byte[] expected = [.. BitConverter.GetBytes((ulong)padded.Length), .. Encoding.UTF8.GetBytes(padded), 0, 0, 0, 0x40, 0, 0, 0x40, 0x40, 0, 0, 0x80, 0x3f, 7];
        Assert.Equal(expected, File.ReadAllBytes(_folder["x"]));
    }

    [Fact]
    public void What_was_written_is_reported_with_its_hash()
    {
        using var scope = NewDisposeScope();
        var written = SafetensorsWriter.Write(_folder["x"], [new("large", rand(3_000_000)), new("small", rand(10))]);
        var bytes = File.ReadAllBytes(_folder["x"]);
        Assert.Equal(bytes.Length, written.Bytes);
        Assert.Equal(XxHash3.HashToUInt64(bytes), written.Hash);
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Views_are_written_as_they_look()
    {
        using var scope = NewDisposeScope();
        var matrix = arange(12, dtype: ScalarType.Float32).reshape(3, 4);
        var complex = torch.complex(matrix, matrix).conj();
        SafetensorsWriter.Write(_folder["x"], [new("t", matrix.t()), new("row", matrix[1]), new("step", matrix.select(1, 2)), new("conj", complex), new("imag", complex.imag)]);
        using var file = SafetensorsFile.Open(_folder["x"]);
        Assert.True(file.Tensor("t").Equals(matrix.t()));
        Assert.True(file.Tensor("row").Equals(matrix[1]));
        Assert.True(file.Tensor("step").Equals(matrix.select(1, 2)));
        Assert.True(file.Tensor("conj").Equals(complex.resolve_conj()));
        Assert.True(file.Tensor("imag").Equals(matrix.neg()));
    }

    [Fact]
    public void A_failed_write_leaves_the_old_file_and_no_other()
    {
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(_folder["x"], [new("x", ones(3))]);
        var before = File.ReadAllBytes(_folder["x"]);
        var sparse = ones(3, 3).to_sparse();
        Assert.ThrowsAny<Exception>(() => SafetensorsWriter.Write(_folder["x"], [new("a", rand(2_000_000)), new("sparse", sparse)]));
        Assert.Equal(before, File.ReadAllBytes(_folder["x"]));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Names_and_dtypes_the_format_cannot_hold_are_refused()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(_folder["x"], [new("a", ones(1)), new("a", ones(1))]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(_folder["x"], [new("__metadata__", ones(1))]));
        var error = Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(_folder["x"], [new("z", ones(1, dtype: ScalarType.ComplexFloat64))]));
        Assert.Contains("ComplexFloat64", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_freed_tensor_is_refused()
    {
        using var scope = NewDisposeScope();
        var tensor = ones(3);
        tensor.Dispose();
        Assert.Throws<ObjectDisposedException>(() => SafetensorsWriter.Write(_folder["x"], [new("x", tensor)]));
    }

    [Fact]
    public void A_missing_folder_is_an_error()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<DirectoryNotFoundException>(() => SafetensorsWriter.Write(_folder["none/x"], [new("x", ones(1))]));
    }

    [Fact]
    public void Any_set_of_tensors_comes_back()
    {
        ScalarType[] types = [ScalarType.Float32, ScalarType.Float16, ScalarType.Byte, ScalarType.Int64, ScalarType.Bool];
        var name = Gen.String[0, 12].Where(text => text != SafetensorsHeader.MetadataKey && !text.Any(char.IsSurrogate));
        var item = Gen.Select(name, Gen.Long[0, 5].Array[0, 4], Gen.Int[0, types.Length - 1]);
        item.Array[0, 8].Select(items => items.DistinctBy(one => one.Item1).ToArray()).Sample(
            tensors =>
            {
                using var scope = NewDisposeScope();
                var given = tensors.Select(t => new KeyValuePair<string, Tensor>(t.Item1, randint(0, 2, t.Item2).to_type(types[t.Item3]))).ToArray();
                SafetensorsWriter.Write(_folder["x"], given);
                using var file = SafetensorsFile.Open(_folder["x"]);
                Assert.Equal(given.Length, file.Entries.Count);
                foreach (var (key, value) in given) Assert.Equal(value.bytes.ToArray(), file.Tensor(key).bytes.ToArray());
            },
            iter: 50,
            threads: 1);
    }
}
