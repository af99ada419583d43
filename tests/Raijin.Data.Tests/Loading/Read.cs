using static TorchSharp.torch;

namespace Raijin.Data.Tests.Loading;

/// <summary>Sets whose samples are their own numbers, and what loaders deliver of them.</summary>
static class Read
{
    /// <summary>N samples, each labelled with its number; inputs are [N, 3], three times the number.</summary>
    public static LabeledDataset Numbered(long count)
    {
        using var scope = TensorScope.Open();
        var numbers = arange(count, dtype: ScalarType.Int64);
        return new LabeledDataset(numbers.unsqueeze(1).repeat(1, 3).to(ScalarType.Float32), numbers);
    }

    /// <summary>The sample numbers of every batch that is left, in order of delivery.</summary>
    public static List<long[]> Labels(DataLoader<LabeledBatch> loader, long epoch = 0, long firstBatch = 0)
    {
        using var reader = loader.Open(epoch, firstBatch, TestContext.Current.CancellationToken);
        var batches = new List<long[]>();
        using var scope = TensorScope.Open();
        while (reader.MoveNext())
        {
            var labels = reader.Current.Labels.data<long>().ToArray();
            Assert.Equal(labels.Length, reader.Current.Count);
            Assert.Equal(labels.SelectMany(label => new float[] { label, label, label }), reader.Current.Inputs.data<float>().ToArray());
            batches.Add(labels);
            scope.Free();
        }
        Assert.False(reader.MoveNext());
        return batches;
    }

    /// <summary>Collates sample numbers as the batches of <see cref="Numbered"/>.</summary>
    public static LabeledBatch Collated(IReadOnlyList<long> numbers)
    {
        var labels = tensor(numbers.ToArray());
        return new(labels.unsqueeze(1).repeat(1, 3).to(ScalarType.Float32), labels);
    }
}
