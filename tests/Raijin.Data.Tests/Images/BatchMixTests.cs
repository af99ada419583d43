using Raijin.Data.Tests.Loading;
using static TorchSharp.torch;

namespace Raijin.Data.Tests.Images;

public sealed class BatchMixTests
{
    [Fact]
    public void Mixup_is_the_weighted_mean_of_partners_and_of_their_labels()
    {
        using var scope = TensorScope.Open();
        var inputs = rand(6, 3, 4, 5);
        var labels = arange(6, dtype: ScalarType.Int64);
        var mixed = new Mixup(6, 0.4).Apply(new(inputs, labels), new RandomStream(3));
        var (share, partners) = Drawn(mixed.Labels);
        Assert.Equal([0, 1, 2, 3, 4, 5], partners.Order());
        Assert.InRange(share, 0.0, 1.0);
        var expected = inputs * share + inputs[tensor(partners)] * (1 - share);
        Assert.True(allclose(mixed.Inputs, expected, 1e-5, 1e-6));
        Assert.True(allclose(mixed.Labels.sum(1), ones(6), 1e-6, 1e-6));
    }

    [Fact]
    public void CutMix_pastes_one_rectangle_and_mixes_labels_by_its_area()
    {
        using var scope = TensorScope.Open();
        // Every pixel of an image is the image's number.
        var inputs = arange(8, dtype: ScalarType.Float32).reshape(8, 1, 1, 1).expand(8, 3, 20, 30);
        var labels = arange(8, dtype: ScalarType.Int64);
        var pasted = 0;
        for (ulong seed = 0; seed < 30; seed++)
        {
            var mixed = new CutMix(8).Apply(new(inputs, labels), new RandomStream(seed));
            var images = mixed.Inputs.contiguous().data<float>().ToArray();
            var targets = mixed.Labels.data<float>().ToArray();
            for (var i = 0; i < 8; i++)
            {
                var plane = images.AsSpan(i * 1800, 600).ToArray();
                Assert.Equal(plane, images.AsSpan(i * 1800 + 1200, 600).ToArray());
                var foreign = Enumerable.Range(0, 600).Where(at => plane[at] != i).ToList();
                Assert.Equal(1 - foreign.Count / 600.0, targets[i * 8 + i], 1e-5);
                if (foreign.Count == 0) continue;
                pasted++;
                var partner = (int)plane[foreign[0]];
                Assert.All(foreign, at => Assert.Equal(partner, plane[at]));
                Assert.Equal(foreign.Count / 600.0, targets[i * 8 + partner], 1e-5);
                var (width, height) = (foreign.Max(at => at % 30) - foreign.Min(at => at % 30) + 1, foreign.Max(at => at / 30) - foreign.Min(at => at / 30) + 1);
                Assert.Equal(width * height, foreign.Count);
            }
        }
        Assert.InRange(pasted, 100, 240);
    }

    [Theory]
    [InlineData(0.2)]
    [InlineData(1)]
    [InlineData(3)]
    public void Shares_have_the_moments_of_the_Beta_distribution(double alpha)
    {
        using var scope = TensorScope.Open();
        var inputs = tensor(new float[] { 1, 0 });
        double sum = 0, squares = 0;
        const int Draws = 4000;
        var drawn = 0;
        for (ulong seed = 0; drawn < Draws; seed++)
        {
            using var step = TensorScope.Open();
            // Two samples: in half of the draws each is the other's partner, and the first input is the share itself.
            var mixed = new Mixup(2, alpha).Apply(new(inputs, tensor(new long[] { 0, 1 })), new RandomStream(seed));
            var values = mixed.Inputs.data<float>().ToArray();
            if (values is [1, 0]) continue;
            drawn++;
            sum += values[0];
            squares += values[0] * values[0];
        }
        var (mean, variance) = (sum / Draws, squares / Draws - sum / Draws * (sum / Draws));
        Assert.InRange(mean, 0.47, 0.53);
        Assert.InRange(variance * 4 * (2 * alpha + 1), 0.9, 1.1);
    }

    [Fact]
    public void A_loader_mixes_by_seed_epoch_batch_and_rank_alone()
    {
        using var set = Read.Numbered(20);
        var loader = set.Batches(4).Mixed(new Mixup(20) { Seed = 5 });
        var whole = Inputs(loader, 2, 0);
        Assert.Equal(whole.Skip(3), Inputs(loader, 2, 3));
        Assert.Equal(whole, Inputs(loader, 2, 0));
        Assert.NotEqual(whole, Inputs(set.Batches(4).Mixed(new Mixup(20) { Seed = 6 }), 2, 0));
        Assert.Contains("Mixup", loader.Fingerprint, StringComparison.Ordinal);
        Assert.Equal(5, loader.BatchesPerEpoch);
        Assert.Equal(3, loader.Shard(1, 2).BatchesPerEpoch);
        Assert.NotEqual(Inputs(loader.Shard(0, 2), 0, 0), Inputs(loader.Shard(1, 2), 0, 0));

        // Unmixed batches get soft labels as well.
        using var scope = TensorScope.Open();
        using var reader = set.Batches(4).Mixed(new CutMix(20) { Probability = 0 }).Open(0);
        Assert.True(reader.MoveNext());
        Assert.Equal([4, 20], reader.Current.Labels.shape);
        Assert.Equal(4, reader.Current.Labels.max(1).values.sum().item<float>());

        static List<string> Inputs(DataLoader<LabeledBatch> loader, long epoch, long first)
        {
            using var scope = TensorScope.Open();
            using var reader = loader.Open(epoch, first);
            var batches = new List<string>();
            while (reader.MoveNext()) batches.Add(Convert.ToHexString(reader.Current.Inputs.contiguous().bytes));
            return batches;
        }
    }

    [Fact]
    public void Batches_that_cannot_be_mixed_are_refused()
    {
        using var scope = TensorScope.Open();
        Assert.Throws<ShapeMismatchException>(() => new Mixup(4).Apply(new(zeros(3, dtype: ScalarType.Int64), zeros(3, dtype: ScalarType.Int64)), new(0)));
        Assert.Throws<ShapeMismatchException>(() => new Mixup(4).Apply(new(zeros(3, 2), zeros(3, 5)), new(0)));
        Assert.Throws<ShapeMismatchException>(() => new CutMix(4).Apply(new(zeros(3, 2), zeros(3, dtype: ScalarType.Int64)), new(0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Mixup(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Mixup(3, 0));
    }

    // Which partner each sample had and with which share, told from the labels, which are the samples' numbers.
    static (double Share, long[] Partners) Drawn(Tensor soft)
    {
        var count = (int)soft.size(0);
        var targets = soft.data<float>().ToArray();
        var moved = Enumerable.Range(0, count).First(i => targets[i * count + i] < 1 - 1e-6f);
        var share = targets[moved * count + moved];
        var partners = Enumerable.Range(0, count).Select(i =>
            (long)Enumerable.Range(0, count).Append(i).First(j => (j != i && targets[i * count + j] > 0) || targets[i * count + i] > 1 - 1e-6f && j == i));
        return (share, [.. partners]);
    }
}
