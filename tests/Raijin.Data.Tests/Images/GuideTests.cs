using Raijin.Testing;

namespace Raijin.Data.Tests.Images;

/// <summary>The code of docs/guides/images.md.</summary>
public sealed class GuideTests
{
    [Fact]
    public void The_guides_code_trains_and_evaluates_on_a_folder()
    {
        using var folder = new TemporaryFolder();
        foreach (var part in new[] { "train", "val" })
        {
            Directory.CreateDirectory(folder[$"{part}/cat"]);
            for (var i = 0; i < 4; i++) File.WriteAllBytes(folder[$"{part}/cat/{i}.jpg"], Recorded.Bytes("jpeg420"));
        }
        using var scope = TensorScope.Open();
        using var reader = Folders(folder.Path).Train.Open(0);
        Assert.True(reader.MoveNext());
        Assert.Equal([4, 3, 224, 224], reader.Current.Inputs.shape);
        using var image = Inverted(RgbImage.Decode(Recorded.Bytes("png")));
        using var expected = Recorded.Image("invert");
        Same.Pixels(expected, image);
    }

    static DataLoaders<LabeledBatch> Folders(string root)
    {
        // snippet: folders
        var options = new LoaderOptions { BatchSize = 4, Workers = 2, Seed = 1 };
        ImageTransforms augment = [new RandomResizedCrop(224), new RandomHorizontalFlip(), new RandAugment()];
        ImageTransforms evaluate = [new Resize(256), new CenterCrop(224)];

        var train = new ImageFolder(Path.Combine(root, "train")).Batches(options, augment, Normalize.ImageNet);
        var val = new ImageFolder(Path.Combine(root, "val")).Batches(options.ForEvaluation(), evaluate, Normalize.ImageNet);
        return new(train.Mixed(new Mixup(Classes: 1000, Alpha: 0.2)), val);
        // end snippet
    }

    static RgbImage Inverted(RgbImage image)
    {
        new Invert().Apply(image, new RandomStream(0));
        return image;
    }

    // snippet: own
    sealed record Invert(double Probability = 1) : ImageTransform
    {
        public override void Apply(RgbImage image, RandomStream random)
        {
            if (random.NextDouble() >= Probability) return;
            foreach (ref var pixel in image.Pixels) pixel = new((byte)(255 - pixel.R), (byte)(255 - pixel.G), (byte)(255 - pixel.B));
        }
    }
    // end snippet
}
