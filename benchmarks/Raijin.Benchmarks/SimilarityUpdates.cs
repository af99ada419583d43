using System.Globalization;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Benchmarks;

/// <summary>
/// Structural similarity of images, updated batch by batch; beside it what one writes by hand in TorchSharp: five depthwise convolutions with an 11 × 11 Gaussian
/// window, the formula of the paper, and a sum of each image's mean.
/// </summary>
static class SimilarityUpdates
{
    const int Window = 11;
    const double Sigma = 1.5;

    static readonly (string Name, long[] Shape)[] Batches = [("8 × 3 × 256 × 256", [8, 3, 256, 256]), ("32 × 1 × 28 × 28", [32, 1, 28, 28])];

    public static void Measure(Report report, int rounds)
    {
        report.Table("SSIM: one update with float32 images", "images", "Raijin", "TorchSharp", "Raijin / TorchSharp", "largest difference of an image", "managed bytes, Raijin", "managed bytes, TorchSharp");
        foreach (var (name, shape) in Batches)
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator(1);
            var targets = rand(shape, generator: generator);
            var predictions = (0.8 * targets) + (0.2 * rand(shape, generator: generator));
            var total = zeros([], ScalarType.Float64);
            var window = GaussianWindow(shape[1]);
            using var ssim = new Ssim();
            void Ours() => ssim.Update(predictions, targets);
            void ByHand()
            {
                using var gradients = no_grad();
                using var inner = NewDisposeScope();
                total.add_(Similarity(predictions, targets, window).sum());
            }
            var times = Interleaved.Measure(rounds, new Contestant("Raijin", Ours), new Contestant("TorchSharp", ByHand));
            var difference = (Images.Ssim(predictions, targets) - Similarity(predictions, targets, window)).abs().max().item<float>();
            report.Row(
                name,
                Pages.Show(times[0]),
                Pages.Show(times[1]),
                Pages.Number(times[0].RatioTo(times[1])),
                difference.ToString("0.0e0", CultureInfo.InvariantCulture),
                MetricsPage.ManagedBytes(Ours).ToString("n0", CultureInfo.InvariantCulture),
                MetricsPage.ManagedBytes(ByHand).ToString("n0", CultureInfo.InvariantCulture));
        }
    }

    /// <summary>[C, 1, 11, 11].</summary>
    static Tensor GaussianWindow(long channels)
    {
        var offsets = arange(Window, ScalarType.Float64) - (Window / 2);
        var row = (-offsets.square() / (2 * Sigma * Sigma)).exp();
        row /= row.sum();
        return row.outer(row).to(ScalarType.Float32).expand(channels, 1, Window, Window).contiguous();
    }

    /// <summary>[B].</summary>
    static Tensor Similarity(Tensor x, Tensor y, Tensor window)
    {
        const double c1 = 0.01 * 0.01;
        const double c2 = 0.03 * 0.03;
        var (meanX, meanY) = (Filter(x), Filter(y));
        var (varianceX, varianceY) = (Filter(x * x) - (meanX * meanX), Filter(y * y) - (meanY * meanY));
        var covariance = Filter(x * y) - (meanX * meanY);
        var map = ((2 * meanX * meanY) + c1) * ((2 * covariance) + c2) / (((meanX * meanX) + (meanY * meanY) + c1) * (varianceX + varianceY + c2));
        return map.mean([1, 2, 3]);

        Tensor Filter(Tensor images) => functional.conv2d(images, window, groups: window.shape[0]);
    }
}
