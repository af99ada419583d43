using Raijin.Testing;
using Raijin.Training.Tests.Callbacks;

namespace Raijin.Training.Tests.Driving;

/// <summary>A fit whose rates follow a metric.</summary>
public sealed class PlateauTests
{
    sealed class Rates : Callback
    {
        public List<double> Seen { get; } = [];

        public override void OnTrainStepEnd(TrainStep step) => Seen.Add(step.Run.Optimizers[0].LastLearningRate(0));
    }

    static List<double> RatesOf(string metric, double[] validationScores, double[] trainScores)
    {
        var rates = new Rates();
        using var run = new ScriptedRun(validationScores)
        {
            TrainScores = trainScores,
            Options = o => o with { MaxEpochs = 6 },
            Optimizer = m => Optimizers.Sgd(m, 1).With(Schedules.ReduceOnPlateau(Best.Min(metric), 0.5, patience: 0)),
        };
        run.Fit(rates);
        // Four steps an epoch, all at one rate.
        Assert.All(rates.Seen.Chunk(4), epoch => Assert.Single(epoch.Distinct()));
        return [.. rates.Seen.Chunk(4).Select(epoch => epoch[0])];
    }

    [Fact]
    public void A_metric_of_the_validation_counts_once_after_each() => Assert.Equal([1, 1, 1, 0.5, 0.5, 0.25], RatesOf("val/score", [3, 2, 2, 1, 1, 1], [1]));

    [Fact]
    public void A_metric_of_the_training_counts_once_an_epoch() => Assert.Equal([1, 1, 0.5, 0.25, 0.25, 0.125], RatesOf("train/score", [1], [3, 3, 3, 2, 2, 2]));

    [Fact]
    public void A_metric_that_nothing_logs_ends_the_run_after_the_first_epoch_and_names_what_is_logged()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => RatesOf("val/scores", [1], [1]));
        Assert.Contains("watches val/scores, which nothing logs; logged so far: train/score, val/score", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(9)]
    [InlineData(14)]
    public void Resumed_after_any_step_the_rates_and_weights_are_those_of_an_undisturbed_run(int stop)
    {
        using var folder = new TemporaryFolder();
        var (whole, expected) = Train(folder["whole"], null, null);
        var (first, _) = Train(folder["stopped"], stop, null);
        var (second, actual) = Train(folder["stopped"], null, Resume.Last);
        Assert.Equal(whole, first.Concat(second));
        Assert.True(whole.Distinct().Count() > 2);
        Fixture.AssertBitwise(expected, actual);
    }

    static (List<double> Rates, Dictionary<string, float[]> Weights) Train(string folder, int? stopAfter, Resume? resume)
    {
        using var set = Fixture.Blobs(60);
        using var stop = new CancellationTokenSource();
        var rates = new Rates();
        // Made before the model, whose first weights follow its seed.
        var trainer = new Trainer(Fixture.Quiet(folder) with { MaxEpochs = 6, Callbacks = [rates, new ModelCheckpoint { Save = Every.Steps(1), KeepLast = 100, InBackground = false }] });
        using var model = new SmallClassifier
        {
            OnStep = s => { if (s.Index + 1 == stopAfter) stop.Cancel(); },
            // No accuracy is good enough: each validation is one without improvement, and the rate falls.
            Optimizer = m => Optimizers.AdamW(m, 0.01)
                .With(Schedules.Sequential(Schedules.Warmup(4), (4, Schedules.Cyclic(0.5, 3))))
                .With(Schedules.ReduceOnPlateau(Best.Max("val/accuracy"), 0.9, patience: 0) with { Threshold = 10, ThresholdIsAbsolute = true }),
        };
        trainer.Fit(model, set.Split(validation: 0.2).Batches(16), resume, stop.Token);
        return (rates.Seen, Fixture.Weights(model));
    }
}
