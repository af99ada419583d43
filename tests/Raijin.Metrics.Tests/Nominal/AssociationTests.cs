using System.Text.Json;
using CsCheck;
using static TorchSharp.torch;

// Not the folder's name, which would hide the class of that name.
namespace Raijin.Metrics.Tests.Association;

public sealed class AssociationTests
{
    const double Tolerance = 1e-12;

    static readonly JsonElement Recorded = Recording.Open("nominal");

    static MetricCollection All(int classes, MissingCategories missing = default) => new()
    {
        { "cramer", new CramersV(classes, biasCorrection: false, missing: missing) },
        { "cramer_continuous", new CramersV(classes, biasCorrection: false, continuityCorrection: true, missing) },
        { "cramer_unbiased", new CramersV(classes, missing: missing) },
        { "cramer_both", new CramersV(classes, continuityCorrection: true, missing: missing) },
        { "tschuprow", new TschuprowsT(classes, biasCorrection: false, missing: missing) },
        { "tschuprow_continuous", new TschuprowsT(classes, biasCorrection: false, continuityCorrection: true, missing) },
        { "tschuprow_unbiased", new TschuprowsT(classes, missing: missing) },
        { "tschuprow_both", new TschuprowsT(classes, continuityCorrection: true, missing: missing) },
        { "pearson", new PearsonsContingencyCoefficient(classes, missing) },
        { "theils_u", new TheilsU(classes, missing) },
    };

    [Theory]
    [InlineData("related")]
    [InlineData("unrelated")]
    [InlineData("two_by_two")]
    public void Measures_are_those_of_scipy_torchmetrics_and_Bergsma(string name)
    {
        using var scope = NewDisposeScope();
        var recorded = Recorded.GetProperty("series").GetProperty(name);
        var (predicted, target) = (recorded.GetProperty("predicted").Tensor(ScalarType.Int64), recorded.GetProperty("target").Tensor(ScalarType.Int64));
        // Empty categories change nothing.
        using var metrics = All(7);
        metrics.Update(predicted, target);
        foreach (var (measure, value) in metrics.Compute()) Recording.Near(recorded.GetProperty(measure).Number(), value, Tolerance, measure);
        if (recorded.TryGetProperty("torchmetrics", out var torchmetrics))
            foreach (var measure in torchmetrics.EnumerateObject()) Recording.Near(measure.Value.Number(), metrics.Compute()[measure.Name], Tolerance, measure.Name);
        Recording.Near(recorded.GetProperty("theils_u_swapped").Number(), Nominal.TheilsU(target, predicted), Tolerance);
        Recording.Near(recorded.GetProperty("cramer_both").Number(), Nominal.CramersV(predicted, target, continuityCorrection: true), Tolerance);
        Recording.Near(recorded.GetProperty("tschuprow").Number(), Nominal.TschuprowsT(predicted, target, biasCorrection: false), Tolerance);
        Recording.Near(recorded.GetProperty("pearson").Number(), Nominal.PearsonsContingency(predicted, target), Tolerance);
    }

    [Fact]
    public void Matrices_of_columns_are_those_of_torchmetrics()
    {
        var recorded = Recorded.GetProperty("matrix");
        using var table = recorded.GetProperty("table").Tensor();
        Near("cramer", Nominal.CramersVMatrix(table, biasCorrection: false));
        Near("cramer_unbiased", Nominal.CramersVMatrix(table));
        Near("tschuprow", Nominal.TschuprowsTMatrix(table, biasCorrection: false));
        Near("pearson", Nominal.PearsonsContingencyMatrix(table));
        Near("theils_u", Nominal.TheilsUMatrix(table));

        void Near(string name, double[,] matrix) => Recording.Near(recorded.GetProperty(name).Numbers(), [.. matrix.Cast<double>()], Tolerance, name);
    }

