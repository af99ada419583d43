using System.Text.Json;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Detection;

public sealed class BoxesTests
{
    static readonly JsonElement Recorded = Recording.Open("overlaps");

    [Fact]
    public void Overlaps_of_all_and_of_pairs_are_the_papers()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (Recorded.GetProperty("a").Tensor(), Recorded.GetProperty("b").Tensor());
        foreach (var (name, all, pairs) in ((string, Func<Tensor, Tensor, Tensor>, Func<Tensor, Tensor, Tensor>)[])
            [("iou", Boxes.Iou, Boxes.IouOfPairs), ("giou", Boxes.Giou, Boxes.GiouOfPairs), ("diou", Boxes.Diou, Boxes.DiouOfPairs), ("ciou", Boxes.Ciou, Boxes.CiouOfPairs)])
        {
            var expected = Recorded.GetProperty(name).Numbers();
            Recording.Near(expected, all(a, b).data<double>().ToArray(), 1e-12, name);
            Recording.Near([.. Enumerable.Range(0, 6).Select(i => expected[7 * i])], pairs(a, b).data<double>().ToArray(), 1e-12, name);
        }
    }

    [Fact]
    public void Equal_boxes_overlap_fully_and_boxes_without_area_not_at_all()
    {
        using var scope = NewDisposeScope();
        var box = tensor(new[] { 1f, 2, 5, 9 }).reshape(1, 4);
        var point = tensor(new[] { 3f, 3, 3, 3 }).reshape(1, 4);
        foreach (var overlap in (Func<Tensor, Tensor, Tensor>[])[Boxes.Iou, Boxes.Giou, Boxes.Diou, Boxes.Ciou])
        {
            Assert.Equal(1f, overlap(box, box).item<float>());
            Assert.Equal(0f, overlap(point, point).item<float>());
            Assert.True(overlap(box, point).item<float>() <= 0);
        }
    }

    // Central differences; the weight of CIoU has no gradient by definition, so its loss is held apart.
    [Fact]
    public void Losses_have_the_gradients_of_their_values()
    {
        using var scope = NewDisposeScope();
        var b = tensor(new[] { 2.0, 3, 9, 8, 30, 30, 41, 52 }).reshape(2, 4);
        foreach (var overlap in (Func<Tensor, Tensor, Tensor>[])[Boxes.IouOfPairs, Boxes.GiouOfPairs, Boxes.DiouOfPairs])
        {
            double[] start = [1, 1, 7, 7.5, 20, 22, 33, 39];
            var a = tensor(start).reshape(2, 4).requires_grad_();
            (1 - overlap(a, b)).sum().backward();
            var gradient = a.grad!.data<double>().ToArray();
            for (var i = 0; i < 8; i++) Assert.Equal((Loss(i, 1e-5) - Loss(i, -1e-5)) / 2e-5, gradient[i], 6);

            double Loss(int index, double step)
            {
                double[] moved = [.. start];
                moved[index] += step;
                return (1 - overlap(tensor(moved).reshape(2, 4), b)).sum().item<double>();
            }
        }
        var c = tensor(new[] { 1.0, 1, 7, 7.5, 20, 22, 33, 39 }).reshape(2, 4).requires_grad_();
        (1 - Boxes.CiouOfPairs(c, b)).sum().backward();
        Assert.True(c.grad!.isfinite().all().item<bool>());
    }

    [Fact]
    public void Formats_convert_into_each_other_and_keep_the_area()
    {
        using var scope = NewDisposeScope();
        var corners = tensor(new[] { 1.0, 2, 5, 10, 0, 0, 3, 1 }).reshape(2, 4);
        foreach (var from in Enum.GetValues<BoxFormat>())
        {
            var boxes = Boxes.Convert(corners, BoxFormat.Xyxy, from);
            Assert.Equal([32.0, 3.0], Boxes.Area(boxes, from).data<double>().ToArray());
            foreach (var to in Enum.GetValues<BoxFormat>())
                Assert.True(Boxes.Convert(boxes, from, to).Equals(Boxes.Convert(corners, BoxFormat.Xyxy, to)), $"{from} to {to}");
        }
        Assert.Equal([1.0, 2, 4, 8], Boxes.Convert(corners, BoxFormat.Xyxy, BoxFormat.Xywh)[0].data<double>().ToArray());
        Assert.Equal([3.0, 6, 4, 8], Boxes.Convert(corners, BoxFormat.Xyxy, BoxFormat.Cxcywh)[0].data<double>().ToArray());
    }

    [Fact]
    public void Integers_are_calculated_in_float()
    {
        using var scope = NewDisposeScope();
        var boxes = tensor(new long[] { 0, 0, 1, 3 }).reshape(1, 4);
        var wider = tensor(new long[] { 0, 0, 2, 3 }).reshape(1, 4);
        Assert.Equal(0.5f, Boxes.Iou(boxes, wider).item<float>());
    }

    [Fact]
    public void Anything_but_four_columns_is_refused()
    {
        using var wrong = zeros(2, 3);
        using var two = zeros(2, 4);
        using var one = zeros(1, 4);
        Assert.Throws<ShapeMismatchException>(() => Boxes.Iou(wrong, wrong));
        Assert.StartsWith("b: expected [2, 4], a partner for each of a", Assert.Throws<ShapeMismatchException>(() => Boxes.IouOfPairs(two, one)).Message);
    }
}
