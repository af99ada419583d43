using Raijin.Data;

namespace Raijin;

/// <summary>
/// MNIST: handwritten digits as 28 × 28 images, 60,000 to train on and 10,000 to test on. Read from a local folder; can be downloaded into
/// it.
/// </summary>
public static class Mnist
{
    static readonly IdxImages Set = new(
        "MNIST",
        [new("https://ossci-datasets.s3.amazonaws.com/mnist/"), new("https://storage.googleapis.com/cvdf-datasets/mnist/")],
        TrainImages: new("train-images-idx3-ubyte", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        TrainLabels: new("train-labels-idx1-ubyte", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
        TestImages: new("t10k-images-idx3-ubyte", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
        TestLabels: new("t10k-labels-idx1-ubyte", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"));

    /// <summary>
    /// Loads the set, divided as published into training and test samples: <c>Load(folder).Split(validation: 0.1).Batches(64)</c>.
    /// </summary>
    /// <param name="folder">Where its four idx files lie, raw or with .gz.</param>
    /// <returns>Inputs [N, 1, 28, 28] float32 from 0 (paper) to 1 (ink), labels [N] int64, 0 to 9.</returns>
    /// <exception cref="FileNotFoundException">A file is missing; says which, and how to get them.</exception>
    /// <exception cref="InvalidDataException">A file is damaged or is not what its name says.</exception>
    public static TensorSplits<LabeledBatch> Load(string folder) => Set.Load(folder, "Mnist");

    /// <summary>
    /// Downloads the files that are not in <paramref name="folder"/> yet (11.6 MB in all) and holds them against the published checksums.
    /// </summary>
    /// <param name="folder">Where to put them; made when it does not exist.</param>
    /// <param name="options">Mirrors and client.</param>
    /// <param name="progress">Told how far each file has come.</param>
    /// <param name="cancellationToken">Ends it; what was downloaded whole stays.</param>
    /// <exception cref="DownloadException">No mirror gave a whole file; says why each did not, and what to do by hand.</exception>
    public static Task DownloadAsync(
        string folder, DownloadOptions? options = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Set.DownloadAsync(folder, options ?? new(), progress, cancellationToken);
}

/// <summary>
/// Fashion-MNIST: 28 × 28 images of ten kinds of clothing by Zalando (MIT licence), 60,000 to train on and 10,000 to test on; a harder
/// stand-in for MNIST with the same files. Read from a local folder; can be downloaded into it.
/// </summary>
public static class FashionMnist
{
    static readonly IdxImages Set = new(
        "Fashion-MNIST",
        [
            new("https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"),
            new("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
        ],
        TrainImages: new("train-images-idx3-ubyte", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        TrainLabels: new("train-labels-idx1-ubyte", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
        TestImages: new("t10k-images-idx3-ubyte", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
        TestLabels: new("t10k-labels-idx1-ubyte", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"));

    /// <summary>The kinds of clothing, by class number.</summary>
    public static IReadOnlyList<string> Classes { get; } =
        ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];

    /// <inheritdoc cref="Mnist.Load"/>
    public static TensorSplits<LabeledBatch> Load(string folder) => Set.Load(folder, "FashionMnist");

    /// <summary>
    /// Downloads the files that are not in <paramref name="folder"/> yet (30.9 MB in all) and holds them against the published checksums.
    /// </summary>
    /// <inheritdoc cref="Mnist.DownloadAsync" path="/param"/>
    /// <inheritdoc cref="Mnist.DownloadAsync" path="/exception"/>
    public static Task DownloadAsync(
        string folder, DownloadOptions? options = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Set.DownloadAsync(folder, options ?? new(), progress, cancellationToken);
}
