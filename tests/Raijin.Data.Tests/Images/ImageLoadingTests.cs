using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Data.Tests.Images;

public sealed class ImageLoadingTests : IDisposable
{
    static readonly ImageTransforms Everything =
    [
        new RandomResizedCrop(16), new RandomHorizontalFlip(), new RandomVerticalFlip(), new RandomRotation(20), new RandomAffine(10) { TranslateX = 0.1 },
        new ColorJitter { Brightness = 0.4, Contrast = 0.4, Saturation = 0.4, Hue = 0.1 }, new Greyscale(0.2), new GaussianBlur(3), new RandAugment(),
        new TrivialAugment(), new RandomErasing { Fill = null },
    ];

    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Classes_and_samples_are_in_ordinal_order_and_known_by_their_names()
    {
        Write("b/x.jpg", "a/2.JPG", "a/10.png", "a/deep/er/1.webp", "a/notes.txt", "B/z.jpeg");
        var set = new ImageFolder(_folder.Path);
        Assert.Equal(["B", "a", "b"], set.Classes);
        Assert.Equal(["B/z.jpeg", "a/10.png", "a/2.JPG", "a/deep/er/1.webp", "b/x.jpg"], set.Paths.Select(path => Path.GetRelativePath(_folder.Path, path)));
        Assert.Equal([0, 1, 1, 1, 2], set.Labels);
        using var image = set.Get(new(4)).Image;
        Assert.Equal((42, 36, 2L), (image.Width, image.Height, set.Get(new(4)).Label));

        var fingerprint = Loader(set, workers: 0).Fingerprint;
        Assert.Equal(fingerprint, Loader(new ImageFolder(_folder.Path), workers: 2).Fingerprint);
        Assert.Contains("RandomResizedCrop", fingerprint, StringComparison.Ordinal);
        Write("b/y.jpg");
        Assert.NotEqual(fingerprint.Split("images of")[1], Loader(new ImageFolder(_folder.Path), workers: 0).Fingerprint.Split("images of")[1]);
    }

