using Raijin.Collectives;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Ranks;

/// <summary>A classifier that draws no random numbers, which ranks as threads would draw from each other.</summary>
sealed class PlainClassifier : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> _first = Linear(8, 16);
    readonly Module<Tensor, Tensor> _last = Linear(16, 3);
    readonly MetricCollection _trained = new("train/") { { "accuracy", new Accuracy(classes: 3) } };
    readonly Accuracy _accuracy = new(classes: 3);

    public int Rank { get; init; }

    public Action<TrainStep>? OnStep { get; init; }

    public Func<TrainStep, bool>? Skips { get; init; }

    public Func<TrainStep, bool>? Breaks { get; init; }

    public Func<PlainClassifier, OptimizerSetup> Optimizer { get; init; } = m => Optimizers.AdamW(m, 1e-2).NoDecayOn("*.bias").With(Schedules.WarmupCosine(5));

    Tensor Scores(LabeledBatch batch) => _last.call(functional.relu(_first.call(batch.Inputs)));

    protected override Tensor? TrainingStep(LabeledBatch batch, TrainStep step)
    {
        if (Skips?.Invoke(step) == true) return null;
        var scores = Scores(batch);
        _trained.Update(scores, batch.Labels);
        var loss = functional.cross_entropy(scores, batch.Labels);
        step.Log("train/loss", loss);
        step.Log(_trained);
        OnStep?.Invoke(step);
        return Breaks?.Invoke(step) == true ? loss * double.NaN : loss;
    }

    protected override void ValidationStep(LabeledBatch batch, EvalStep step)
    {
        var scores = Scores(batch);
        _accuracy.Update(scores, batch.Labels);
        step.Log("val/accuracy", _accuracy);
        step.Log("val/loss", functional.cross_entropy(scores, batch.Labels));
        step.Log("val/samples", (double)batch.Count, Reduce.Sum);
        step.Log("val/lowest", scores.min(), Reduce.Min);
        step.Log("val/highest", scores.max(), Reduce.Max);
        step.Log("val/first", 7.0 + Rank, Reduce.Last);
    }

    protected override Tensor PredictStep(LabeledBatch batch, EvalStep step) => Scores(batch);

    protected override OptimizerSetup ConfigureOptimizers() => Optimizer(this);
}

/// <summary>Fits on ranks as threads.</summary>
static class RankFit
{
    public static readonly GroupOptions Options = new() { Deadline = TimeSpan.FromSeconds(30), CheckCalls = true };

    public static Strategy Stage(int stage) => new() { Stage = stage };

    /// <summary>Each rank's result and weights. Ranks but the first begin with other weights, which must not matter.</summary>
    public static (FitResult Result, Dictionary<string, float[]> Weights)[] Run(
        int ranks, Func<World, TrainerOptions> options, DataLoaders<LabeledBatch> data, Func<int, PlainClassifier>? model = null, Resume? resume = null, Func<World, CancellationToken>? stop = null, bool checks = true)
    {
        var models = new PlainClassifier[ranks];
        for (var rank = 0; rank < ranks; rank++)
        {
            Seed.Everything(5 + rank);
            models[rank] = model?.Invoke(rank) ?? new PlainClassifier { Rank = rank };
        }
        try
        {
            return World.Run(ranks, world =>
            {
                var result = new Trainer(options(world), world).Fit(models[world.Rank], data, resume, stop?.Invoke(world) ?? default);
                return (result, Fixture.Weights(models[world.Rank]));
            }, Options with { CheckCalls = checks });
        }
        finally
        {
            foreach (var made in models) made.Dispose();
        }
    }

    public static void AssertClose(Dictionary<string, float[]> expected, Dictionary<string, float[]> actual, float tolerance)
    {
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach (var (name, values) in expected)
            for (var i = 0; i < values.Length; i++)
                Assert.True(Math.Abs(values[i] - actual[name][i]) <= tolerance * Math.Max(1, Math.Abs(values[i])), $"{name}[{i}]: {values[i]:R} and {actual[name][i]:R}");
    }
}
