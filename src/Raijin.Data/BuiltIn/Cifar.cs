using Raijin.Data;

namespace Raijin;

/// <summary>
/// CIFAR-10: 32 × 32 colour photographs of ten kinds of things, 50,000 to train on and 10,000 to test on (Krizhevsky 2009). Read from a local
/// folder; can be downloaded into it.
/// </summary>
public static class Cifar10
{
    static readonly CifarFiles Set = new(
        "CIFAR-10", "Cifar10", new("cifar-10-binary.tar", 170_052_171, "c32a1d4ab5d03f1284b67883e8d87530"), "cifar-10-batches-bin",
        ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"], "test_batch.bin", LabelBytes: 1, NumClasses: 10);

    /// <summary>The kinds of things, by class number.</summary>
    public static IReadOnlyList<string> Classes { get; } = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    /// <summary>Loads the set, divided as published into training and test samples.</summary>
    /// <param name="folder">Where its six binary files lie, or the archive (.tar.gz) they are published in.</param>
    /// <returns>Inputs [N, 3, 32, 32] uint8, red, green and blue; labels [N] int64, 0 to 9. For transforms: <see cref="ImageLoading.Images"/>.</returns>
    /// <exception cref="FileNotFoundException">A file is missing; says which, and how to get them.</exception>
    /// <exception cref="InvalidDataException">A file is damaged or is not what its name says.</exception>
    public static TensorSplits<LabeledBatch> Load(string folder) => Set.Load(folder);

    /// <summary>
    /// Downloads the archive (170 MB) if neither it nor its files are in <paramref name="folder"/> yet, and holds it against the published checksum.
    /// </summary>
    /// <param name="folder">Where to put it; made when it does not exist.</param>
    /// <param name="options">Mirrors and client.</param>
    /// <param name="progress">Told how far it has come.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DownloadException">No mirror gave the whole file; says why each did not, and what to do by hand.</exception>
    public static Task DownloadAsync(
        string folder, DownloadOptions? options = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Set.DownloadAsync(folder, options ?? new(), progress, cancellationToken);
}

/// <summary>
/// CIFAR-100: 32 × 32 colour photographs of a hundred kinds of things, 50,000 to train on and 10,000 to test on (Krizhevsky 2009). Read from a
/// local folder; can be downloaded into it.
/// </summary>
public static class Cifar100
{
    static readonly CifarFiles Set = new(
        "CIFAR-100", "Cifar100", new("cifar-100-binary.tar", 168_513_733, "03b5dce01913d631647c71ecec9e9cb8"), "cifar-100-binary",
        ["train.bin"], "test.bin", LabelBytes: 2, NumClasses: 100);

    /// <summary>Loads the set, divided as published into training and test samples, with its fine labels.</summary>
    /// <param name="folder">Where its two binary files lie, or the archive (.tar.gz) they are published in.</param>
    /// <returns>Inputs [N, 3, 32, 32] uint8, red, green and blue; labels [N] int64, 0 to 99. For transforms: <see cref="ImageLoading.Images"/>.</returns>
    /// <inheritdoc cref="Cifar10.Load" path="/exception"/>
    public static TensorSplits<LabeledBatch> Load(string folder) => Set.Load(folder);

    /// <summary>
    /// Downloads the archive (169 MB) if neither it nor its files are in <paramref name="folder"/> yet, and holds it against the published checksum.
    /// </summary>
    /// <inheritdoc cref="Cifar10.DownloadAsync" path="/param"/>
    /// <inheritdoc cref="Cifar10.DownloadAsync" path="/exception"/>
    public static Task DownloadAsync(
        string folder, DownloadOptions? options = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Set.DownloadAsync(folder, options ?? new(), progress, cancellationToken);
}