    [Fact]
    public void A_folder_without_classes_or_a_class_without_images_is_refused()
    {
        Assert.Contains("There is no folder", Assert.Throws<DirectoryNotFoundException>(() => new ImageFolder(_folder["none"])).Message, StringComparison.Ordinal);
        Assert.Contains("has no folders", Assert.Throws<InvalidDataException>(() => new ImageFolder(_folder.Path)).Message, StringComparison.Ordinal);
        Write("a/1.jpg", "b/readme.txt");
        var error = Assert.Throws<InvalidDataException>(() => new ImageFolder(_folder.Path));
        Assert.Contains($"'{_folder["b"]}' has no image (.jpg, .jpeg, .png, .webp, .bmp)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Order_and_workers_never_change_a_sample()
    {
        Write([.. Enumerable.Range(0, 11).Select(i => $"{(i % 2 == 0 ? "even" : "odd")}/{i:d2}.jpg")]);
        var set = new ImageFolder(_folder.Path);
        var expected = BySample(Loader(set, workers: 0, shuffle: false), epoch: 3);
        Assert.Equal(11, expected.Count);
        foreach (var workers in new[] { 0, 1, 4 })
            Assert.Equal(expected, BySample(Loader(set, workers, shuffle: true), epoch: 3));
        Assert.NotEqual(expected, BySample(Loader(set, workers: 0, shuffle: false), epoch: 4));
        Assert.NotEqual(expected, BySample(set.Batches(new LoaderOptions { BatchSize = 3, Seed = 1 }, Everything, Normalize.Unit), epoch: 3));
    }

    [Fact]
    public void Pixels_become_normalised_planes_bytes_or_grey()
    {
        using var source = Recorded.Image("source");
        var pixels = source.Pixels.ToArray();
        var images = Dataset.Of(2, request => new LabeledImage(Recorded.Image("source"), request.Index + 5));
        var options = new LoaderOptions { BatchSize = 2, Shuffle = false };
        using var scope = TensorScope.Open();
        var batch = First(images.Batches(options, [], Normalize.ImageNet));
        Assert.Equal([2, 3, 24, 30], batch.Inputs.shape);
        Assert.Equal([5, 6], batch.Labels.data<long>().ToArray());
        var (mean, deviation) = (new[] { 0.485, 0.456, 0.406 }, new[] { 0.229, 0.224, 0.225 });
        var values = batch.Inputs.data<float>().ToArray();
        var bytes = First(images.Batches(options, [])).Inputs;
        Assert.Equal(ScalarType.Byte, bytes.dtype);
        var levels = bytes.data<byte>().ToArray();
        var grey = First(images.Batches(options, [], Normalize.Grey)).Inputs;
        Assert.Equal([2, 1, 24, 30], grey.shape);
        for (var i = 0; i < values.Length; i++)
        {
            var (channel, pixel) = (i / 720 % 3, pixels[i % 720]);
            Assert.Equal(Same.Channel(pixel, channel), levels[i]);
            Assert.Equal((Same.Channel(pixel, channel) / 255.0 - mean[channel]) / deviation[channel], values[i], 5e-7);
        }
        var tones = grey.data<float>().ToArray();
        for (var i = 0; i < 720; i++) Assert.Equal((0.299 * pixels[i].R + 0.587 * pixels[i].G + 0.114 * pixels[i].B) / 255, tones[i], 0.51 / 255);
    }

    [Fact]
    public void Tensors_in_memory_are_images_too()
    {
        using var scope = TensorScope.Open();
        var levels = randint(0, 256, [5, 3, 6, 7], ScalarType.Byte);
        using var set = new LabeledDataset(levels, arange(5, dtype: ScalarType.Int64));
        var options = new LoaderOptions { BatchSize = 5, Shuffle = false };
        var batch = First(set.Images().Batches(options, [new RandomHorizontalFlip(1)]));
        Assert.True(batch.Inputs.equal(levels.flip(3)).all().item<bool>());
        Assert.Equal([0, 1, 2, 3, 4], batch.Labels.data<long>().ToArray());

        using var grey = new LabeledDataset(levels.narrow(1, 0, 1).to(ScalarType.Float32).div(255), arange(5, dtype: ScalarType.Int64));
        var back = First(grey.Images().Batches(options, [new RandomCrop(6, 7)], Normalize.Grey)).Inputs;
        Assert.Equal(0, (back * 255 - levels.narrow(1, 0, 1)).abs().max().item<float>(), 1e-4);

        using var flat = new LabeledDataset(levels.reshape(5, -1), arange(5, dtype: ScalarType.Int64));
        Assert.Contains("[N, 1 or 3, H, W]", Assert.Throws<ShapeMismatchException>(() => flat.Images()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_without_labels_become_batches_to_predict()
    {
        Write("a/1.jpg", "a/2.jpg");
        using var scope = TensorScope.Open();
        var loader = new ImageFiles([_folder["a/1.jpg"], _folder["a/2.jpg"]]).Batches(new LoaderOptions { BatchSize = 2, Workers = 1 }, [new Resize(9, 8)], Normalize.Unit);
        Assert.Equal([2, 3, 9, 8], First(loader).Inputs.shape);
    }

    [Fact]
    public void Images_of_two_sizes_and_damaged_files_are_named()
    {
        Write("a/1.jpg", "a/2.png");
        var set = new ImageFolder(_folder.Path);
        var options = new LoaderOptions { BatchSize = 2, Shuffle = false };
        var error = Assert.Throws<DataLoaderException>(() => First(set.Batches(options, [new Resize(8)])));
        Assert.Contains("image 1 of the batch: expected 9 × 8 pixels, as the first, but it is 10 × 8", error.Message, StringComparison.Ordinal);
        File.WriteAllBytes(_folder["a/2.png"], Recorded.Bytes("png")[..200]);
        error = Assert.Throws<DataLoaderException>(() => First(set.Batches(options with { Workers = 2 }, Everything)));
        Assert.Contains(_folder["a/2.png"], error.Message, StringComparison.Ordinal);
        Assert.IsType<ImageException>(error.InnerException);
    }

    static DataLoader<LabeledBatch> Loader(ImageFolder set, int workers, bool shuffle = true) =>
        set.Batches(new LoaderOptions { BatchSize = 3, Workers = workers, Shuffle = shuffle }, Everything, Normalize.Unit);

    // The files' images by a hash of their pixels, sorted: what each sample became, whatever the order.
    static List<string> BySample(DataLoader<LabeledBatch> loader, long epoch)
    {
        var samples = new List<string>();
        using var scope = TensorScope.Open();
        using var reader = loader.Open(epoch, cancellationToken: TestContext.Current.CancellationToken);
        while (reader.MoveNext())
        {
            for (var i = 0; i < reader.Current.Count; i++)
                samples.Add(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(reader.Current.Inputs[i].contiguous().bytes)));
            scope.Free();
        }
        samples.Sort(StringComparer.Ordinal);
        return samples;
    }

    static TBatch First<TBatch>(DataLoader<TBatch> loader) where TBatch : IBatch<TBatch>
    {
        using var reader = loader.Open(0, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(reader.MoveNext());
        return reader.Current;
    }

    void Write(params string[] names)
    {
        for (var i = 0; i < names.Length; i++)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder[names[i]])!);
            File.WriteAllBytes(_folder[names[i]], Recorded.Bytes(names[i].EndsWith(".png", StringComparison.Ordinal) ? "png" : "jpeg420"));
        }
    }
}
