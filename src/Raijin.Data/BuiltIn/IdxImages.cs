using static TorchSharp.torch;

namespace Raijin.Data;

/// <summary>A set of labelled 28 × 28 images in four idx files, as MNIST is published.</summary>
sealed record IdxImages(
    string Name, IReadOnlyList<Uri> Mirrors, PublishedFile TrainImages, PublishedFile TrainLabels, PublishedFile TestImages, PublishedFile TestLabels)
{
    const int Side = 28;
    const int Classes = 10;

    IReadOnlyList<PublishedFile> Files => [TrainImages, TrainLabels, TestImages, TestLabels];

    public TensorSplits<LabeledBatch> Load(string folder, string type)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var missing = Files.Where(file => file.In(folder) is null).Select(file => file.Name).ToArray();
        if (missing.Length > 0)
            throw new FileNotFoundException(
                $"{Name} is not in '{folder}': {string.Join(", ", missing)} missing (raw or .gz). Get {(missing.Length == 1 ? "it" : "them")} with "
                + $"{type}.DownloadAsync(\"{folder}\"), or put {(missing.Length == 1 ? "it" : "them")} there by hand, from {Mirrors[0]} for one.",
                Path.Combine(folder, missing[0]));

        using var scope = TensorScope.Open();
        var (train, test) = (Read(folder, TrainImages, TrainLabels), Read(folder, TestImages, TestLabels));
        return new(new LabeledDataset(train.Images, train.Labels), Test: new LabeledDataset(test.Images, test.Labels));
    }

    public async Task DownloadAsync(string folder, DownloadOptions options, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Directory.CreateDirectory(folder);
        using var own = options.Client is null ? new HttpClient() : null;
        foreach (var file in Files)
            if (file.In(folder) is null)
                await file.DownloadAsync(folder, options.Mirrors ?? Mirrors, options.Client ?? own!, progress, cancellationToken).ConfigureAwait(false);
    }

    static (Tensor Images, Tensor Labels) Read(string folder, PublishedFile imageFile, PublishedFile labelFile)
    {
        var (imagePath, labelPath) = (imageFile.In(folder)!, labelFile.In(folder)!);
        var images = IdxReader.Read(imagePath);  // [N, 28, 28] uint8
        var labels = IdxReader.Read(labelPath);  // [N] uint8
        if (images.shape is not [_, Side, Side] || images.dtype != ScalarType.Byte) throw Unexpected(imagePath, images, $"[N, {Side}, {Side}] Byte");
        if (labels.shape is not [_] || labels.dtype != ScalarType.Byte) throw Unexpected(labelPath, labels, "[N] Byte");
        if (labels.shape[0] != images.shape[0]) throw Unexpected(labelPath, labels, $"[{images.shape[0]}] Byte, a label for each image of {imagePath}");
        if (labels.NumberOfElements > 0 && labels.max().item<byte>() is var most && most >= Classes)
            throw new InvalidDataException($"{labelPath} holds label {most}; 0 to {Classes - 1} are expected. Fetch the file again.");

        return (images.to(ScalarType.Float32).div_(byte.MaxValue).unsqueeze(1), labels.to(ScalarType.Int64));
    }

    static InvalidDataException Unexpected(string path, Tensor found, string expected) =>
        new($"{path} holds [{string.Join(", ", found.shape)}] {found.dtype}; {expected} is expected. Is it another set's file?");
}
