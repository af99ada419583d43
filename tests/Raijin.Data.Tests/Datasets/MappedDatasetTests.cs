using System.Runtime.InteropServices;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Data.Tests.Datasets;

public sealed class MappedDatasetTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Rows_are_read_where_they_lie_behind_the_header()
    {
        File.WriteAllBytes(_folder["rows"], [9, 9, 9, .. MemoryMarshal.AsBytes<float>([1, 2, 3, 4, 5, 6])]);
        using var set = new MappedDataset<float>(_folder["rows"], rowLength: 2, offsetBytes: 3);
        Assert.Equal(3, set.Count);
        Assert.Equal([5, 6], set.Get(new(2)));
        Assert.Equal([1, 2], set.Get(new(0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Get(new(3)));
    }

    [Fact]
    public void A_stride_makes_windows_over_one_run_of_tokens()
    {
        File.WriteAllBytes(_folder["tokens"], MemoryMarshal.AsBytes<ushort>([0, 1, 2, 3, 4, 5, 6, 7]).ToArray());
        using var set = new MappedDataset<ushort>(_folder["tokens"], rowLength: 4, stride: 3);
        Assert.Equal(2, set.Count);
        Assert.Equal([3, 4, 5, 6], set.Get(new(1)));
    }

    [Fact]
    public void Rows_become_batches_on_workers()
    {
        File.WriteAllBytes(_folder["rows"], [.. MemoryMarshal.AsBytes<long>([.. Enumerable.Range(0, 40).Select(i => (long)i)])]);
        using var set = new MappedDataset<long>(_folder["rows"], rowLength: 4);
        var loader = set.Batches(new LoaderOptions { BatchSize = 3, Shuffle = false, Workers = 2 }, rows => new TensorBatch(Collate.Rows(rows)));
        using var reader = loader.Open(0, cancellationToken: TestContext.Current.CancellationToken);
        using var scope = TensorScope.Open();
        var seen = new List<long>();
        while (reader.MoveNext()) seen.AddRange(reader.Current.Inputs.data<long>().ToArray());
        Assert.Equal(Enumerable.Range(0, 40).Select(i => (long)i), seen);
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(7, null)]
    [InlineData(10, null)]
    [InlineData(12, null)]
    [InlineData(9, 1)]
    [InlineData(4, 1)]
    public void A_file_that_ends_inside_a_row_or_has_none_is_refused(int bytes, int? stride)
    {
        File.WriteAllBytes(_folder["rows"], new byte[bytes]);
        var error = Assert.Throws<InvalidDataException>(() => new MappedDataset<short>(_folder["rows"], rowLength: 4, stride));
        Assert.Contains($"has {bytes} bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        var error = Assert.Throws<FileNotFoundException>(() => new MappedDataset<short>(_folder["none"], rowLength: 4));
        Assert.Contains("none", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_closed_set_says_so()
    {
        File.WriteAllBytes(_folder["rows"], new byte[8]);
        var set = new MappedDataset<short>(_folder["rows"], rowLength: 4);
        set.Dispose();
        Assert.Throws<ObjectDisposedException>(() => set.Get(new(0)));
    }

    [Fact]
    public void Rows_collate_by_type_and_length()
    {
        using var scope = TensorScope.Open();
        var halves = Collate.Rows<Half>([[(Half)1], [(Half)2.5]]);
        Assert.Equal(ScalarType.Float16, halves.dtype);
        Assert.Equal([2, 1], halves.shape);
        Assert.Equal(2.5f, halves[1, 0].to(ScalarType.Float32).item<float>());
        Assert.Throws<ShapeMismatchException>(() => Collate.Rows<int>([[1, 2], [3]]));
        Assert.Throws<NotSupportedException>(() => Collate.Rows<ushort>([[1]]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Collate.Rows<int>([]));
    }
}
