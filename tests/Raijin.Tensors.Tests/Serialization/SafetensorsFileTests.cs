using System.Security.Cryptography;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class SafetensorsFileTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Int64)]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Int16)]
    [InlineData(ScalarType.Int8)]
    [InlineData(ScalarType.Byte)]
    [InlineData(ScalarType.Bool)]
    [InlineData(ScalarType.ComplexFloat32)]
    public void Every_dtype_comes_back_bit_for_bit(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var path = _folder["all.safetensors"];
        var value = arange(24, dtype: ScalarType.Float32).remainder(7).sub(3).reshape(2, 3, 4).to_type(type);
        SafetensorsWriter.Write(path, [new("x", value)]);

        using var file = SafetensorsFile.Open(path);
        var mapped = file.Tensor("x");
        var copied = zeros([2, 3, 4], type);
        file.CopyTo("x", copied);

        Assert.Equal(type, mapped.dtype);
        Assert.Equal([2L, 3, 4], mapped.shape);
        Assert.Equal(value.bytes.ToArray(), mapped.bytes.ToArray());
        Assert.Equal(value.bytes.ToArray(), copied.bytes.ToArray());
    }

    [Fact]
    public void A_tensor_outlives_its_file_object_and_so_do_views_of_it()
    {
        using var scope = NewDisposeScope();
        Write("x", arange(1000, dtype: ScalarType.Float32));
        Tensor view;
        using (var file = SafetensorsFile.Open(_folder["x"]))
        using (var tensor = file.Tensor("x"))
            view = tensor.narrow(0, 500, 10);
        File.Delete(_folder["x"]);

        Assert.Equal(Enumerable.Range(500, 10).Select(i => (float)i), view.data<float>().ToArray());
    }

    [Fact]
    public void The_mapping_ends_with_the_last_tensor_over_it()
    {
        using var scope = NewDisposeScope();
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc/self/maps");
        Write("mapped-once", arange(100, dtype: ScalarType.Float32));
        var file = SafetensorsFile.Open(_folder["mapped-once"]);
        var one = file.Tensor("x");
        var two = file.Tensor("x");
        file.Dispose();
        Assert.True(IsMapped());
        one.Dispose();
        Assert.True(IsMapped());
        Assert.Equal(99f, two.ReadCpuSingle(99));
        two.Dispose();
        Assert.False(IsMapped());

        static bool IsMapped() => File.ReadAllText("/proc/self/maps").Contains("mapped-once", StringComparison.Ordinal);
    }

    [Fact]
    public void Using_a_disposed_file_is_a_clear_error()
    {
        using var scope = NewDisposeScope();
        Write("x", ones(3));
        var file = SafetensorsFile.Open(_folder["x"]);
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Tensor("x"));
        Assert.Throws<ObjectDisposedException>(() => file.CopyTo("x", zeros(3)));
        Assert.Throws<ObjectDisposedException>(() => file.Sha256("x"));
    }

    [Fact]
    public void Changing_a_mapped_tensor_changes_neither_the_file_nor_another_mapping()
    {
        using var scope = NewDisposeScope();
        Write("x", ones(3));
        using (var file = SafetensorsFile.Open(_folder["x"])) file.Tensor("x").add_(41);
        using var again = SafetensorsFile.Open(_folder["x"]);
        Assert.Equal([1f, 1f, 1f], again.Tensor("x").data<float>().ToArray());
    }

    [Fact]
    public void Copying_reaches_strided_tensors_and_parameters()
    {
        using var scope = NewDisposeScope();
        var value = arange(12, dtype: ScalarType.Float32).reshape(3, 4);
        Write("x", value);
        using var file = SafetensorsFile.Open(_folder["x"]);

        var transposed = zeros([4, 3]).t();
        file.CopyTo("x", transposed);
        Assert.True(transposed.Equals(value));

        var parameter = zeros([3, 4], requires_grad: true);
        file.CopyTo("x", parameter);
        Assert.True(parameter.Equals(value));
    }

    [Fact]
    public void A_destination_of_another_shape_or_dtype_is_refused_and_left_alone()
    {
        using var scope = NewDisposeScope();
        Write("x", ones(3));
        using var file = SafetensorsFile.Open(_folder["x"]);
        var error = Assert.Throws<ShapeMismatchException>(() => file.CopyTo("x", zeros(4)));
        Assert.Contains("expected [4] Float32, but it is [3] F32", error.Message, StringComparison.Ordinal);
        Assert.Throws<ShapeMismatchException>(() => file.CopyTo("x", zeros(3, dtype: ScalarType.Int32)));
    }

    [Fact]
    public void A_missing_tensor_is_an_error_that_names_those_there_are()
    {
        using var scope = NewDisposeScope();
        Write("x", ones(3));
        using var file = SafetensorsFile.Open(_folder["x"]);
        var error = Assert.Throws<SafetensorsException>(() => file.Tensor("y"));
        Assert.Equal("y", error.Key);
        Assert.Contains("the file holds 1: \"x\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_dtype_libtorch_lacks_is_listed_but_not_read()
    {
        using var scope = NewDisposeScope();
        File.WriteAllBytes(_folder["x"], SafetensorsImage.Of("""{"x":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}""", 4));
        using var file = SafetensorsFile.Open(_folder["x"]);
        Assert.Equal("[4] F8_E4M3", file.Entries[0].ToString());
        Assert.Contains("no counterpart", Assert.Throws<SafetensorsException>(() => file.Tensor("x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_at_an_unaligned_place_is_read_as_a_copy()
    {
        using var scope = NewDisposeScope();
        // 55 bytes of JSON after 8: the floats begin at an odd address.
        var image = SafetensorsImage.Of("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  """[..55], 8);
        File.WriteAllBytes(_folder["x"], image);
        using var file = SafetensorsFile.Open(_folder["x"]);
        Assert.NotEqual(0, file.Entries[0].Offset % 4);
        Assert.Equal(image[^8..], file.Tensor("x").bytes.ToArray());
    }

    [Fact]
    public void Empty_tensors_and_scalars_come_back()
    {
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(_folder["x"], [new("none", empty(0, 3)), new("scalar", tensor(2.5f))]);
        using var file = SafetensorsFile.Open(_folder["x"]);
        Assert.Equal([0L, 3], file.Tensor("none").shape);
        Assert.Equal(2.5f, file.Tensor("scalar").item<float>());
        Assert.Empty(file.Tensor("scalar").shape);
    }

    [Fact]
    public void The_hash_is_that_of_the_bytes()
    {
        using var scope = NewDisposeScope();
        var value = arange(1000, dtype: ScalarType.Int64);
        Write("x", value);
        using var file = SafetensorsFile.Open(_folder["x"]);
        Assert.Equal(SHA256.HashData(value.bytes), file.Sha256("x"));
    }

    [Fact]
    public void Reading_and_freeing_many_times_from_several_threads_leaves_nothing()
    {
        using var scope = NewDisposeScope();
        Write("x", arange(64, dtype: ScalarType.Float32));
        using var file = SafetensorsFile.Open(_folder["x"]);
        Parallel.For(0, 4, _ =>
        {
            for (var i = 0; i < 500; i++)
            {
                using var tensor = file.Tensor("x");
                Assert.Equal(63f, tensor.ReadCpuSingle(63));
            }
        });
    }

    [Theory]
    [InlineData("stories260K")]
    [InlineData("tiny-gqa-random")]
    public void A_file_of_another_writer_is_read_whole(string model)
    {
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(SharedData.Require("models", model, "model.safetensors"));
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Contains(file.Entries, e => e.Name == "model.embed_tokens.weight");
        foreach (var entry in file.Entries)
        {
            var tensor = file.Tensor(entry.Name);
            Assert.True(tensor.isfinite().all().item<bool>(), entry.Name);
            Assert.Equal(SHA256.HashData(tensor.bytes), file.Sha256(entry.Name));
        }
    }

    void Write(string file, Tensor value) => SafetensorsWriter.Write(_folder[file], [new("x", value)]);
}
