using System.ComponentModel.DataAnnotations;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Cli;

/// <summary>A network for 28 × 28 images in ten classes.</summary>
sealed class MnistClassifier(MnistNetwork network, OptimizerOptions optimizer, ScheduleOptions schedule)
    : Classifier(network.Build(), classes: 10, optimizer, schedule);

/// <summary>The network of <see cref="MnistClassifier"/>.</summary>
abstract record MnistNetwork
{
    /// <summary>Units of the hidden layer.</summary>
    [Range(1, int.MaxValue)]
    public int Hidden { get; init; } = 128;

    /// <summary>Share of hidden units dropped in training.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Dropout { get; init; }

    /// <summary>The network, [B, 1, 28, 28] to [B, 10].</summary>
    public abstract Module<Tensor, Tensor> Build();
}

/// <summary>One hidden layer.</summary>
[Choice("perceptron")]
sealed record MnistPerceptron : MnistNetwork
{
    public override Module<Tensor, Tensor> Build() => Networks.Perceptron(inputs: 28 * 28, Hidden, layers: 1, Dropout, outputs: 10);
}

/// <summary>Two convolutions with pooling, then one hidden layer.</summary>
[Choice("convolutions")]
sealed record MnistConvolutions : MnistNetwork
{
    public override Module<Tensor, Tensor> Build() => Networks.Convolutions(Hidden, Dropout, outputs: 10);
}
