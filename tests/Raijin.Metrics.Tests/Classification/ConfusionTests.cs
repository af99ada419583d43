using Raijin.Charts;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Counts;

/// <summary>Confusion, agreement, whole samples, groups: what recordings don't hold.</summary>
public sealed class ConfusionTests
{
    [Fact]
    public void A_matrix_has_labels_as_rows_and_its_number_is_the_diagonal()
    {
        using var matrix = new ConfusionMatrix(Classification.Multiclass(3)) { Names = ["a", "b", "c"] };
        using var predicted = tensor(new long[] { 1, 1, 2, 0 });
        using var labels = tensor(new long[] { 0, 1, 2, 0 });
        matrix.Update(predicted, labels);
        Assert.Equal(new double[,] { { 1, 1, 0 }, { 0, 1, 0 }, { 0, 0, 1 } }, matrix.Compute());
        Assert.Equal(0.75, matrix.ComputeScalar());
        var picture = Assert.IsType<HeatMap>(matrix.Plot("digits"));
        Assert.Equal(("digits", "b"), (picture.Title, picture.RowNames![1]));
        Assert.NotEmpty(picture.Png(200, 200));
    }

    [Fact]
    public void A_matrix_of_each_label_is_drawn_with_its_name()
    {
        using var matrices = new MultilabelConfusionMatrix(Classification.Multilabel(2), ConfusionShares.OfAll) { Names = ["dog", "cat"] };
        using var predicted = tensor(new long[,] { { 1, 0 }, { 1, 1 } });
        using var labels = tensor(new long[,] { { 1, 0 }, { 0, 1 } });
        matrices.Update(predicted, labels);
        Assert.Equal(new[,] { { 0, 0.5 }, { 0, 0.5 } }, matrices.Compute()[0]);
        Assert.Equal(0.75, matrices.ComputeScalar());
        Assert.Equal(["dog", "cat"], Assert.IsType<Panels>(matrices.Plot()).Charts.Select(c => c.Title));
        using var misnamed = new MultilabelConfusionMatrix(Classification.Multilabel(2)) { Names = ["dog"] };
        misnamed.Update(predicted, labels);
        Assert.Throws<InvalidOperationException>(() => misnamed.Plot());
    }

