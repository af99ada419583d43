using System.ComponentModel.DataAnnotations;

namespace Raijin.Cli;

/// <summary>A multilayer perceptron for the embedded digits.</summary>
sealed class DigitClassifier(PerceptronOptions options, OptimizerOptions optimizer, ScheduleOptions schedule)
    : Classifier(Networks.Perceptron(inputs: 64, options.Hidden, options.Layers, options.Dropout, outputs: 10), classes: 10, optimizer, schedule);

/// <summary>A multilayer perceptron.</summary>
sealed record PerceptronOptions
{
    /// <summary>Units of each hidden layer.</summary>
    [Range(1, int.MaxValue)]
    public int Hidden { get; init; } = 128;

    /// <summary>Hidden layers.</summary>
    [Range(0, int.MaxValue)]
    public int Layers { get; init; } = 1;

    /// <summary>Share of hidden units dropped in training.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Dropout { get; init; }
}
