using Microsoft.Extensions.Logging;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests;

/// <summary>A small classifier with dropout, so that a wrong random state shows in the weights.</summary>
sealed class SmallClassifier : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> _net = Sequential(Linear(8, 16), ReLU(), Dropout(0.25), Linear(16, 3));
    readonly MetricCollection _trained = new("train/") { { "accuracy", new Accuracy(classes: 3) } };
    readonly Accuracy _accuracy = new(classes: 3);

    public Action<TrainStep>? OnStep { get; set; }

    public Func<SmallClassifier, OptimizerSetup> Optimizer { get; init; } = m => Optimizers.AdamW(m, 1e-2).NoDecayOn("*.bias").With(Schedules.WarmupCosine(5));

    protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
    {
        var scores = _net.call(batch.Inputs);
        _trained.Update(scores, batch.Labels);
        var loss = functional.cross_entropy(scores, batch.Labels);
        step.Log("train/loss", loss);
        step.Log(_trained);
        OnStep?.Invoke(step);
        return loss;
    }

    protected override void ValidationStep(LabeledBatch batch, EvalStep step)
    {
        var scores = _net.call(batch.Inputs);
        _accuracy.Update(scores, batch.Labels);
        step.Log("val/accuracy", _accuracy);
        step.Log("val/loss", functional.cross_entropy(scores, batch.Labels));
    }

    protected override OptimizerSetup ConfigureOptimizers() => Optimizer(this);
}

/// <summary>Data, options and comparisons that many tests share.</summary>
static class Fixture
{
    /// <summary>Three Gaussian classes in eight dims, a pure function of the seed.</summary>
    public static LabeledDataset Blobs(int count = 96, int seed = 7)
    {
        var random = new Random(seed);
        var inputs = new float[count * 8];
        var labels = new long[count];
        for (var i = 0; i < count; i++)
        {
            labels[i] = i % 3;
            for (var d = 0; d < 8; d++) inputs[i * 8 + d] = (float)(random.NextDouble() - 0.5 + (d % 3 == labels[i] ? 1 : 0));
        }
        using var scope = NewDisposeScope();
        return new LabeledDataset(tensor(inputs, [count, 8]), tensor(labels));
    }

    /// <summary>Options without anything a test did not ask for.</summary>
    public static TrainerOptions Quiet(string? output = null) => new()
    {
        Output = output,
        MaxEpochs = 2,
        Progress = false,
        Summary = false,
        Loggers = [],
        HandleSignals = false,
        SanityValidationBatches = 0,
        Device = DeviceChoice.Cpu,
    };

    /// <summary>All weights of a module, copied to the host.</summary>
    public static Dictionary<string, float[]> Weights(Module module) =>
        module.state_dict().ToDictionary(p => p.Key, p =>
        {
            using var scope = NewDisposeScope();
            return p.Value.detach().to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
        });

    public static void AssertBitwise(Dictionary<string, float[]> expected, Dictionary<string, float[]> actual)
    {
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach (var (name, values) in expected)
            for (var i = 0; i < values.Length; i++)
                Assert.True(BitConverter.SingleToInt32Bits(values[i]) == BitConverter.SingleToInt32Bits(actual[name][i]), $"{name}[{i}]: {values[i]:R} and {actual[name][i]:R}");
    }
}

/// <summary>Keeps messages for a test to look at.</summary>
sealed class ListLogger : ILogger
{
    public List<string> Messages { get; } = [];

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (Messages) Messages.Add(formatter(state, exception));
    }
}