    [Fact]
    public void One_label_a_sample_is_needed_for_a_matrix_and_for_kappa()
    {
        Assert.Contains("MultilabelConfusionMatrix", Assert.Throws<ArgumentException>(() => new ConfusionMatrix(Classification.Multilabel(2))).Message);
        Assert.Throws<ArgumentException>(() => new CohenKappa(Classification.Multilabel(2)));
        Assert.Throws<ArgumentException>(() => new BinaryFairness(2, Classification.Multiclass(2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BinaryFairness(1));
    }

    [Fact]
    public void Two_classes_of_multiclass_and_a_binary_task_correlate_alike_and_multilabel_counts_all_labels()
    {
        using var predicted = tensor(new long[,] { { 1, 0 }, { 1, 1 }, { 0, 1 } });
        using var labels = tensor(new long[,] { { 1, 0 }, { 0, 1 }, { 0, 0 } });
        var binary = Classify.MatthewsCorrCoef(predicted, labels, Classification.Binary());
        Assert.Equal(binary, Classify.MatthewsCorrCoef(predicted, labels, Classification.Multiclass(2)), 1e-12);
        Assert.Equal(binary, Classify.MatthewsCorrCoef(predicted, labels, Classification.Multilabel(2)), 1e-12);
        Assert.Equal(0.5, binary, 1e-12);
        using var nothing = zeros_like(labels);
        Assert.Equal(0, Classify.MatthewsCorrCoef(labels, nothing, Classification.Binary()));
        Assert.Equal(0, Classify.MatthewsCorrCoef(nothing, nothing, Classification.Binary()));
    }

    [Fact]
    public void Counts_have_names()
    {
        using var counts = new StatScores(Classification.Multiclass(3));
        using var predicted = tensor(new long[] { 1, 1, 2, 0 });
        using var labels = tensor(new long[] { 0, 1, 2, 0 });
        counts.Update(predicted, labels);
        Assert.Equal([new("tp", 3), new("fp", 1), new("tn", 7), new("fn", 1), new("support", 4)], counts.ComputeScalars());
        Assert.Equal(new OutcomeCounts(1, 1, 2, 0), counts.PerClass()[1]);
        Assert.Equal(3, counts.ComputeScalar());
    }

    [Fact]
    public void A_sample_is_right_as_a_whole_or_not_and_ignored_cells_are_not_looked_at()
    {
        var task = Classification.Multilabel(2, ignoreIndex: -1);
        using var predicted = tensor(new[,] { { 0.9, 0.1 }, { 0.9, 0.1 }, { 0.9, 0.9 }, { 0.2, 0.2 } });
        using var labels = tensor(new long[,] { { 1, 0 }, { 1, -1 }, { 1, 0 }, { -1, -1 } });
        using var weights = tensor(new[] { 1.0, 2, 4, 8 });
        Assert.Equal(2 / 3.0, Classify.ExactMatch(predicted, labels, task), 1e-12);
        Assert.Equal(3 / 7.0, Classify.ExactMatch(predicted, labels, task, weights), 1e-12);
        Assert.Contains("one a sample", Assert.Throws<ShapeMismatchException>(() => Classify.ExactMatch(predicted, labels, task, predicted)).Message);
        using var ignored = full([2, 2], -1, ScalarType.Int64);
        using var halves = full([2, 2], 0.5);
        Assert.Equal(double.NaN, Classify.ExactMatch(halves, ignored, task));
    }

    [Fact]
    public void Samples_with_nothing_counted_have_no_ratio()
    {
        using var metric = new Samplewise(new RecallScore(Classification.Multilabel(2, ignoreIndex: -1), zeroDivision: double.NaN));
        using var predicted = tensor(new long[,] { { 1, 0 }, { 0, 1 }, { 1, 1 } });
        using var labels = tensor(new long[,] { { 1, 1 }, { 0, 0 }, { -1, -1 } });
        metric.Update(predicted, labels);
        Assert.Equal([0.5, double.NaN, double.NaN], metric.PerSample());
        Assert.Equal(0.5, metric.Compute());
        Assert.True(metric.HigherIsBetter);
    }

    [Fact]
    public void Groups_without_samples_have_no_rate_and_are_left_out()
    {
        using var predicted = tensor(new long[] { 1, 0, 1, 1 });
        using var labels = tensor(new long[] { 1, 1, 0, 0 });
        using var groups = tensor(new long[] { 0, 0, 2, 2 });
        var fair = Classify.Fairness(predicted, labels, groups, 3);
        Assert.Equal(new GroupRatio(0.5, 0, 2), fair.DemographicParity);
        Assert.Equal(new GroupRatio(1, 0, 0), fair.EqualOpportunity);
        using var rates = new BinaryGroupStatRates(3);
        rates.Update(predicted, labels, groups);
        Assert.Equal(new OutcomeShares(0.5, 0, 0, 0.5), rates.Compute()[0]);
        Assert.Equal(double.NaN, rates.Compute()[1].TruePositives);
        Assert.Equal(0, rates.ComputeScalar());
        Assert.Equal(new("2/fp", 1), rates.ComputeScalars()[9]);
    }

    [Fact]
    public void Groups_are_checked()
    {
        using var metric = new BinaryFairness(2);
        using var labels = tensor(new long[] { 0, 1 });
        using var groups = tensor(new long[] { 0, 4 });
        using var one = tensor(new long[] { 0 });
        Assert.Contains("groups: expected integers of the labels' shape [2]", Assert.Throws<ShapeMismatchException>(() => metric.Update(labels, labels, one)).Message);
        metric.Update(labels, labels, groups);
        var error = Assert.Throws<MetricInputException>(() => metric.Compute());
        Assert.Equal(("groups in [0, 2)", 4.0), (error.Expected, error.First));
    }
}
