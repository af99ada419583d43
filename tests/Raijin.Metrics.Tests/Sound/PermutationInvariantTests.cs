using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.SoundFamily;

public sealed class PermutationInvariantTests
{
    static (Tensor Predictions, Tensor Targets) Mixture(int speakers)
    {
        var targets = Pattern.Of(5, 4, speakers, 60) - 0.5;
        return (targets.flip(1) + (0.5 * targets.roll(1, 1)) + (0.9 * (Pattern.Of(6, 4, speakers, 60) - 0.5)), targets);
    }

    static Tensor SquaredError(Tensor x, Tensor y) => (x - y).square().mean([-1]);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    public void Best_assignments_are_those_of_torchmetrics(int speakers)
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("sound");
        var (p, t) = Mixture(speakers);
        var largest = Raijin.Sound.PermutationInvariant(p, t, (x, y) => Raijin.Sound.SiSdr(x, y));
        Recording.Near(expected.GetProperty($"pit{speakers}").Numbers(), largest.Score.Numbers(), 1e-9);
        Assert.Equal(expected.GetProperty($"pit{speakers}_order").Numbers(), largest.Permutation.Numbers());
        var least = Raijin.Sound.PermutationInvariant(p, t, SquaredError, higherIsBetter: false);
        Recording.Near(expected.GetProperty($"pit{speakers}_min").Numbers(), least.Score.Numbers(), 1e-9);
        Assert.Equal(expected.GetProperty($"pit{speakers}_min_order").Numbers(), least.Permutation.Numbers());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Best_joint_assignments_are_those_of_torchmetrics(int speakers)
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("sound");
        var (p, t) = Mixture(speakers);
        var best = Raijin.Sound.JointPermutationInvariant(p, t, (x, y) => Raijin.Sound.SaSdr(x, y));
        Recording.Near(expected.GetProperty($"pit{speakers}_joint").Numbers(), best.Score.Numbers(), 1e-9);
        Assert.Equal(expected.GetProperty($"pit{speakers}_joint_order").Numbers(), best.Permutation.Numbers());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(8)]
    public void Shuffled_speakers_are_put_back_in_order(int speakers)
    {
        using var scope = NewDisposeScope();
        var targets = Pattern.Of(5, 2, speakers, 60);
        var shuffled = targets.roll(1, 1);
        var best = Raijin.Sound.PermutationInvariant(shuffled, targets, SquaredError, higherIsBetter: false);
        Assert.Equal([0, 0], best.Score.Numbers());
        Assert.Equal(targets.Numbers(), Raijin.Sound.Permute(shuffled, best.Permutation).Numbers());
    }

    [Fact]
    public void The_metric_is_the_mean_over_recordings_and_goes_the_way_it_is_told()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("sound");
        var (p, t) = Mixture(3);
        using var metric = new PermutationInvariant(SquaredError, higherIsBetter: false);
        using var joint = new JointPermutationInvariant((x, y) => Raijin.Sound.SiSdr(x, y));
        metric.Update(p.narrow(0, 0, 1), t.narrow(0, 0, 1));
        metric.Update(p.narrow(0, 1, 3), t.narrow(0, 1, 3));
        Recording.Near(expected.GetProperty("pit3_min").Numbers().Average(), metric.Compute(), 1e-9);
        Assert.False(metric.HigherIsBetter);
        // A score of each speaker is averaged: the same as pair by pair.
        Recording.Near(expected.GetProperty("pit3").Numbers().Average(), joint.Of(p, t), 1e-9);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(7)]
    public void Gradients_flow_through_the_best_assignment(int speakers)
    {
        using var scope = NewDisposeScope();
        var (p, t) = Mixture(speakers);
        Pattern.HasGradient((x, y) => Raijin.Sound.PermutationInvariant(x, y, SquaredError, higherIsBetter: false).Score, p, t);
    }

    [Fact]
    public void Gradients_flow_through_the_best_joint_assignment()
    {
        using var scope = NewDisposeScope();
        var (p, t) = Mixture(3);
        Pattern.HasGradient((x, y) => Raijin.Sound.JointPermutationInvariant(x, y, (a, b) => Raijin.Sound.SaSdr(a, b)).Score, p, t, 1e-5);
    }

    [Fact]
    public void Scores_of_another_shape_and_too_many_joint_speakers_are_refused()
    {
        using var scope = NewDisposeScope();
        var (p, t) = Mixture(2);
        var error = Assert.Throws<ShapeMismatchException>(() => Raijin.Sound.PermutationInvariant(p, t, (x, y) => (x - y).abs().mean()));
        Assert.Contains("keeps the recordings apart", error.Message);
        Assert.Throws<ShapeMismatchException>(() => Raijin.Sound.JointPermutationInvariant(zeros(1, 7, 8), zeros(1, 7, 8), SquaredError));
        Assert.Throws<ArgumentNullException>(() => new PermutationInvariant(null!));
    }
}
