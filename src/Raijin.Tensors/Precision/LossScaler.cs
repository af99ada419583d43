namespace Raijin.Tensors;

/// <summary>What a <see cref="LossScaler"/> saves.</summary>
/// <param name="Scale">The scale in force.</param>
/// <param name="Steps">Updates so far, overflows included.</param>
/// <param name="LastOverflow">The update of the last overflow, counted from 0; −1 before the first.</param>
/// <param name="Hysteresis">Overflows left before the scale falls.</param>
public readonly record struct LossScalerState(double Scale, long Steps, long LastOverflow, int Hysteresis);

/// <summary>
/// Dynamic loss scaling for Float16: the loss is multiplied by a scale so that small gradients do not vanish, and divided out before the step.
/// The scale falls when gradients overflow and rises after a window without. The rule is DeepSpeed's.
/// </summary>
public sealed class LossScaler
{
    const double Factor = 2;

    readonly LossScalerOptions _options;
    LossScalerState _state;

    /// <summary>Starts at the options' initial scale.</summary>
    /// <exception cref="InvalidOptionsException">An option is out of range; every fault is listed.</exception>
    public LossScaler(LossScalerOptions? options = null)
    {
        _options = options ?? new LossScalerOptions();
        InvalidOptionsException.ThrowIfAny(_options.Validate("lossScaler"));
        _state = new LossScalerState(_options.InitialScale, 0, -1, _options.Hysteresis);
    }

    /// <summary>What the loss is multiplied by now.</summary>
    public double Scale => _state.Scale;

    /// <summary>All there is to save; setting it resumes.</summary>
    /// <exception cref="ArgumentException">The scale is not positive and finite, or a count is impossible.</exception>
    public LossScalerState State
    {
        get => _state;
        set
        {
            if (!(value.Scale > 0) || !double.IsFinite(value.Scale) || value.Steps < 0 || value.LastOverflow < -1 || value.LastOverflow >= value.Steps || value.Hysteresis < 1)
                throw new ArgumentException($"{value} is not the state of a loss scaler.", nameof(value));
            _state = value;
        }
    }

    /// <summary>Tells how the gradients of a step were. After an overflow the optimizer and its schedule skip the step.</summary>
    /// <param name="overflow">Whether any gradient, on any rank, was not finite.</param>
    /// <exception cref="InvalidOperationException">An overflow with the scale at its minimum: the loss itself is not finite.</exception>
    public void Update(bool overflow)
    {
        var (scale, step, lastOverflow, hysteresis) = _state;
        if (overflow)
        {
            if (hysteresis > 1) hysteresis--;
            else
            {
                if (scale <= _options.MinScale && _options.ThrowAtMinScale)
                    throw new InvalidOperationException(
                        $"Gradients overflow with the loss scale at its minimum of {_options.MinScale}: the loss or the model's activations are not finite. " +
                        "Lower the learning rate, clip the gradients, or train in bf16.");
                scale = Math.Max(scale / Factor, _options.MinScale);
            }
            lastOverflow = step;
        }
        else
        {
            if (_options.ConsecutiveHysteresis) hysteresis = _options.Hysteresis;
            var stable = step - lastOverflow - 1;
            if (stable > 0 && stable % _options.Window == 0)
            {
                hysteresis = _options.Hysteresis;
                scale *= Factor;
            }
        }
        _state = new LossScalerState(scale, step + 1, lastOverflow, hysteresis);
    }
}
