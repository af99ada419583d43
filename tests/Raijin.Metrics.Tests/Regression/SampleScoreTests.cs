using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Regressions;

public sealed class SampleScoreTests
{
    [Fact]
    public void Divergences_are_those_of_scipy_row_by_row()
    {
        using var scope = NewDisposeScope();
        Holds("kl", keep => new KLDivergence(keepSamples: keep), "rows");
        Holds("js", keep => new JensenShannonDivergence(keepSamples: keep), "rows");
    }

    [Fact]
    public void A_sample_of_weight_zero_keeps_its_number_and_counts_nothing()
    {
        using var scope = NewDisposeScope();
        var (p, q) = (tensor(new[] { 1.0, 0, 0, 1 }).reshape(2, 2), tensor(new[] { 0.5, 0.5, 1, 0 }).reshape(2, 2));
        foreach (var keep in (bool[])[false, true])
        {
            using var divergence = new KLDivergence(keepSamples: keep);
            divergence.Update(p, q, tensor(new[] { 2.0, 0 }));
            Assert.Equal(Math.Log(2), divergence.Compute(), 1e-12);
            if (keep) Recording.Near([Math.Log(2), double.PositiveInfinity], divergence.PerSample(), 1e-12);
        }
    }

    [Fact]
    public void Divergences_of_logarithms_are_those_of_torchmetrics()
    {
        using var scope = NewDisposeScope();
        var batch = Recorded.Batch("rows");
        var (p, q) = (Logarithms(batch.Predictions), Logarithms(batch.Targets));
        Assert.Equal(Recorded.Number("kl/logarithms"), Regression.KLDivergence(p, q, logarithms: true), 1e-9);
        Assert.Equal(Recorded.Number("js/logarithms"), Regression.JensenShannonDivergence(p, q, logarithms: true), 1e-9);

        static Tensor Logarithms(Tensor rows) => (rows / rows.sum(1, keepdim: true)).narrow(0, 1, 7).log();
    }

    [Fact]
    public void Cosines_are_those_of_scikit_learn_and_their_sum_that_of_torchmetrics()
    {
        using var scope = NewDisposeScope();
        using var kept = new CosineSimilarity(keepSamples: true);
        Recorded.Feed(kept, Recorded.Batch("vectors"));
        Recording.Near(Recorded.Numbers("cosine/rows"), kept.PerSample(), 1e-12);
        // torchmetrics computes it in float32.
        Recorded.Holds("cosine/sum", new CosineSimilarity(SampleReduction.Sum), Recorded.Batch("vectors"), 1e-6);
    }

    [Fact]
    public void Ranked_probability_scores_are_those_of_torchmetrics_and_of_the_integral()
    {
        using var scope = NewDisposeScope();
        Recorded.Holds("crps", new ContinuousRankedProbabilityScore(), Recorded.Batch("ensemble"));
        var batch = Recorded.Batch("ensemble", weighted: true);
        var (members, targets, weights) = (batch.Predictions.data<double>().ToArray(), batch.Targets.data<double>().ToArray(), batch.Weights!.data<double>().ToArray());
        var scores = targets.Select((y, i) => Integral(members[(6 * i)..(6 * i + 6)], y)).ToArray();
        using var kept = new ContinuousRankedProbabilityScore(keepSamples: true);
        Recorded.Feed(kept, batch);
        Recording.Near(scores, kept.PerSample(), 1e-12);
        Recording.Near(scores.Zip(weights, (s, w) => s * w).Sum() / weights.Sum(), kept.Compute(), 1e-12);

        // ∫ (F(z) − 1[z ≥ y])² dz: F is a step function, so it is a sum over the gaps between members and target.
        static double Integral(double[] members, double target)
        {
            var knots = members.Append(target).Order().ToArray();
            return Enumerable.Range(0, knots.Length - 1)
                .Sum(i => Math.Pow(members.Count(m => m <= knots[i]) / (double)members.Length - (knots[i] >= target ? 1 : 0), 2) * (knots[i + 1] - knots[i]));
        }
    }

    [Fact]
    public void The_fair_score_compares_different_members_only()
    {
        using var scope = NewDisposeScope();
        // |1 − 0|/2 + |3 − 0|/2 − |3 − 1|/2 = 1, and with the members' own distance of 0 counted too: 2 − 1/2.
        var (members, target) = (tensor(new[] { 1.0, 3.0 }).reshape(1, 2), zeros([1]));
        Assert.Equal(1, Regression.ContinuousRankedProbabilityScore(members, target, fair: true), 1e-15);
        Assert.Equal(1.5, Regression.ContinuousRankedProbabilityScore(members, target), 1e-15);
        Assert.Equal(3, Regression.ContinuousRankedProbabilityScore(members.narrow(1, 1, 1), target), 1e-15);
        Assert.Throws<ShapeMismatchException>(() => Regression.ContinuousRankedProbabilityScore(members.narrow(1, 1, 1), target, fair: true));
    }

