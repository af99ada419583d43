using TorchSharp.Modules;

namespace Raijin.Tensors;

/// <summary>Parameters that share a learning rate and a weight decay.</summary>
public sealed class ParameterGroup
{
    double _learningRate;
    double _weightDecay;
    double? _momentum;

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

    /// <summary>
    /// The momentum (β₁ of the Adam family) of the next update, in place of the algorithm's own; a schedule that cycles it writes it.
    /// </summary>
    /// <value>Default null: the algorithm's own. Only for an algorithm that has one (<see cref="OptimizerAlgorithm.CyclableMomentum"/>).</value>
    /// <exception cref="ArgumentOutOfRangeException">Not above 0 and below 1.</exception>
    public double? Momentum
    {
        get => _momentum;
        set => _momentum = value is null or (> 0 and < 1)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Momentum), value, $"Momentum of parameter group '{Name}' must be above 0 and below 1.");
    }

    double Checked(double value, string property) => value >= 0 && double.IsFinite(value)
        ? value
        : throw new ArgumentOutOfRangeException(property, value, $"{property} of parameter group '{Name}' must be finite and not negative.");
}
