using CsCheck;
using Raijin.Data.Tests.Loading;
using static TorchSharp.torch;

namespace Raijin.Data.Tests.Datasets;

public sealed class FoldSplitTests
{
    [Fact]
    public void Every_sample_is_validated_on_in_one_fold_and_trained_on_in_the_others() =>
        Gen.Select(Gen.Int[2, 60], Gen.Int[2, 8], Gen.ULong).Sample((count, k, seed) =>
        {
            k = Math.Min(k, count);
            using var set = Read.Numbered(count);
            var folds = set.Folds(k, seed);
            using var scope = TensorScope.Open();
            var all = Enumerable.Range(0, count).Select(i => (long)i).ToArray();
            Assert.Equal(all, folds.SelectMany(fold => Labels(fold.Validation!)).Order());
            Assert.All(folds, fold => Assert.Equal(all, Labels(fold.Train).Concat(Labels(fold.Validation!)).Order()));
            Assert.InRange(folds.Max(fold => fold.Validation!.Count) - folds.Min(fold => fold.Validation!.Count), 0, 1);
            var samples = Dataset.Of(count, request => request.Index).Folds(k, seed);
            Assert.Equal(Labels(folds[1].Validation!), Enumerable.Range(0, (int)samples[1].Validation!.Count).Select(i => samples[1].Validation!.Get(new(i))));
        }, iter: 100);

    [Fact]
    public void Stratified_folds_have_every_class_alike() =>
        Gen.Select(Gen.Long[0, 3].Array[4, 60], Gen.Int[2, 5], Gen.ULong).Sample((labels, k, seed) =>
        {
            k = Math.Min(k, labels.Length);
            using var scope = TensorScope.Open();
            using var set = new LabeledDataset(zeros(labels.Length, 1), tensor(labels));
            Assert.Equal(labels, set.Classes());
            var folds = set.StratifiedFolds(k, seed);
            foreach (var label in labels.Distinct())
            {
                var counts = folds.Select(fold => Labels(fold.Validation!).Count(l => l == label)).ToArray();
                Assert.InRange(counts.Max() - counts.Min(), 0, 1);
            }
            Assert.InRange(folds.Max(fold => fold.Validation!.Count) - folds.Min(fold => fold.Validation!.Count), 0, 1);
        }, iter: 60);

    [Fact]
    public void Folds_batch_and_name_themselves()
    {
        using var set = Read.Numbered(10);
        var fold = set.Folds(5, seed: 2)[3].Batches(4);
        Assert.EndsWith(", train part of fold 3 of 5 of 10 by seed 2", fold.Train.Fingerprint, StringComparison.Ordinal);
        Assert.Equal(2, Read.Labels(fold.Validation!.Only).Sum(batch => batch.Length));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Folds(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Folds(11));
        Assert.Throws<ArgumentException>(() => set.StratifiedFolds(2, [1, 2]));
    }

    [Fact]
    public void Subsets_keep_the_order_given_and_may_repeat()
    {
        using var set = Read.Numbered(10);
        using var scope = TensorScope.Open();
        Assert.Equal([7, 1, 7], Labels(set.Subset([7, 1, 7])));
        Assert.Equal([0, 1, 2], Labels(set.First(3)));
        Assert.Equal(10, set.First(99).Count);
        Assert.Equal([1, 7], Labels(set.Subset([7, 1, 7]).Subset([1, 0])));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Subset([10]));
        var samples = Dataset.Of(10, request => request.Index);
        Assert.Equal(8, samples.Subset([3, 8]).Get(new(1)));
        Assert.NotEqual(set.Subset([1, 2]).Batches(1).Fingerprint, set.Subset([2, 1]).Batches(1).Fingerprint);
    }

    [Fact]
    public void Labels_that_are_no_classes_are_refused()
    {
        using var scope = TensorScope.Open();
        using var set = new LabeledDataset(zeros(4, 1), zeros(4));
        Assert.Throws<ShapeMismatchException>(() => set.Classes());
    }

    static long[] Labels(TensorDataset<LabeledBatch> set) => set.All().Labels.data<long>().ToArray();
}
