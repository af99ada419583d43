using System.Text.Json;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Curves;

/// <summary>Against scikit-learn and torchmetrics in float64, to 1e-9; to 1e-6 where the reference itself rounds to float32.</summary>
public sealed class CurveRecordingTests
{
    const double Tight = 1e-9;
    const double Single = 1e-6;

    static readonly JsonElement Recorded = Recording.Open("curves");
    static readonly Classification Binary = Classification.Binary();

    [Theory]
    [InlineData("plain")]
    [InlineData("weighted")]
    public void Binary_curves_and_what_is_read_off_them_are_those_of_sklearn(string which)
    {
        using var data = new Data("binary", which);
        var expected = data.Expected;
        var roc = Assert.Single(Classify.Roc(data.Scores, data.Labels, Binary, weights: data.Weights));
        Recording.Near(expected.GetProperty("fpr").Numbers(), roc.Fpr, Tight, "fpr");
        Recording.Near(expected.GetProperty("tpr").Numbers(), roc.Tpr, Tight, "tpr");
        Recording.Near(expected.GetProperty("roc_thresholds").Numbers(), [.. roc.Thresholds.Skip(1)], 0, "thresholds");
        Assert.Equal(double.PositiveInfinity, roc.Thresholds[0]);

        var curve = Assert.Single(Classify.PrecisionRecallCurve(data.Scores, data.Labels, Binary, weights: data.Weights));
        Recording.Near(expected.GetProperty("precision").Numbers(), curve.Precision, Tight, "precision");
        Recording.Near(expected.GetProperty("recall").Numbers(), curve.Recall, Tight, "recall");
        Recording.Near(expected.GetProperty("pr_thresholds").Numbers(), curve.Thresholds, 0, "thresholds");

        var auroc = expected.GetProperty("auroc").Number();
        Recording.Near(auroc, Classify.Auroc(data.Scores, data.Labels, Binary, weights: data.Weights), Tight, "auroc");
        Recording.Near(auroc, roc.Area, Tight, "area under the curve");
        foreach (var partial in expected.GetProperty("partial").EnumerateArray())
            Recording.Near(partial[1].Number(), Classify.Auroc(data.Scores, data.Labels, Binary, maxFpr: partial[0].Number(), weights: data.Weights), Tight, $"auroc to {partial[0]}");
        Recording.Near(expected.GetProperty("ap").Number(), Classify.AveragePrecision(data.Scores, data.Labels, Binary, weights: data.Weights), Tight, "average precision");
        Recording.Near(expected.GetProperty("ap").Number(), curve.Area, Tight, "average precision of the curve");
    }

    [Fact]
    public void Equal_error_rate_and_log_auc_are_as_torchmetrics_defines_them()
    {
        using var data = new Data("binary");
        Recording.Near(data.All.GetProperty("eer").Number(), Classify.Eer(data.Scores, data.Labels, Binary), Tight);
        foreach (var range in data.All.GetProperty("log_auc").EnumerateArray())
            Recording.Near(range[2].Number(), Classify.LogAuc(data.Scores, data.Labels, Binary, range[0].Number(), range[1].Number()), Tight, $"{range}");
    }

    [Fact]
    public void Rates_at_fixed_rates_are_those_of_torchmetrics()
    {
        using var data = new Data("binary");
        foreach (var at in data.All.GetProperty("points").EnumerateObject())
        {
            var least = double.Parse(at.Name, System.Globalization.CultureInfo.InvariantCulture);
            Same(at.Value.GetProperty("precision_at_recall"), Classify.PrecisionAtFixedRecall(data.Scores, data.Labels, Binary, least), $"precision at recall {least}");
            Same(at.Value.GetProperty("recall_at_precision"), Classify.RecallAtFixedPrecision(data.Scores, data.Labels, Binary, least), $"recall at precision {least}");
            Same(at.Value.GetProperty("sensitivity_at_specificity"), Classify.SensitivityAtSpecificity(data.Scores, data.Labels, Binary, least), $"sensitivity at specificity {least}");
            Same(at.Value.GetProperty("specificity_at_sensitivity"), Classify.SpecificityAtSensitivity(data.Scores, data.Labels, Binary, least), $"specificity at sensitivity {least}");
        }

        static void Same(JsonElement expected, OperatingPoint point, string what)
        {
            Recording.Near(expected[0].Number(), point.Value, Tight, what);
            // The point above all scores: 1 in torchmetrics, here ∞.
            Recording.Near(expected[1].Number(), double.IsPositiveInfinity(point.Threshold) ? 1 : point.Threshold, Tight, what + ", threshold");
        }
    }

