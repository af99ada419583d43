using System.Formats.Tar;
using System.IO.Compression;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Data.Tests.BuiltIn;

public sealed class CifarTests : IDisposable
{
    static readonly string[] Files10 = ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"];

    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Records_become_images_and_labels_in_the_order_of_the_files()
    {
        for (var i = 0; i < Files10.Length; i++) File.WriteAllBytes(_folder[Files10[i]], [.. Record([(byte)i], (byte)(10 * i)), .. Record([9], (byte)(10 * i + 1))]);
        var set = Cifar10.Load(_folder.Path);
        using var train = set.Train;
        using var test = set.Test!;
        Assert.Equal((10, 2), (train.Count, test.Count));
        using var scope = TensorScope.Open();
        var all = train.All();
        Assert.Equal([10, 3, 32, 32], all.Inputs.shape);
        Assert.Equal(ScalarType.Byte, all.Inputs.dtype);
        Assert.Equal([0, 9, 1, 9, 2, 9, 3, 9, 4, 9], all.Labels.data<long>().ToArray());
        // The first pixel of each plane, and the last of all.
        Assert.Equal([11, 12, 13, 254], new[] { all.Inputs[3, 0, 0, 0], all.Inputs[3, 1, 0, 0], all.Inputs[3, 2, 0, 0], all.Inputs[3, 2, 31, 31] }.Select(t => (int)t.item<byte>()));
        using var image = train.Images().Get(new(3)).Image;
        Assert.Equal(new Rgb(11, 12, 13), image.Row(0)[0]);
    }

    [Fact]
    public void The_fine_labels_of_CIFAR_100_are_taken_from_the_published_archive_too()
    {
        using (var gzip = new GZipStream(File.Create(_folder["cifar-100-binary.tar.gz"]), CompressionLevel.Fastest))
        using (var tar = new TarWriter(gzip))
        {
            foreach (var (name, bytes) in new[] { ("train.bin", Record([3, 99], 1)), ("test.bin", Record([4, 50], 2)), ("other.txt", new byte[3]) })
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "cifar-100-binary/" + name) { DataStream = new MemoryStream(bytes) });
        }
        var set = Cifar100.Load(_folder.Path);
        using var train = set.Train;
        using var test = set.Test!;
        using var scope = TensorScope.Open();
        Assert.Equal((99, 50), (train.Gather(0).Labels.item<long>(), test.Gather(0).Labels.item<long>()));

        File.WriteAllBytes(_folder["cifar-100-binary.tar.gz"], File.ReadAllBytes(_folder["cifar-100-binary.tar.gz"])[..60]);
        Assert.Contains("does not unpack", Assert.Throws<InvalidDataException>(() => Cifar100.Load(_folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_cut_and_wrong_files_are_named()
    {
        var error = Assert.Throws<FileNotFoundException>(() => Cifar100.Load(_folder.Path));
        Assert.Equal(
            $"CIFAR-100 is not in '{_folder.Path}': train.bin, test.bin missing, and cifar-100-binary.tar.gz as well. "
            + $"Get it with Cifar100.DownloadAsync(\"{_folder.Path}\"), or put it there by hand, from https://www.cs.toronto.edu/~kriz/.", error.Message);
        File.WriteAllBytes(_folder["test.bin"], Record([0, 1], 0));
        File.WriteAllBytes(_folder["train.bin"], Record([0, 1], 0)[..^1]);
        Assert.Contains("train.bin has 3073 bytes; a whole number of records of 3074", Refusal(), StringComparison.Ordinal);
        File.WriteAllBytes(_folder["train.bin"], Record([0, 100], 0));
        Assert.Contains("train.bin holds label 100 at byte 1; 0 to 99 are expected", Refusal(), StringComparison.Ordinal);

        string Refusal() => Assert.Throws<InvalidDataException>(() => Cifar100.Load(_folder.Path)).Message;
    }

    [Fact]
    public async Task A_download_that_is_not_the_published_archive_is_refused()
    {
        using var client = new HttpClient(new Web());
        var error = await Assert.ThrowsAsync<DownloadException>(() => Cifar10.DownloadAsync(_folder.Path, new() { Client = client }, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz: 3 bytes came, 170052171 were expected", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    // The planes begin with value, value + 1 and value + 2; the last byte is 254.
    static byte[] Record(byte[] labels, byte value)
    {
        var image = new byte[3072];
        (image[0], image[1024], image[2048], image[3071]) = (value, (byte)(value + 1), (byte)(value + 2), 254);
        return [.. labels, .. image];
    }

    sealed class Web : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent([1, 2, 3]) });
    }
}
