using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.ImageFamily;

/// <summary>What holds of every metric that is a mean of its images' scores.</summary>
public sealed class ImageMeanTests
{
    static readonly Dictionary<string, Func<ScalarMetric<Comparison>>> Metrics = new()
    {
        ["psnr"] = () => new Psnr(),
        ["psnr per image"] = () => new Psnr(perImage: true),
        ["ssim"] = () => new Ssim(),
        ["msssim"] = () => new MsSsim(window: ImageWindow.Uniform(3), betas: [0.5, 0.5]),
        ["uqi"] = () => new Uqi(),
        ["sam"] = () => new Sam(),
        ["ergas"] = () => new Ergas(),
        ["rmse sw"] = () => new RmseSw(),
        ["rase"] = () => new Rase(),
        ["scc"] = () => new Scc(),
        ["spectral distortion"] = () => new SpectralDistortion(),
    };

    public static TheoryData<string> Names => [.. Metrics.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Any_split_any_order_and_any_merge_give_the_same(string name)
    {
        using var scope = NewDisposeScope();
        var (p, t) = Pattern.Pair(3, 5, 2, 12, 14);
        using var whole = Metrics[name]();
        var expected = whole.Of(p, t);
        Gen.Select(Gen.Shuffle(new long[] { 0, 1, 2, 3, 4 }), Gen.Int[0, 5], Gen.Int[0, 5], Gen.Bool).Sample(
            (order, a, b, swap) =>
            {
                using var inner = NewDisposeScope();
                var (i, j) = (Math.Min(a, b), Math.Max(a, b));
                var index = tensor(order);
                var (x, y) = (p.index_select(0, index), t.index_select(0, index));
                using var left = Metrics[name]();
                using var right = Metrics[name]();
                left.Update(x.narrow(0, 0, i), y.narrow(0, 0, i));
                left.Update(x.narrow(0, i, j - i), y.narrow(0, i, j - i));
                right.Update(x.narrow(0, j, 5 - j), y.narrow(0, j, 5 - j));
                var (into, from) = swap ? (right, left) : (left, right);
                into.Merge(from);
                Recording.Near(expected, into.Compute(), 1e-9);
            },
            iter: 12, threads: 1);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_weight_of_2_counts_twice_and_one_of_0_not_at_all(string name)
    {
        using var scope = NewDisposeScope();
        var (p, t) = Pattern.Pair(3, 3, 2, 12, 14);
        using var metric = Metrics[name]();
        var twice = tensor(new long[] { 0, 1, 1 });
        p.select(0, 2).copy_(t.select(0, 2) * 0);
        t.select(0, 2).zero_();
        Recording.Near(metric.Of(p.index_select(0, twice), t.index_select(0, twice)), metric.Of(p, t, tensor(new[] { 1.0, 2, 0 })), 1e-9);
        Recording.Near(metric.Of(p.index_select(0, twice), t.index_select(0, twice)), metric.Of(p, t, tensor(new[] { 0.5f, 1f, 0f })), 1e-9);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Empty_batches_add_nothing_and_alone_are_not_a_number(string name)
    {
        using var scope = NewDisposeScope();
        var (p, t) = Pattern.Pair(3, 2, 2, 12, 14);
        using var metric = Metrics[name]();
        metric.Update(p.narrow(0, 0, 0), t.narrow(0, 0, 0));
        Assert.Equal(double.NaN, metric.Compute());
        metric.Update(p, t);
        Recording.Near(metric.Of(p, t), metric.Compute(), 1e-12);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Complex_images_and_weights_of_another_length_are_refused(string name)
    {
        using var scope = NewDisposeScope();
        using var metric = Metrics[name]();
        var images = zeros(2, 2, 12, 14);
        Assert.Throws<ShapeMismatchException>(() => metric.Update(images.to(ScalarType.ComplexFloat32), images));
        Assert.Throws<ShapeMismatchException>(() => metric.Update(images, images.to(ScalarType.ComplexFloat32)));
        Assert.Throws<ShapeMismatchException>(() => metric.Update(images, images, ones(3)));
        Assert.Equal(0, metric.Updates);
    }

    [Fact]
    public void Losses_of_perfect_images_have_a_gradient()
    {
        using var scope = NewDisposeScope();
        var (_, t) = Pattern.Pair(3, 1, 2, 12, 14);
        Func<Tensor, Tensor>[] losses =
        [
            x => Raijin.Images.Ssim(x, t), x => Raijin.Images.MsSsim(x, t, window: ImageWindow.Uniform(3), betas: [0.5, 0.5]), x => Raijin.Images.Uqi(x, t), x => Raijin.Images.Sam(x, t),
            x => Raijin.Images.Ergas(x, t), x => Raijin.Images.RmseSw(x, t), x => Raijin.Images.Rase(x, t), x => Raijin.Images.Scc(x, t), x => Raijin.Images.SpectralDistortion(x, t, 2),
            x => Raijin.Images.PsnrB(x.narrow(1, 0, 1) + 0.1, t.narrow(1, 0, 1)), x => Raijin.Images.TotalVariation(x),
        ];
        Assert.All(losses, loss =>
        {
            var point = t.clone().requires_grad_();
            loss(point).sum().backward();
            Assert.All(point.grad!.Numbers(), g => Assert.True(double.IsFinite(g)));
        });
    }
}