    [Theory]
    [InlineData("uniform")]
    [InlineData("own")]
    public void Binned_curves_are_those_of_torchmetrics_between_their_ends(string which)
    {
        using var data = new Data("binary");
        var expected = data.All.GetProperty("binned").GetProperty(which);
        var at = expected.GetProperty("thresholds").Numbers();
        var thresholds = which == "uniform" ? Thresholds.Uniform(at.Length) : Thresholds.Of(at);
        var roc = Assert.Single(Classify.Roc(data.Scores, data.Labels, Binary, thresholds: thresholds));
        Assert.Equal((0, 0), (roc.Fpr[0], roc.Tpr[0]));
        Assert.Equal((1, 1), (roc.Fpr[^1], roc.Tpr[^1]));
        Recording.Near(expected.GetProperty("fpr").Numbers(), [.. roc.Fpr.Skip(1).Take(at.Length)], Single, "fpr");
        Recording.Near(expected.GetProperty("tpr").Numbers(), [.. roc.Tpr.Skip(1).Take(at.Length)], Single, "tpr");
        var curve = Assert.Single(Classify.PrecisionRecallCurve(data.Scores, data.Labels, Binary, thresholds: thresholds));
        Recording.Near(expected.GetProperty("precision").Numbers(), curve.Precision, Single, "precision");
        Recording.Near(expected.GetProperty("recall").Numbers(), curve.Recall, Single, "recall");
        Recording.Near(expected.GetProperty("ap").Number(), Classify.AveragePrecision(data.Scores, data.Labels, Binary, thresholds: thresholds), Single, "average precision");
        if (which == "uniform") Recording.Near(expected.GetProperty("auroc").Number(), Classify.Auroc(data.Scores, data.Labels, Binary, thresholds: thresholds), Single, "auroc");
    }

    [Fact]
    public void Ignored_samples_are_left_out_as_in_torchmetrics()
    {
        using var data = new Data("binary");
        var expected = data.All.GetProperty("ignoring");
        using var labels = expected.GetProperty("labels").Tensor(ScalarType.Int64);
        var task = Classification.Binary(ignoreIndex: -1);
        Recording.Near(expected.GetProperty("auroc").Number(), Classify.Auroc(data.Scores, labels, task), Tight);
        Recording.Near(expected.GetProperty("ap").Number(), Classify.AveragePrecision(data.Scores, labels, task), Tight);
    }

    [Theory]
    [InlineData("multiclass", "plain")]
    [InlineData("multiclass", "weighted")]
    [InlineData("multilabel", "plain")]
    [InlineData("multilabel", "weighted")]
    public void Averages_over_classes_and_labels_are_those_of_sklearn(string kind, string which)
    {
        using var data = new Data(kind, which);
        foreach (var average in Enum.GetValues<Average>())
        {
            var name = average.ToString().ToLowerInvariant();
            Recording.Near(data.Expected.GetProperty("auroc").GetProperty(name).Number(), Classify.Auroc(data.Scores, data.Labels, data.Task, average, weights: data.Weights), Tight, $"auroc {name}");
            Recording.Near(data.Expected.GetProperty("ap").GetProperty(name).Number(), Classify.AveragePrecision(data.Scores, data.Labels, data.Task, average, weights: data.Weights), Tight, $"ap {name}");
        }
    }

    [Fact]
    public void Class_against_class_is_that_of_sklearn()
    {
        using var data = new Data("multiclass");
        var expected = data.All.GetProperty("auroc_ovo");
        Recording.Near(expected.GetProperty("macro").Number(), Classify.Auroc(data.Scores, data.Labels, data.Task, versus: OneVersus.One), Tight);
        Recording.Near(expected.GetProperty("weighted").Number(), Classify.Auroc(data.Scores, data.Labels, data.Task, Average.Weighted, versus: OneVersus.One), Tight);
    }

    [Fact]
    public void Logits_of_classes_go_through_the_softmax()
    {
        using var data = new Data("multiclass");
        using var logits = data.All.GetProperty("logits").Tensor();
        var expected = data.All.GetProperty("auroc_logits").Number();
        Recording.Near(expected, Classify.Auroc(logits, data.Labels, Classification.Multiclass(4, logits: true)), Tight);
        Assert.NotEqual(expected, Classify.Auroc(logits, data.Labels, data.Task), 1e-6);
    }

