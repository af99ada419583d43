using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class TensorSnapshotTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_snapshot_writes_the_file_that_the_tensors_would_have_written()
    {
        using var scope = NewDisposeScope();
        KeyValuePair<string, Tensor>[] tensors = [new("large", rand(3_000_001)), new("t", rand(30, 40).t()), new("flag", tensor(true)), new("none", empty(0))];
        SafetensorsWriter.Write(_folder["direct"], tensors);
        using var snapshot = new TensorSnapshot();
        snapshot.Capture(tensors);
        foreach (var (_, tensor) in tensors) tensor.zero_();
        var written = SafetensorsWriter.Write(_folder["snapshot"], snapshot);

        Assert.Equal(File.ReadAllBytes(_folder["direct"]), File.ReadAllBytes(_folder["snapshot"]));
        Assert.Equal(snapshot.FileBytes, written.Bytes);
    }

    [Fact]
    public void A_snapshot_is_reused_for_smaller_and_larger_content()
    {
        using var scope = NewDisposeScope();
        using var snapshot = new TensorSnapshot();
        foreach (var size in new[] { 1000, 10, 100_000 })
        {
            var value = rand(size);
            snapshot.Capture([new("x", value)]);
            SafetensorsWriter.Write(_folder["x"], snapshot);
            using var file = SafetensorsFile.Open(_folder["x"]);
            Assert.True(file.Tensor("x").Equals(value));
        }
    }

    [Fact]
    public void An_empty_snapshot_cannot_be_written()
    {
        using var scope = NewDisposeScope();
        using var snapshot = new TensorSnapshot();
        Assert.Throws<InvalidOperationException>(() => SafetensorsWriter.Write(_folder["x"], snapshot));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(4 << 20)]
    [InlineData((4 << 20) + 1)]
    [InlineData((8 << 20) + 257)]
    public unsafe void A_streaming_copy_is_exact_at_any_alignment(int bytes)
    {
        var source = new byte[bytes + 256];
        new Random(bytes).NextBytes(source);
        var target = new byte[bytes + 256];
        foreach (var shift in new[] { 0, 1, 17 })
        {
            Array.Clear(target);
            fixed (byte* from = source, to = target) StreamingCopy.Copy((nint)from + shift, (nint)to + 100 - shift, bytes);
            Assert.True(source.AsSpan(shift, bytes).SequenceEqual(target.AsSpan(100 - shift, bytes)));
            Assert.Equal(-1, target.AsSpan(0, 100 - shift).IndexOfAnyExcept((byte)0));
            Assert.Equal(-1, target.AsSpan(100 - shift + bytes).IndexOfAnyExcept((byte)0));
        }
    }
}
