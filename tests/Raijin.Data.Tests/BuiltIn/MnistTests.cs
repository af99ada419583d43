using System.Net;
using Raijin.Testing;

namespace Raijin.Data.Tests.BuiltIn;

public sealed class MnistTests : IDisposable
{
    static readonly string[] Files = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

    readonly TemporaryFolder _folder = new();

    static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_published_files_load_in_shape_range_and_balance()
    {
        var mnist = Mnist.Load(SharedData.Require("mnist"));
        using var train = mnist.Train;
        using var test = mnist.Test!;
        using var scope = TensorScope.Open();
        Assert.Equal((60_000, 10_000), (train.Count, test.Count));
        var all = test.All();
        Assert.Equal([10_000, 1, 28, 28], all.Inputs.shape);
        Assert.Equal(0f, all.Inputs.min().item<float>());
        Assert.Equal(1f, all.Inputs.max().item<float>());
        Assert.Equal([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], all.Labels.bincount(null, 0).data<long>().ToArray());
        Assert.Equal([5, 0, 4, 1, 9], train.Gather(0, 1, 2, 3, 4).Labels.data<long>().ToArray());
        // The published mean and deviation of the training pixels.
        Assert.Equal(0.1307, train.All().Inputs.mean().item<float>(), 4);
        Assert.Equal(54_000, mnist.Split(validation: 0.1).Train.Count);
    }

    [Fact]
    public void Missing_files_are_listed_with_what_to_do()
    {
        WriteSet(images: 3, labels: 3);
        File.Delete(_folder[Files[1]]);
        File.Delete(_folder[Files[2]]);
        var error = Assert.Throws<FileNotFoundException>(() => Mnist.Load(_folder.Path));
        Assert.Equal(
            $"MNIST is not in '{_folder.Path}': {Files[1]}, {Files[2]} missing (raw or .gz). Get them with Mnist.DownloadAsync(\"{_folder.Path}\"), "
            + "or put them there by hand, from https://ossci-datasets.s3.amazonaws.com/mnist/ for one.",
            error.Message);
    }

    [Fact]
    public void A_small_set_in_raw_files_loads()
    {
        WriteSet(images: 3, labels: 3);
        var set = FashionMnist.Load(_folder.Path);
        using var train = set.Train;
        using var test = set.Test;
        Assert.Equal(3, train.Count);
    }

    [Fact]
    public void Labels_without_images_wrong_labels_and_swapped_files_are_refused()
    {
        WriteSet(images: 3, labels: 4);
        Assert.Contains("[3] Byte, a label for each image", Refusal(), StringComparison.Ordinal);
        WriteSet(images: 3, labels: 3, label: 10);
        Assert.Contains("holds label 10; 0 to 9 are expected", Refusal(), StringComparison.Ordinal);
        WriteSet(images: 3, labels: 3);
        File.Copy(_folder[Files[1]], _folder[Files[0]], overwrite: true);
        Assert.Contains("holds [3] Byte; [N, 28, 28] Byte is expected", Refusal(), StringComparison.Ordinal);

        string Refusal() => Assert.Throws<InvalidDataException>(() => Mnist.Load(_folder.Path)).Message;
    }

    [Fact]
    public async Task A_download_takes_the_first_mirror_with_whole_files_and_reports_progress()
    {
        // The label files are the published ones byte for byte, so their checksums hold; the image files are here already.
        var source = SharedData.Require("mnist");
        foreach (var images in new[] { Files[0], Files[2] }) File.Copy(Path.Combine(source, images + ".gz"), _folder[images + ".gz"]);
        var web = new Web(request => request.Host switch
        {
            "down" => new HttpResponseMessage(HttpStatusCode.ServiceUnavailable),
            "cut" => Bytes(File.ReadAllBytes(Source(request))[..1000]),
            "flipped" => Bytes(Flip(File.ReadAllBytes(Source(request)))),
            _ => Bytes(File.ReadAllBytes(Source(request))),
        });
        using var client = new HttpClient(web);
        var reports = new Reports();
        await Mnist.DownloadAsync(_folder.Path, new() { Client = client, Mirrors = [new("http://down/"), new("http://cut/"), new("http://flipped/"), new("http://good/")] }, reports, Token);

        Assert.Equal([.. new[] { "down", "cut", "flipped", "good" }, .. new[] { "down", "cut", "flipped", "good" }], web.Asked.Select(address => address.Host));
        Assert.Equal(new DownloadProgress("t10k-labels-idx1-ubyte.gz", 4542, 4542), reports.Last);
        Assert.Equal(4, Directory.GetFiles(_folder.Path).Length);
        var mnist = Mnist.Load(_folder.Path);
        mnist.Train.Dispose();
        mnist.Test!.Dispose();

        string Source(Uri address) => Path.Combine(source, address.Segments[^1]);

        static byte[] Flip(byte[] bytes)
        {
            bytes[500] ^= 1;
            return bytes;
        }
    }

    [Fact]
    public async Task Without_a_network_the_error_says_why_and_what_to_do_by_hand()
    {
        using var client = new HttpClient(new Web(_ => throw new HttpRequestException("No route to host")));
        var error = await Assert.ThrowsAsync<DownloadException>(() => Mnist.DownloadAsync(_folder.Path, new() { Client = client }, cancellationToken: Token));
        Assert.Equal(
            "train-images-idx3-ubyte.gz could not be downloaded (https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz: No route to host; "
            + "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz: No route to host). "
            + $"Try again on line, give another mirror, or put the file into '{_folder.Path}' by hand.",
            error.Message);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task More_bytes_than_published_end_the_download_early()
    {
        using var client = new HttpClient(new Web(_ => new HttpResponseMessage { Content = new StreamContent(new Endless()) }));
        var error = await Assert.ThrowsAsync<DownloadException>(() => Mnist.DownloadAsync(_folder.Path, new() { Client = client, Mirrors = [new("http://one/")] }, cancellationToken: Token));
        Assert.Contains("more than 9912422 bytes came, 9912422 were expected", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_a_download_leaves_no_part_behind()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        using var client = new HttpClient(new Web(_ => new HttpResponseMessage { Content = new StreamContent(new Endless()) }));
        var cancelling = new Reports { OnReport = stop.Cancel };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Mnist.DownloadAsync(_folder.Path, new() { Client = client }, cancelling, stop.Token));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    void WriteSet(int images, int labels, byte label = 9)
    {
        foreach (var file in Files)
        {
            var ofImages = file.Contains("images", StringComparison.Ordinal);
            byte[] bytes = ofImages
                ? [0, 0, 8, 3, 0, 0, 0, (byte)images, 0, 0, 0, 28, 0, 0, 0, 28, .. new byte[images * 28 * 28]]
                : [0, 0, 8, 1, 0, 0, 0, (byte)labels, .. Enumerable.Repeat(label, labels)];
            File.WriteAllBytes(_folder[file], bytes);
        }
    }

    static HttpResponseMessage Bytes(byte[] bytes) => new() { Content = new ByteArrayContent(bytes) };

    sealed class Web(Func<Uri, HttpResponseMessage> answer) : HttpMessageHandler
    {
        public List<Uri> Asked { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked.Add(request.RequestUri!);
            return Task.FromResult(answer(request.RequestUri!));
        }
    }

    sealed class Reports : IProgress<DownloadProgress>
    {
        public DownloadProgress Last { get; private set; }

        public Action? OnReport { get; init; }

        public void Report(DownloadProgress value)
        {
            Last = value;
            OnReport?.Invoke();
        }
    }

    sealed class Endless : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(buffer.Length);

        public override int Read(byte[] buffer, int offset, int count) => count;
    }
}