    [Fact]
    public void Numbers_of_each_class_are_those_of_torchmetrics()
    {
        using var data = new Data("multiclass");
        PerClass("auroc_classes", new Auroc(data.Task), data.Scores);
        PerClass("eer_classes", new Eer(data.Task), data.Scores);
        PerClass("log_auc_classes", new LogAuc(data.Task, 0.02, 0.4), data.Scores);
        using var below = data.Scores.clamp(0, 0.99);
        PerClass("binned_auroc_classes", new Auroc(data.Task, thresholds: 11), below);
        PerClass("binned_ap_classes", new AveragePrecision(data.Task, thresholds: 11), below);
        Points("precision_at_recall", new PrecisionAtFixedRecall(data.Task, 0.6));
        Points("sensitivity_at_specificity", new SensitivityAtSpecificity(data.Task, 0.7));

        void PerClass<T>(string name, T metric, Tensor scores)
            where T : ScalarMetric<Comparison>, IPerClass
        {
            using (metric)
            {
                metric.Update(scores, data.Labels);
                Recording.Near(data.All.GetProperty(name).Numbers(), metric.PerClass(), name.StartsWith("binned", StringComparison.Ordinal) ? Single : Tight, name);
            }
        }

        void Points(string name, OperatingPointMetric metric)
        {
            using (metric)
            {
                metric.Update(data.Scores, data.Labels);
                Recording.Near(data.All.GetProperty(name)[0].Numbers(), [.. metric.Points().Select(p => p.Value)], Tight, name);
                Recording.Near(data.All.GetProperty(name)[1].Numbers(), [.. metric.Points().Select(p => p.Threshold)], Tight, name);
                Recording.Near(data.All.GetProperty(name)[0].Numbers().Average(), metric.ComputeScalar(), Tight, name);
            }
        }
    }

    [Fact]
    public void Numbers_of_each_label_are_those_of_torchmetrics()
    {
        using var data = new Data("multilabel");
        using var eer = new Eer(data.Task);
        eer.Update(data.Scores, data.Labels);
        Recording.Near(data.All.GetProperty("eer_labels").Numbers(), eer.PerClass(), Tight);
        using var recall = new RecallAtFixedPrecision(data.Task, 0.6);
        recall.Update(data.Scores, data.Labels);
        Recording.Near(data.All.GetProperty("recall_at_precision")[0].Numbers(), recall.PerClass(), Tight);
        Recording.Near(data.All.GetProperty("recall_at_precision")[1].Numbers(), [.. recall.Points().Select(p => p.Threshold)], Tight);
        using var specificity = new SpecificityAtSensitivity(data.Task, 0.6);
        specificity.Update(data.Scores, data.Labels);
        Recording.Near(data.All.GetProperty("specificity_at_sensitivity")[0].Numbers(), specificity.PerClass(), Tight);

        var expected = data.All.GetProperty("ignoring");
        using var labels = expected.GetProperty("labels").Tensor(ScalarType.Int64);
        using var auroc = new Auroc(Classification.Multilabel(5, ignoreIndex: -1));
        auroc.Update(data.Scores, labels);
        Recording.Near(expected.GetProperty("auroc").Numbers(), auroc.PerClass(), Tight);
        Recording.Near(expected.GetProperty("auroc_micro").Number(), Classify.Auroc(data.Scores, labels, Classification.Multilabel(5, ignoreIndex: -1), Average.Micro), Tight);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("weighted")]
    public void Losses_are_those_of_sklearn(string which)
    {
        using var binary = new Data("binary", which);
        Recording.Near(binary.Expected.GetProperty("log_loss").Number(), Classify.LogLoss(binary.Scores, binary.Labels, Binary, binary.Weights), Tight, "log loss");
        Recording.Near(binary.Expected.GetProperty("brier").Number(), Classify.BrierScore(binary.Scores, binary.Labels, Binary, binary.Weights), Tight, "brier");
        using var decision = binary.All.GetProperty("decision").Tensor();
        Recording.Near(binary.Expected.GetProperty("hinge").Number(), Classify.HingeLoss(decision, binary.Labels, Classification.Binary(logits: true), weights: binary.Weights), Tight, "hinge");

        using var multiclass = new Data("multiclass", which);
        using var probabilities = multiclass.All.GetProperty("probabilities").Tensor();
        using var logits = multiclass.All.GetProperty("logits").Tensor();
        Recording.Near(multiclass.Expected.GetProperty("log_loss").Number(), Classify.LogLoss(probabilities, multiclass.Labels, multiclass.Task, multiclass.Weights), Tight, "log loss of classes");
        Recording.Near(multiclass.Expected.GetProperty("brier").Number(), Classify.BrierScore(probabilities, multiclass.Labels, multiclass.Task, multiclass.Weights), Tight, "brier of classes");
        Recording.Near(multiclass.Expected.GetProperty("hinge").Number(), Classify.HingeLoss(logits, multiclass.Labels, multiclass.Task, weights: multiclass.Weights), Tight, "hinge of classes");
    }

