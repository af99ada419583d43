namespace Raijin.Samples.Tests.Segmentation;

public sealed class SegmentationTests
{
    [Fact]
    public void Every_picture_shows_what_its_labels_say()
    {
        using var scope = TensorScope.Open();
        using var shapes = ShapePictures.Draw(count: 50, seed: 1);
        using var again = ShapePictures.Draw(count: 50, seed: 1);
        var (inputs, labels) = shapes.All();
        Assert.Equal([50, 1, ShapePictures.Side, ShapePictures.Side], inputs.shape);
        Assert.Equal(inputs.data<float>().ToArray(), again.All().Inputs.data<float>().ToArray());
        for (var kind = 0; kind < ShapePictures.Classes; kind++)
        {
            var brightness = inputs.squeeze(1)[labels.eq(kind)].mean().item<float>();
            if (kind == 0) Assert.InRange(brightness, -0.02f, 0.02f);
            else Assert.InRange(brightness, 0.6f, 0.9f);
        }
    }
}