    [Fact]
    public void Zeros_have_the_documented_divergences_and_cosines()
    {
        using var scope = NewDisposeScope();
        var (half, left, right) = (tensor(new[] { 0.5, 0.5 }).reshape(1, 2), tensor(new[] { 1.0, 0.0 }).reshape(1, 2), tensor(new[] { 0.0, 1.0 }).reshape(1, 2));
        Assert.Equal(Math.Log(2), Regression.KLDivergence(left, half), 1e-15);
        Assert.Equal(double.PositiveInfinity, Regression.KLDivergence(half, left));
        Assert.Equal(Math.Log(2), Regression.JensenShannonDivergence(left, right), 1e-15);
        Assert.Equal(Math.Log(2), Regression.KLDivergence(left.log(), half.log(), logarithms: true), 1e-15);
        Assert.Equal(Math.Log(2), Regression.JensenShannonDivergence(left.log(), right.log(), logarithms: true), 1e-15);
        Assert.Equal(0, Regression.CosineSimilarity(zeros([1, 2]), ones([1, 2])));
        Assert.Equal(double.NaN, Regression.KLDivergence(zeros([0, 2]), zeros([0, 2])));
        Assert.Equal(0, Regression.KLDivergence(zeros([0, 2]), zeros([0, 2]), reduction: SampleReduction.Sum));
    }

    [Fact]
    public void What_is_no_distribution_is_left_out_and_reported()
    {
        using var scope = NewDisposeScope();
        var good = tensor(new[] { 0.5, 0.5, 0.5, 0.5 }).reshape(2, 2);
        Assert.Equal(-0.5, Fault(new KLDivergence(), tensor(new[] { 0.5, 0.5, -0.5, 1.5 }).reshape(2, 2), good).First);
        Assert.Equal(2, Fault(new JensenShannonDivergence(), good, tensor(new[] { 0.5, 0.5, 0.0, 0.0 }).reshape(2, 2)).Count);
        Assert.Equal(0.7, Fault(new KLDivergence(logarithms: true), tensor(new[] { -1.0, -1.0, 0.7, -1.0 }).reshape(2, 2), -good).First);
        Assert.Equal(double.NaN, Fault(new CosineSimilarity(), tensor(new[] { 0.5, double.NaN, 0.0, 0.0 }).reshape(2, 2), good).First);
        using var negative = new CosineSimilarity();
        negative.Update(good, good, tensor(new[] { 1.0, -2.0 }));
        Assert.Equal(-2, Assert.Throws<MetricInputException>(() => negative.Compute()).First);

        static MetricInputException Fault(SampleMetric metric, Tensor p, Tensor q)
        {
            using (metric)
            {
                metric.Update(p, q);
                Assert.Equal(1, metric.States[1].ToArray<double>()[0]);
                return Assert.Throws<MetricInputException>(() => metric.Compute());
            }
        }
    }

    [Fact]
    public void Samples_that_were_not_kept_can_not_be_listed()
    {
        using var scope = NewDisposeScope();
        using var metric = new CosineSimilarity();
        metric.Update(ones([2, 3]), ones([2, 3]));
        Assert.Contains("keepSamples", Assert.Throws<InvalidOperationException>(() => metric.PerSample()).Message);
    }

    [Fact]
    public void Shapes_are_checked()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ShapeMismatchException>(() => Regression.CosineSimilarity(ones([3]), ones([3])));
        Assert.Throws<ShapeMismatchException>(() => Regression.KLDivergence(ones([3, 2]), ones([3, 3])));
        Assert.Throws<ShapeMismatchException>(() => Regression.KLDivergence(ones([3, 2]), ones([3, 2]), ones([2])));
        Assert.Throws<ShapeMismatchException>(() => Regression.ContinuousRankedProbabilityScore(ones([3, 2]), ones([3, 2])));
        Assert.Throws<ShapeMismatchException>(() => Regression.CosineSimilarity(ones([3, 2], ScalarType.ComplexFloat32), ones([3, 2])));
    }

    static void Holds(string name, Func<bool, SampleMetric> metric, string batch)
    {
        foreach (var keep in (bool[])[false, true]) Recorded.Holds(name, metric(keep), Recorded.Batch(batch));
        using var kept = metric(true);
        Recorded.Feed(kept, Recorded.Batch(batch));
        Recording.Near(Recorded.Numbers(name + "/rows"), kept.PerSample(), 1e-12);
    }
}