    [Fact]
    public void Other_hinges_are_those_of_torchmetrics()
    {
        using var binary = new Data("binary");
        using var decision = binary.All.GetProperty("decision").Tensor();
        using var probabilities = Squeezed(decision);
        Recording.Near(binary.All.GetProperty("squared_hinge").Number(), Classify.HingeLoss(probabilities, binary.Labels, Binary, squared: true), Tight);

        using var multiclass = new Data("multiclass");
        using var classes = multiclass.All.GetProperty("probabilities").Tensor();
        Recording.Near(multiclass.All.GetProperty("hinge_squared").Number(), Classify.HingeLoss(classes, multiclass.Labels, multiclass.Task, squared: true), Tight);
        using var each = new HingeLoss(multiclass.Task, multiclass: MulticlassHinge.OneVersusAll);
        each.Update(classes, multiclass.Labels);
        Recording.Near(multiclass.All.GetProperty("hinge_one_vs_all").Numbers(), each.PerClass(), Tight);
        Recording.Near(multiclass.All.GetProperty("hinge_one_vs_all").Numbers().Average(), each.Compute(), Tight);
    }

    [Fact]
    public void Calibration_is_that_of_sklearn_and_torchmetrics()
    {
        using var binary = new Data("binary");
        var expected = binary.All.GetProperty("calibration");
        using var scores = expected.GetProperty("scores").Tensor();
        foreach (var (strategy, equalMass) in (ReadOnlySpan<(string, bool)>)[("uniform", false), ("quantile", true)])
        {
            using var metric = new CalibrationError(Binary, 7, equalMass: equalMass);
            metric.Update(scores, binary.Labels);
            var bins = metric.Bins().Where(b => b.Share > 0).ToList();
            Recording.Near(expected.GetProperty("curves").GetProperty(strategy).GetProperty("accuracy").Numbers(), [.. bins.Select(b => b.Accuracy)], Tight, strategy);
            Recording.Near(expected.GetProperty("curves").GetProperty(strategy).GetProperty("confidence").Numbers(), [.. bins.Select(b => b.Confidence)], Tight, strategy);
        }
        using var multiclass = new Data("multiclass");
        using var probabilities = multiclass.All.GetProperty("probabilities").Tensor();
        foreach (var norm in Enum.GetValues<CalibrationNorm>())
        {
            var name = norm.ToString().ToLowerInvariant();
            Recording.Near(expected.GetProperty("errors").GetProperty(name).Number(), Classify.CalibrationError(scores, binary.Labels, Binary, 7, norm), Tight, name);
            Recording.Near(multiclass.All.GetProperty("calibration").GetProperty(name).Number(), Classify.CalibrationError(probabilities, multiclass.Labels, multiclass.Task, 10, norm), Single, name);
        }
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("weighted")]
    public void Rankings_of_labels_are_those_of_sklearn(string which)
    {
        using var data = new Data("multilabel", which);
        Recording.Near(data.Expected.GetProperty("coverage").Number(), Classify.CoverageError(data.Scores, data.Labels, data.Task, data.Weights), Tight, "coverage");
        Recording.Near(data.Expected.GetProperty("lrap").Number(), Classify.LabelRankingAveragePrecision(data.Scores, data.Labels, data.Task, data.Weights), Tight, "average precision");
        Recording.Near(data.Expected.GetProperty("ranking_loss").Number(), Classify.LabelRankingLoss(data.Scores, data.Labels, data.Task, data.Weights), Tight, "loss");
    }

    static Tensor Squeezed(Tensor decision)
    {
        using var scope = NewDisposeScope();
        return decision.add(4).div(8).clamp(0, 1).DetachFromDisposeScope();
    }

    sealed class Data : IDisposable
    {
        public Data(string kind, string which = "plain")
        {
            All = Recorded.GetProperty(kind);
            Expected = All.GetProperty(which);
            Scores = All.GetProperty("scores").Tensor();
            Labels = All.GetProperty("labels").Tensor(ScalarType.Int64);
            Weights = which == "weighted" ? All.GetProperty("weights").Tensor() : null;
            Task = kind switch { "binary" => Binary, "multiclass" => Classification.Multiclass(4), _ => Classification.Multilabel(5) };
        }

        public JsonElement All { get; }

        public JsonElement Expected { get; }

        public Tensor Scores { get; }

        public Tensor Labels { get; }

        public Tensor? Weights { get; }

        public Classification Task { get; }

        public void Dispose()
        {
            Scores.Dispose();
            Labels.Dispose();
            Weights?.Dispose();
        }
    }
}
