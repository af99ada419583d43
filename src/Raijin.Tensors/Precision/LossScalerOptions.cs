namespace Raijin;

/// <summary>How the loss scale of Float16 training moves. Defaults are DeepSpeed's.</summary>
public sealed record LossScalerOptions
{
    /// <summary>The first scale.</summary>
    /// <value>Default 65,536 (2^16); positive. DeepSpeed: <c>2^initial_scale_power</c>.</value>
    public double InitialScale { get; init; } = 65536;

    /// <summary>Steps without overflow after which the scale doubles.</summary>
    /// <value>Default 1,000; at least 1. DeepSpeed: <c>loss_scale_window</c>.</value>
    public int Window { get; init; } = 1000;

    /// <summary>The overflow at which the scale halves: the first for 1, the second for 2, …; every one after that, until the scale rises.</summary>
    /// <value>Default 2; at least 1. DeepSpeed: <c>hysteresis</c>.</value>
    public int Hysteresis { get; init; } = 2;

    /// <summary>Whether each step without overflow starts the count of overflows anew, not only a rise of the scale.</summary>
    /// <value>Default false. DeepSpeed: <c>consecutive_hysteresis</c>.</value>
    public bool ConsecutiveHysteresis { get; init; }

    /// <summary>The scale never falls below.</summary>
    /// <value>Default 1; positive, at most <see cref="InitialScale"/>. DeepSpeed: <c>min_loss_scale</c>.</value>
    public double MinScale { get; init; } = 1;

    /// <summary>Whether an overflow at the minimum ends the run: the loss is then not finite by itself.</summary>
    /// <value>Default true.</value>
    public bool ThrowAtMinScale { get; init; } = true;

    /// <summary>Every fault of these options, for the list of all.</summary>
    /// <param name="key">Where they are in the configuration: <c>precision.lossScaler</c>.</param>
    public IReadOnlyList<OptionFault> Validate(string key)
    {
        var faults = new List<OptionFault>();
        if (!(InitialScale > 0) || !double.IsFinite(InitialScale)) faults.Add(new($"{key}.initialScale", $"{InitialScale} was given; a positive finite number is allowed"));
        if (Window < 1) faults.Add(new($"{key}.window", $"{Window} was given; at least 1 is allowed"));
        if (Hysteresis < 1) faults.Add(new($"{key}.hysteresis", $"{Hysteresis} was given; at least 1 is allowed"));
        if (!(MinScale > 0) || !(MinScale <= InitialScale)) faults.Add(new($"{key}.minScale", $"{MinScale} was given; positive and at most the initial scale of {InitialScale} is allowed"));
        return faults;
    }
}
