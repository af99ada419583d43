using static TorchSharp.torch;

namespace Raijin.Samples.Tests.Segmentation;

public sealed class SegmentationTests
{
    [Fact]
    public void Overlap_is_counted_over_all_batches()
    {
        using var scope = TensorScope.Open();
        using var overlap = new IntersectionOverUnion(classes: 4);
        var random = new RandomStream(3);
        var (predicted, labels) = (new List<long>(), new List<long>());
        for (var batch = 0; batch < 3; batch++)
        {
            // Class 3 never occurs, and does not count.
            long[] p = [.. Enumerable.Range(0, 24).Select(_ => random.NextInt64(3))], l = [.. Enumerable.Range(0, 24).Select(_ => random.NextInt64(3))];
            overlap.Update(tensor(p).reshape(2, 3, 4), tensor(l).reshape(2, 3, 4));
            predicted.AddRange(p);
            labels.AddRange(l);
        }
        var expected = Enumerable.Range(0, 3).Average(c =>
        {
            var pairs = predicted.Zip(labels).ToList();
            return (double)pairs.Count(x => x.First == c && x.Second == c) / pairs.Count(x => x.First == c || x.Second == c);
        });
        Assert.Equal(expected, overlap.Compute(), 1e-12);
    }

    [Fact]
    public void Every_picture_shows_what_its_labels_say()
    {
        using var scope = TensorScope.Open();
        using var shapes = Shapes.Draw(count: 50, seed: 1);
        using var again = Shapes.Draw(count: 50, seed: 1);
        var (inputs, labels) = shapes.All();
        Assert.Equal([50, 1, Shapes.Side, Shapes.Side], inputs.shape);
        Assert.Equal(inputs.data<float>().ToArray(), again.All().Inputs.data<float>().ToArray());
        for (var kind = 0; kind < Shapes.Classes; kind++)
        {
            var brightness = inputs.squeeze(1)[labels.eq(kind)].mean().item<float>();
            if (kind == 0) Assert.InRange(brightness, -0.02f, 0.02f);
            else Assert.InRange(brightness, 0.6f, 0.9f);
        }
    }
}
