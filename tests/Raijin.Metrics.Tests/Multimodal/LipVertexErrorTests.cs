using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Multimodal;

public sealed class LipVertexErrorTests
{
    [Fact]
    public void Errors_are_those_of_torchmetrics_frame_by_frame()
    {
        using var scope = NewDisposeScope();
        var (p, t) = (Pattern.Of(2, 5, 9, 3), Pattern.Of(1, 5, 9, 3));
        using var metric = new LipVertexError(1, 4, 5, 8);
        metric.Update(p.narrow(0, 0, 3), t.narrow(0, 0, 3));
        metric.Update(p.narrow(0, 3, 2), t.narrow(0, 3, 2));
        Recording.Near(Recording.Open("lips").GetProperty("lip_vertex_error").Number(), metric.Compute(), 1e-12);
    }

    [Fact]
    public void Only_the_lips_and_of_them_only_the_farthest_count()
    {
        using var scope = NewDisposeScope();
        var t = zeros(1, 4, 3);
        var p = tensor(new[] { 9f, 0, 0, 1, 2, 2, 0, 1, 0, 0, 0, 0 }).reshape(1, 4, 3);
        using var metric = new LipVertexError(1, 2);
        Assert.Equal(9, metric.Of(p, t));
    }

    [Fact]
    public void The_same_lips_share_their_states()
    {
        using var metrics = new MetricCollection { { "a", new LipVertexError(1, 2) }, { "b", new LipVertexError(1, 2) }, { "c", new LipVertexError(1, 3) } };
        Assert.Equal(2, metrics.NumAccumulations);
    }

    [Fact]
    public void Meshes_without_those_vertices_are_refused()
    {
        using var scope = NewDisposeScope();
        using var metric = new LipVertexError(4);
        Assert.Throws<ShapeMismatchException>(() => metric.Update(zeros(2, 4, 3), zeros(2, 4, 3)));
        Assert.Throws<ShapeMismatchException>(() => metric.Update(zeros(2, 5, 2), zeros(2, 5, 2)));
        Assert.Throws<ArgumentException>(() => new LipVertexError());
        Assert.Throws<ArgumentOutOfRangeException>(() => new LipVertexError(-1));
    }
}
