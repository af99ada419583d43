using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Counts;

/// <summary>How a task reads predictions, targets and weights, and what it refuses.</summary>
public sealed class ClassificationTests
{
    [Fact]
    public void A_probability_equal_to_the_threshold_means_zero_in_every_dtype()
    {
        using var labels = ones([3], ScalarType.Int64);
        foreach (var dtype in new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16 })
        {
            using var exact = tensor(new[] { 0.3, 0.31, 0.29 });
            using var probabilities = exact.to(dtype);
            Assert.Equal(1 / 3.0, Classify.RecallScore(probabilities, labels, Classification.Binary(0.3)), 1e-12);
        }
    }

    [Fact]
    public void A_logit_is_compared_as_its_probability_would_be()
    {
        using var logits = tensor(new[] { 0.0, 0.1, Math.Log(3) + 1e-9, Math.Log(3) - 1e-9, double.PositiveInfinity });
        using var labels = ones([5], ScalarType.Int64);
        Assert.Equal(4 / 5.0, Classify.RecallScore(logits, labels, Classification.Binary(logits: true)), 1e-12);
        Assert.Equal(2 / 5.0, Classify.RecallScore(logits, labels, Classification.Binary(0.75, logits: true)), 1e-12);
        Assert.Equal(0, Classify.RecallScore(logits, labels, Classification.Binary(1, logits: true)));
        Assert.Equal(1, Classify.RecallScore(logits, labels, Classification.Binary(0, logits: true)));
    }

    [Fact]
    public void Of_equal_scores_the_first_class_comes_first_also_among_the_k_largest()
    {
        using var scores = zeros(3, 5);
        using var labels = tensor(new long[] { 0, 1, 2 });
        Assert.Equal(1 / 3.0, Classify.Accuracy(scores, labels, Classification.Multiclass(5)), 1e-12);
        Assert.Equal(2 / 3.0, Classify.Accuracy(scores, labels, Classification.Multiclass(5, topK: 2)), 1e-12);
        Assert.Equal(1, Classify.Accuracy(scores, labels, Classification.Multiclass(5, topK: 3)));
    }

    [Fact]
    public void Scores_of_minus_infinity_are_masked_classes()
    {
        var numbers = new double[2, 20];
        for (var i = 0; i < numbers.Length; i++) numbers[i / 20, i % 20] = double.NegativeInfinity;
        numbers[1, 17] = -5;
        using var scores = tensor(numbers);
        using var labels = tensor(new long[] { 0, 17 });
        Assert.Equal(1, Classify.Accuracy(scores, labels, Classification.Multiclass(20)));
    }

    [Fact]
    public void The_largest_score_is_found_wherever_it_stands() => Assert.All(new[] { 2, 3, 7, 8, 10, 15, 16, 17, 31, 33, 100 }, width =>
    {
        foreach (var dtype in new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16 })
        {
            using var ones = eye(width, dtype: dtype);
            using var scores = ones - 0.5;
            using var labels = arange(width, ScalarType.Int32);
            Assert.Equal(1, Classify.Accuracy(scores, labels, Classification.Multiclass(width)));
        }
    });

    [Fact]
    public void Values_that_cannot_be_counted_are_left_out_and_reported_with_the_first()
    {
        var task = Classification.Multiclass(3, ignoreIndex: -1);
        using var metric = new Accuracy(task);
        using var scores = tensor(new[,] { { 1f, 0, 0 }, { 0, 1, 0 }, { float.NaN, 0, 0 }, { 0, 0, 1 }, { float.NaN, 0, 0 } });
        using var labels = tensor(new long[] { 0, 5, 1, 2, -1 });
        metric.Update(scores, labels);
        var error = Assert.Throws<MetricInputException>(() => metric.Compute());
        Assert.Equal(("labels in [0, 3) or -1, which is ignored", 1L, 5.0), (error.Expected, error.Count, error.First));
        Assert.Equal([1.0, 5, 1, double.NaN, 0, 0], metric.States[1].ToArray<double>());
        Assert.Equal([1.0, 0, 0, 0, 0, 0, 0, 0, 1], metric.States[0].ToArray<double>());
    }

    [Fact]
    public void Probabilities_weights_and_classes_are_checked()
    {
        using var labels = tensor(new long[] { 0, 1 });
        using var outside = tensor(new[] { 0.5, 1.5 });
        var error = Assert.Throws<MetricInputException>(() => Classify.Accuracy(outside, labels, Classification.Binary()));
        Assert.Equal(("probabilities in [0, 1] (logits are an option of the task)", 1.5), (error.Expected, error.First));
        Assert.Equal(0.5, Classify.Accuracy(outside, labels, Classification.Binary(logits: true)));

        using var weights = tensor(new[] { 1, -0.25 });
        error = Assert.Throws<MetricInputException>(() => Classify.Accuracy(labels, labels, Classification.Binary(), weights: weights));
        Assert.Equal(("finite weights that are not negative", -0.25), (error.Expected, error.First));

        using var classes = tensor(new[] { 0, 9 });
        Assert.Equal(9, Assert.Throws<MetricInputException>(() => Classify.Accuracy(classes, labels, Classification.Multiclass(3))).First);
        using var bits = tensor(new byte[,] { { 0, 2 } });
        Assert.Equal(2, Assert.Throws<MetricInputException>(() => Classify.Accuracy(bits, bits, Classification.Multilabel(2))).First);
    }

    [Fact]
    public void A_fault_can_be_reported_by_the_update_that_meets_it()
    {
        using var metric = new Accuracy(3);
        metric.States.Faults!.AtOnce = true;
        using var labels = tensor(new long[] { 0, 7 });
        Assert.Equal(7, Assert.Throws<MetricInputException>(() => metric.Update(labels, labels)).First);
    }

    [Fact]
    public void Shapes_and_dtypes_are_refused_at_once()
    {
        using var scores = zeros(4, 3);
        using var labels = zeros([4], ScalarType.Int64);
        using var floats = zeros(4);
        using var five = zeros(5);
        using var pairs = zeros(4, 2);
        void Refused(Tensor predictions, Tensor targets, Classification task, string message, Tensor? weights = null)
        {
            using var metric = new Accuracy(task);
            Assert.Contains(message, Assert.Throws<ShapeMismatchException>(() => metric.Update(predictions, targets, weights)).Message);
            Assert.Equal(0, metric.Updates);
        }
        Refused(scores, labels, Classification.Multiclass(4), "predictions: expected floating [B, 4, ...] or integer classes [B, ...], for labels [B, ...], but it is [4, 3] Float32 with labels [4] Int64");
        Refused(floats, labels, Classification.Multiclass(4), "predictions: expected floating [B, 4, ...]");
        Refused(labels, labels, Classification.Multiclass(4, topK: 2), "predictions: expected floating [B, 4, ...], for labels");
        Refused(scores, floats, Classification.Multiclass(3), "targets: expected integer or bool labels [B, ...], but it is [4] Float32");
        Refused(pairs, labels, Classification.Binary(), "predictions: expected [B, ...], floating or classes, like the labels");
        Refused(labels, labels, Classification.Multilabel(2), "predictions: expected [B, 2, ...], floating or 0 and 1");
        Refused(scores, labels, Classification.Multiclass(3), "weights: expected real numbers, [4], one a sample, or the targets' [4], but it is [5] Float32", five);
        Refused(scores, labels, Classification.Multiclass(3), "weights: expected real numbers", pairs);
    }

    [Fact]
    public void Weights_of_samples_reach_all_their_positions()
    {
        using var predicted = tensor(new long[,] { { 0, 1 }, { 1, 1 } });
        using var labels = tensor(new long[,] { { 0, 0 }, { 1, 1 } });
        using var weights = tensor(new[] { 1f, 3f });
        Assert.Equal(7 / 8.0, Classify.Accuracy(predicted, labels, Classification.Multiclass(2), weights: weights));
        using var each = tensor(new[,] { { 0f, 2f }, { 1f, 1f } });
        Assert.Equal(2 / 4.0, Classify.Accuracy(predicted, labels, Classification.Multiclass(2), weights: each));
    }

    [Fact]
    public void Truth_values_are_labels_and_predictions_too()
    {
        using var predicted = tensor(new[,] { { true, false }, { true, true } });
        using var labels = tensor(new[,] { { true, true }, { false, true } });
        Assert.Equal(0.5, Classify.Accuracy(predicted, labels, Classification.Binary()));
        Assert.Equal(0.5, Classify.Accuracy(predicted, labels, Classification.Multiclass(2)));
        Assert.Equal([new(1, 1, 0, 0), new(1, 0, 0, 1)], Classify.StatScores(predicted, labels, Classification.Multilabel(2)));
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Classification.Multiclass(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Classification.Multiclass(3, topK: 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => Classification.Binary(1.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => Classification.Multilabel(0));
        Assert.Throws<ArgumentNullException>(() => new F1Score(null!));
    }
}
