using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

/// <summary>Reads 8 × 8 digits: trained by its steps, asked by <see cref="Read"/>.</summary>
sealed class DigitReader : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> _net = Sequential(Linear(64, 128), ReLU(), Dropout(0.2), Linear(128, 10));
    readonly MetricCollection _metrics = Measures(Classification.Multiclass(10));

    protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
    {
        var loss = functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);
        step.Log("train/loss", loss);
        return loss;
    }

    protected override void ValidationStep(LabeledBatch batch, EvalStep step)
    {
        _metrics.Update(_net.call(batch.Inputs), batch.Labels);
        step.Log("val", _metrics);
    }

    static MetricCollection Measures(Classification task) => new() { { "accuracy", new Accuracy(task) }, { "f1", new F1Score(task) } };

    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.AdamW(this, learningRate: 3e-3);

    /// <summary>The digit of a picture of 64 pixels.</summary>
    public DigitAnswer Read(float[] pixels)
    {
        var (probability, digit) = _net.call(tensor(pixels).unsqueeze(0)).softmax(1).max(1);
        return new((int)digit.item<long>(), probability.item<float>());
    }
}
