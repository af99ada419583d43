using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class ScalarReaderTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.Int64)]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Int16)]
    [InlineData(ScalarType.Int8)]
    public void Reads_every_real_dtype(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        Assert.True(ScalarReader.TryRead(tensor(-7.0).to_type(dtype), out var value));
        Assert.Equal(-7, value);
    }

    [Fact]
    public void Reads_bytes_booleans_and_non_finite_values()
    {
        using var scope = NewDisposeScope();
        Assert.True(ScalarReader.TryRead(tensor((byte)200), out var value));
        Assert.Equal(200, value);
        Assert.True(ScalarReader.TryRead(tensor(true), out value));
        Assert.Equal(1, value);
        Assert.True(ScalarReader.TryRead(tensor(float.NaN).to_type(ScalarType.BFloat16), out value));
        Assert.Equal(double.NaN, value);
        Assert.True(ScalarReader.TryRead(tensor(float.NegativeInfinity).to_type(ScalarType.Float16), out value));
        Assert.Equal(double.NegativeInfinity, value);
    }

    [Fact]
    public void Reads_one_element_of_a_view_and_refuses_more()
    {
        using var scope = NewDisposeScope();
        var row = arange(10, dtype: ScalarType.Float32);
        Assert.True(ScalarReader.TryRead(row[3], out var value));
        Assert.Equal(3, value);
        Assert.False(ScalarReader.TryRead(row, out _));
        Assert.False(ScalarReader.TryRead(empty(0), out _));
    }

    [Fact]
    public void Refuses_what_is_not_on_the_host()
    {
        using var scope = NewDisposeScope();
        Assert.False(ScalarReader.TryRead(zeros(1, device: META), out _));
        Assert.False(ScalarReader.TryRead(zeros(1, dtype: ScalarType.ComplexFloat32), out _));
    }
}
