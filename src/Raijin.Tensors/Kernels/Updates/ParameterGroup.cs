using TorchSharp.Modules;

namespace Raijin.Tensors;

/// <summary>Parameters that share a learning rate and a weight decay.</summary>
public sealed class ParameterGroup
{
    double _learningRate;
    double _weightDecay;

    /// <summary>Makes a group.</summary>
    /// <param name="name">What messages and saved states call it; unique within an optimizer.</param>
    /// <param name="parameters">Name and parameter, in the order of update; borrowed.</param>
    /// <param name="learningRate">Step size; finite, not negative.</param>
    /// <param name="weightDecay">As the algorithm defines it; finite, not negative. Default 0.</param>
    public ParameterGroup(string name, IEnumerable<KeyValuePair<string, Parameter>> parameters, double learningRate, double weightDecay = 0)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(parameters);
        Name = name;
        Parameters = [.. parameters];
        LearningRate = learningRate;
        WeightDecay = weightDecay;
    }

    /// <summary>What messages and saved states call it.</summary>
    public string Name { get; }

    /// <summary>The parameters by name, in the order of update.</summary>
    public IReadOnlyList<KeyValuePair<string, Parameter>> Parameters { get; }

    /// <summary>Step size of the next update; a schedule writes it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative or not finite.</exception>
    public double LearningRate
    {
        get => _learningRate;
        set => _learningRate = Checked(value, nameof(LearningRate));
    }

    /// <summary>Weight decay of the next update.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative or not finite.</exception>
    public double WeightDecay
    {
        get => _weightDecay;
        set => _weightDecay = Checked(value, nameof(WeightDecay));
    }

    double Checked(double value, string property) => value >= 0 && double.IsFinite(value)
        ? value
        : throw new ArgumentOutOfRangeException(property, value, $"{property} of parameter group '{Name}' must be finite and not negative.");
}
