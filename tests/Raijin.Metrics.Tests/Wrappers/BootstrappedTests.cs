using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Wrappers;

public sealed class BootstrappedTests : IDisposable
{
    readonly WrapperBatches _batches = new();

    [Fact]
    public void The_spread_of_the_copies_is_the_standard_error_of_the_number()
    {
        // 200 samples of which 70 % are right: the error of a share p of n is sqrt(p (1 - p) / n).
        using var predictions = zeros([200], ScalarType.Int64);
        using var targets = tensor(Enumerable.Range(0, 200).Select(i => i % 10 < 7 ? 0L : 1L).ToArray());
        foreach (var resampling in Enum.GetValues<Resampling>())
        {
            using var metric = new Accuracy(WrapperBatches.Task).Bootstrapped(copies: 400, seed: 1, resampling);
            metric.Update(predictions, targets);
            var result = metric.Compute();
            Assert.Equal(400, result.Values.Count);
            Assert.Equal(0.7, result.Mean, 0.005);
            Assert.Equal(Math.Sqrt(0.7 * 0.3 / 200), result.Std, 0.003);
        }
    }

    [Fact]
    public void Poisson_draws_each_sample_once_on_average_and_multinomial_as_many_as_came_in()
    {
        using var poisson = new ConfusionMatrix(WrapperBatches.Task).Bootstrapped(copies: 50, seed: 2);
        using var multinomial = new ConfusionMatrix(WrapperBatches.Task).Bootstrapped(copies: 3, seed: 2, Resampling.Multinomial);
        foreach (var batch in _batches.All)
        {
            poisson.Update(batch);
            multinomial.Update(batch);
        }
        const int Samples = 35;
        Assert.Equal([Samples, Samples, Samples], multinomial.Parts().Skip(1).Select(Seen));
        Assert.Equal(Samples, poisson.Parts().Skip(1).Average(Seen), 2.0);
        Assert.True(poisson.Parts().Skip(1).Select(Seen).Distinct().Count() > 5);

        static double Seen(MetricPart part) => part.States[0].ToArray<double>().Sum();
    }

    [Fact]
    public void The_same_seed_draws_the_same_and_a_resumed_run_what_the_uninterrupted_one_would()
    {
        using var whole = new Accuracy(WrapperBatches.Task).Bootstrapped(copies: 5, seed: 3);
        using var first = new Accuracy(WrapperBatches.Task).Bootstrapped(copies: 5, seed: 3);
        using var resumed = new Accuracy(WrapperBatches.Task).Bootstrapped(copies: 5, seed: 3);
        using var other = new Accuracy(WrapperBatches.Task).Bootstrapped(copies: 5, seed: 4);
        foreach (var batch in _batches.All)
        {
            whole.Update(batch);
            other.Update(batch);
        }
        foreach (var batch in _batches.All.Take(3)) first.Update(batch);
        WrapperBatches.Save(first, resumed);
        foreach (var batch in _batches.All.Skip(3)) resumed.Update(batch);
        Assert.Equal(whole.Compute().Values, resumed.Compute().Values);
        Assert.NotEqual(whole.Compute().Values, other.Compute().Values);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.25, 2.75)]
    [InlineData(0.5, 4.5)]
    [InlineData(0.9, 8.3)]
    [InlineData(1, 9)]
    public void Quantiles_lie_between_copies_as_numpy_has_them(double share, double expected) =>
        Assert.Equal(expected, new BootstrapResult(0, 0, [9, 1, 3, 4, 5, 2, 6, 8]).Quantile(share), 12);

    [Fact]
    public void Its_numbers_in_a_collection_are_mean_deviation_and_the_quantiles_asked_for()
    {
        using var metrics = new MetricCollection { { "accuracy", new Accuracy(WrapperBatches.Task).Bootstrapped(4, 5, Resampling.Poisson, 0.025, 0.975) } };
        foreach (var batch in _batches.All) metrics.Update(batch);
        var numbers = metrics.Compute();
        Assert.Equal(["accuracy/mean", "accuracy/std", "accuracy/q0.025", "accuracy/q0.975"], numbers.Keys);
        Assert.InRange(numbers["accuracy/mean"], numbers["accuracy/q0.025"], numbers["accuracy/q0.975"]);
        Assert.Equal(false, metrics.HigherIsBetterOf("accuracy/std"));
        using var accuracy = new Accuracy(3);
        Assert.Throws<ArgumentOutOfRangeException>(() => accuracy.Bootstrapped(2, 0, Resampling.Poisson, 1.5));
    }

    [Fact]
    public void Texts_are_resampled_as_tensors_are()
    {
        using var metric = new WordErrorRate().Bootstrapped(copies: 20, seed: 6);
        Assert.Throws<InvalidOperationException>(() => metric.Compute());
        metric.Update(["a b", "c", "d e f"], ["a x", "c", "d e g"]);
        var result = metric.Compute();
        Assert.InRange(result.Mean, 0.05, 0.6);
        Assert.True(result.Std > 0);
    }

    public void Dispose() => _batches.Dispose();
}