    [Fact]
    public void Plain_functions_take_any_numbers_for_categories_and_leave_out_missing_ones()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (tensor(new long[] { 0, 1, 2, 1, 0, 2, 1, 0 }), tensor(new long[] { 1, 1, 0, 1, 0, 2, 2, 0 }));
        var (renamedA, renamedB) = (a * 1_000_000_007 - 5, b.to(ScalarType.Float32) / 3 - 0.1f);
        Assert.Equal(Nominal.CramersV(a, b), Nominal.CramersV(renamedA, renamedB));
        var missing = cat([renamedB, tensor(new[] { float.NaN })]);
        Assert.Equal(Nominal.TheilsU(a, b), Nominal.TheilsU(cat([renamedA, tensor(new long[] { 4 })]), missing));
        Assert.Equal(Nominal.CramersV(a, b), Nominal.CramersVMatrix(stack([cat([a, a[..1]]).to(ScalarType.Float32), missing], 1))[0, 1]);
    }

    [Fact]
    public void Missing_categories_are_left_out_or_replaced()
    {
        using var scope = NewDisposeScope();
        var (predicted, target) = (tensor(new[] { 0, 1, 2, float.NaN, 1, 0, 2 }), tensor(new[] { 0, 1, 1, 2, float.NaN, 0, 2 }));
        Same(MissingCategories.Drop, [0, 1, 2, 0, 2], [0, 1, 1, 0, 2]);
        Same(MissingCategories.Replace(1), [0, 1, 2, 1, 1, 0, 2], [0, 1, 1, 2, 1, 0, 2]);
        Assert.Throws<ArgumentOutOfRangeException>(() => MissingCategories.Replace(-1));

        void Same(MissingCategories missing, long[] predictions, long[] targets)
        {
            using var metrics = All(3, missing);
            using var expected = All(3);
            metrics.Update(predicted, target);
            expected.Update(tensor(predictions), tensor(targets));
            Assert.Equal(expected.Compute(), metrics.Compute());
        }
    }

    [Fact]
    public void The_kernel_and_the_ops_count_the_same_and_note_the_same_faults()
    {
        using var scope = NewDisposeScope();
        foreach (var type in (ScalarType[])[ScalarType.Int64, ScalarType.Int32])
            foreach (var last in (int[])[2, 9, -1])
            {
                var counts = new CategoryCounts(4, MissingCategories.Drop);
                using var host = new MetricStates();
                using var ops = new MetricStates();
                counts.Declare(host);
                counts.Declare(ops);
                var batch = new Comparison(tensor(new[] { 0, 3, 1, 1, 2, last }).to(type), tensor(new[] { 0, 3, 3, 1, last, 0 }).to(type));
                Assert.True(counts.TryAddOnHost(host, in batch));
                counts.Add(ops, in batch);
                Assert.Equal(host[0].ToArray<double>(), ops[0].ToArray<double>());
                Assert.Equal(host[1].ToArray<double>(), ops[1].ToArray<double>());
            }
    }

    [Fact]
    public void Scores_name_the_category_of_the_largest()
    {
        using var scope = NewDisposeScope();
        var (scores, target) = (rand(30, 3), arange(30).remainder(3));
        using var metric = new CramersV(3);
        Assert.Equal(metric.Of(scores.argmax(1), target), metric.Of(scores, target));
    }

    [Fact]
    public void Measures_of_a_collection_share_one_table()
    {
        using var metrics = All(3);
        Assert.Equal(1, metrics.NumAccumulations);
        Assert.All(metrics, m => Assert.True(m.Value.HigherIsBetter));
    }

    [Fact]
    public void Any_split_into_updates_any_order_and_any_merge_give_the_same_bits() =>
        Gen.Select(Gen.Long[0, 3].Array[1, 40], Gen.Long[0, 3].Array[40], Gen.Int[0, 40], Gen.Int[1, 1000]).Sample((targets, predictions, cut, seed) =>
        {
            using var scope = NewDisposeScope();
            var n = targets.Length;
            cut = Math.Min(cut, n);
            var batch = new Comparison(tensor(predictions[..n]), tensor(targets));
            var order = Enumerable.Range(0, n).OrderBy(i => (i + 1) * 7919 % (seed + 13)).Select(i => (long)i).ToArray();
            using var whole = All(4);
            using var first = All(4);
            using var second = All(4);
            whole.Update(batch);
            first.Update(batch.Select(tensor(order[..cut])));
            second.Update(batch.Select(tensor(order[cut..])));
            second.Merge(first);
            Assert.Equal(whole.Compute(), second.Compute());
        }, iter: 40);

    [Fact]
    public void One_category_no_sample_and_full_association_score_as_documented()
    {
        using var scope = NewDisposeScope();
        var (series, constant) = (tensor(new long[] { 0, 1, 2, 0, 1, 2 }), ones([6], ScalarType.Int64));
        Assert.Equal([1, 1, 1, 1, 1, 1, 1, 1, Math.Sqrt(2.0 / 3), 1], Rounded(series, series));
        Assert.Equal([.. Enumerable.Repeat(double.NaN, 8), 0, 0], Rounded(constant, series));
        Assert.Equal([.. Enumerable.Repeat(double.NaN, 8), 0, 0], Rounded(series, constant));
        Assert.All(Rounded(series[..0], series[..0]), v => Assert.Equal(double.NaN, v));

        IEnumerable<double> Rounded(Tensor predicted, Tensor target)
        {
            using var metrics = All(3);
            metrics.Update(predicted, target);
            return metrics.Compute().Values.Select(v => Math.Abs(v - Math.Sqrt(2.0 / 3)) < 1e-15 ? Math.Sqrt(2.0 / 3) : v);
        }
    }

    [Fact]
    public void Categories_out_of_range_or_between_two_and_other_shapes_are_refused()
    {
        using var scope = NewDisposeScope();
        using var metric = new CramersV(3);
        var series = tensor(new long[] { 0, 1, 2 });
        Assert.Contains("[4] Int64", Assert.Throws<ShapeMismatchException>(() => metric.Update(series, arange(4))).Message);
        Assert.Contains("[3, 2] Float32", Assert.Throws<ShapeMismatchException>(() => metric.Update(rand(3, 2), series)).Message);
        Assert.Contains("weights", Assert.Throws<ShapeMismatchException>(() => metric.Update(series, series, rand(3))).Message);
        metric.Update(tensor(new[] { 0, 1.5f, 2 }), tensor(new[] { 0, 1, 3f }));
        var error = Assert.Throws<MetricInputException>(() => metric.Compute());
        Assert.Equal((2, 1.5, "whole categories in [0, 3)"), (error.Count, error.First, error.Expected));
        Assert.Contains("[N, K]", Assert.Throws<ShapeMismatchException>(() => Nominal.CramersVMatrix(series)).Message);
        Assert.Contains("[4] Int64", Assert.Throws<ShapeMismatchException>(() => Nominal.TheilsU(series, arange(4))).Message);
    }
}
