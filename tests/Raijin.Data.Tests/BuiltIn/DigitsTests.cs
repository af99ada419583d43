using System.IO.Compression;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Data.Tests.BuiltIn;

public sealed class DigitsTests
{
    [Fact]
    public void Digits_have_their_shape_dtype_and_range()
    {
        using var set = Digits.Load();
        using var scope = TensorScope.Open();
        var all = set.All();
        Assert.Equal([1797, 64], all.Inputs.shape);
        Assert.Equal(ScalarType.Float32, all.Inputs.dtype);
        Assert.Equal([1797], all.Labels.shape);
        Assert.Equal(ScalarType.Int64, all.Labels.dtype);
        Assert.Equal(0f, all.Inputs.min().item<float>());
        Assert.Equal(1f, all.Inputs.max().item<float>());
        Assert.Equal([178, 182, 177, 183, 181, 182, 181, 179, 174, 180], all.Labels.bincount(null, 0).data<long>().ToArray());
    }

    [Fact]
    public void Digits_are_the_published_csv_value_by_value()
    {
        var path = SharedData.Require("digits", "digits.csv.gz");
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        using var set = Digits.Load();
        using var scope = TensorScope.Open();
        var all = set.All();
        var inputs = all.Inputs.data<float>().ToArray();
        var labels = all.Labels.data<long>().ToArray();
        for (var row = 0; reader.ReadLine() is { } line; row++)
        {
            var values = Array.ConvertAll(line.Split(','), int.Parse);
            Assert.Equal(values[..64], inputs[(64 * row)..(64 * row + 64)].Select(x => (int)(x * 16)));
            Assert.Equal(values[64], labels[row]);
        }
    }

    [Fact]
    public void Digits_load_split_and_batch_in_one_line()
    {
        using var set = Digits.Load();
        var data = set.Split(validation: 0.2).Batches(64);
        Assert.Equal(23, data.Train.BatchesPerEpoch);
        Assert.Equal(6, data.Validation!.BatchesPerEpoch);
        Assert.Null(data.Test);
    }

    [Fact]
    public void Iris_has_three_species_of_fifty()
    {
        using var set = Iris.Load();
        using var scope = TensorScope.Open();
        var all = set.All();
        Assert.Equal([150, 4], all.Inputs.shape);
        Assert.Equal([50, 50, 50], all.Labels.bincount(null, 0).data<long>().ToArray());
        Assert.Equal([5.1f, 3.5f, 1.4f, 0.2f], all.Inputs[0].data<float>().ToArray());
    }
}
