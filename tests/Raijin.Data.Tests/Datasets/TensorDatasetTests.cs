using CsCheck;
using Raijin.Data.Tests.Loading;
using static TorchSharp.torch;

namespace Raijin.Data.Tests.Datasets;

public sealed class TensorDatasetTests
{
    [Fact]
    public void A_split_is_disjoint_and_whole_and_the_same_for_the_same_seed() =>
        Gen.Select(Gen.Int[4, 200], Gen.Double[0.05, 0.4], Gen.Double[0.05, 0.4], Gen.ULong).Sample((count, validation, test, seed) =>
        {
            using var set = Read.Numbered(count);
            using var scope = TensorScope.Open();
            var split = set.Split(validation, test, seed);
            var parts = new[] { split.Train, split.Validation!, split.Test! }.Select(part => part.All().Labels.data<long>().ToArray()).ToArray();
            Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), parts.SelectMany(part => part).Order());
            Assert.Equal(Math.Max(1, Math.Round(count * validation)), parts[1].Length);
            Assert.Equal(parts[0], set.Split(validation, test, seed).Train.All().Labels.data<long>().ToArray());
        }, iter: 100);

    [Fact]
    public void Parts_can_be_split_again_and_batched()
    {
        using var set = Read.Numbered(100);
        var outer = set.Split(validation: 0.5);
        var inner = outer.Train.Split(validation: 0.5);
        var seen = Read.Labels(inner.Train.Batches(7)).Concat(Read.Labels(inner.Validation!.Batches(7))).Concat(Read.Labels(outer.Validation!.Batches(7)));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (long)i), seen.SelectMany(batch => batch).Order());
    }

    [Fact]
    public void Training_parts_are_shuffled_and_the_others_come_in_order()
    {
        using var set = Read.Numbered(100);
        var data = set.Split(validation: 0.3, test: 0.2).Batches(16);
        var train = Read.Labels(data.Train).SelectMany(b => b).ToArray();
        Assert.NotEqual(train.Order(), train);
        foreach (var part in new[] { data.Validation!.Only, data.Test!.Only })
        {
            var samples = Read.Labels(part).SelectMany(b => b).ToArray();
            Assert.Equal(samples.Order(), samples);
        }
    }

    [Fact]
    public void A_validation_part_can_be_held_out_of_a_set_that_comes_divided()
    {
        using var train = Read.Numbered(50);
        using var test = Read.Numbered(20);
        var published = new TensorSplits<LabeledBatch>(train, Test: test);
        var split = published.Split(validation: 0.2);
        Assert.Equal((40, 10, 20), (split.Train.Count, split.Validation!.Count, split.Test!.Count));
        Assert.Throws<InvalidOperationException>(() => split.Split(0.1));
    }

    [Fact]
    public void The_tensors_given_stay_the_callers_and_the_set_outlives_them()
    {
        using var labels = arange(5, dtype: ScalarType.Int64);
        TensorDataset<LabeledBatch> set;
        using (var scope = TensorScope.Open()) set = new LabeledDataset(arange(5), labels);
        using (set)
        {
            using var scope = TensorScope.Open();
            Assert.Equal([4, 0], set.Gather(4, 0).Labels.data<long>().ToArray());
        }
        Assert.False(labels.IsInvalid);
        Assert.Throws<ObjectDisposedException>(() => set.Gather(0));
    }

    [Fact]
    public void Inputs_and_labels_of_different_length_are_refused_with_both_shapes()
    {
        using var scope = TensorScope.Open();
        var error = Assert.Throws<ShapeMismatchException>(() => new LabeledDataset(zeros(5, 2), zeros(4)));
        Assert.Equal("labels: expected 5 rows, as many as inputs, but it is [4]. Give one row a sample in every tensor.", error.Message);
        Assert.Throws<ShapeMismatchException>(() => new TensorDataset(tensor(1f)));
    }

    [Fact]
    public void An_empty_set_is_refused_when_it_is_to_be_batched()
    {
        using var set = Read.Numbered(0);
        var error = Assert.Throws<InvalidOptionsException>(() => set.Batches(1));
        Assert.Equal("dataset", Assert.Single(error.Faults).Key);
    }

    [Theory]
    [InlineData(-0.1, 0)]
    [InlineData(1, 0)]
    [InlineData(double.NaN, 0)]
    [InlineData(0.5, 1.5)]
    [InlineData(0.5, 0.5)]
    public void Shares_that_leave_nothing_to_train_on_are_refused(double validation, double test)
    {
        using var set = Read.Numbered(10);
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Split(validation, test));
    }

    [Fact]
    public void Samples_outside_a_part_are_refused()
    {
        using var set = Read.Numbered(10);
        var part = set.Split(validation: 0.5).Train;
        Assert.Throws<ArgumentOutOfRangeException>(() => part.Gather(5));
        Assert.Throws<ArgumentOutOfRangeException>(() => part.Gather(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Gather(10));
    }
}
