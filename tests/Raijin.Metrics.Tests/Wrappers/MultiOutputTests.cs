using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Wrappers;

public sealed class MultiOutputTests : IDisposable
{
    readonly Tensor _scores;
    readonly Tensor _labels;
    readonly System.Text.Json.JsonElement _recorded = Recording.Open("wrappers").GetProperty("outputs");

    public MultiOutputTests()
    {
        _scores = _recorded.GetProperty("scores").Tensor();
        _labels = _recorded.GetProperty("labels").Tensor(ScalarType.Int64);
    }

    [Fact]
    public void Each_output_has_the_number_that_torchmetrics_gives_it()
    {
        using var metric = new Accuracy(Classification.Binary()).PerOutput(3, names: ["x", "y", "z"]);
        metric.Update(_scores, _labels);
        var each = _recorded.GetProperty("each").Numbers();
        Recording.Near(each, metric.Compute());
        Recording.Near(each.Average(), metric.ComputeScalar());
        Assert.Equal(["x", "y", "z"], metric.ComputeScalars().Select(n => n.Key));
    }

    [Fact]
    public void Samples_of_an_output_that_are_NaN_are_left_out_of_it_where_asked_for()
    {
        using var holes = _scores.clone();
        using var scope = NewDisposeScope();
        foreach (var at in _recorded.GetProperty("missing").EnumerateArray()) holes[(long)at[0].Number(), (long)at[1].Number()] = double.NaN;
        using var metric = new Accuracy(Classification.Binary()).PerOutput(3, skipNaN: true);
        metric.Update(holes, _labels);
        Recording.Near(_recorded.GetProperty("known").Numbers(), metric.Compute());
        using var strict = new Accuracy(Classification.Binary()).PerOutput(3);
        strict.Update(holes, _labels);
        Assert.Throws<MetricInputException>(() => strict.Compute());
    }

    [Fact]
    public void An_output_of_which_nothing_is_known_has_no_number()
    {
        using var holes = _scores.clone();
        using (NewDisposeScope()) holes.select(1, 2).fill_(double.NaN);
        using var metric = new Accuracy(Classification.Binary()).PerOutput(3, skipNaN: true);
        metric.Update(holes, _labels);
        Assert.Throws<InvalidOperationException>(() => metric.Compute());
    }

    [Fact]
    public void Merged_halves_give_the_whole()
    {
        using var whole = new Accuracy(Classification.Binary()).PerOutput(3);
        using var head = new Accuracy(Classification.Binary()).PerOutput(3);
        using var tail = new Accuracy(Classification.Binary()).PerOutput(3);
        using (NewDisposeScope())
        {
            whole.Update(_scores, _labels);
            head.Update(_scores.narrow(0, 0, 7), _labels.narrow(0, 0, 7));
            tail.Update(_scores.narrow(0, 7, 13), _labels.narrow(0, 7, 13));
        }
        head.Merge(tail);
        Assert.Equal(whole.Compute(), head.Compute());
        Assert.Equal(2, head.Updates);
    }

    [Fact]
    public void Outputs_may_lie_along_any_dim_but_the_first()
    {
        using var metric = new Accuracy(WrapperBatches.Task).PerOutput(2, dim: 1);
        using var predictions = tensor(new long[] { 0, 1, 2, 3, 0, 0 }, [3, 2]);
        using var targets = tensor(new long[] { 0, 1, 2, 0, 1, 0 }, [3, 2]);
        metric.Update(predictions, targets);
        Assert.Equal([2.0 / 3, 2.0 / 3], metric.Compute());
        var error = Assert.Throws<ShapeMismatchException>(() => metric.Update(_scores, _labels));
        Assert.Contains("2 outputs along dim 1", error.Message);
        Assert.Equal(1, metric.Updates);
    }

    [Fact]
    public void It_is_a_member_of_a_collection_as_any_other()
    {
        using var metrics = new MetricCollection { { "accuracy", new Accuracy(Classification.Binary()).PerOutput(3) } };
        metrics.Update(_scores, _labels);
        Assert.Equal(["accuracy/0", "accuracy/1", "accuracy/2"], metrics.Compute().Keys);
        Assert.Equal(["accuracy", "accuracy/0", "accuracy/1", "accuracy/2"], metrics.Parts().Select(p => p.Path));
    }

    public void Dispose()
    {
        _scores.Dispose();
        _labels.Dispose();
    }
}
