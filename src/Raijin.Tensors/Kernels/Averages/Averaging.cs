namespace Raijin.Tensors;

/// <summary>How an average of weights follows them: average ← average + share · (weights - average).</summary>
public abstract record Averaging
{
    /// <summary>The share of the weights in the average.</summary>
    /// <param name="updates">Updates of the average before this one.</param>
    internal abstract double Share(long updates);

    /// <exception cref="ArgumentOutOfRangeException">A property is outside its range.</exception>
    internal abstract void Validate();
}

/// <summary>An exponential moving average (Polyak and Juditsky 1992): the share is 1 - decay.</summary>
/// <param name="Decay">In [0, 1). Default 0.999.</param>
/// <param name="WarmUp">Begin with less decay, min(decay, (1 + n)/(10 + n)) after n updates, so that the first weights are soon forgotten. Default false.</param>
public sealed record ExponentialAveraging(double Decay = 0.999, bool WarmUp = false) : Averaging
{
    internal override double Share(long updates) => 1 - (WarmUp ? Math.Min(Decay, (1.0 + updates) / (10.0 + updates)) : Decay);

    internal override void Validate()
    {
        if (!(Decay >= 0 && Decay < 1)) throw new ArgumentOutOfRangeException(nameof(Decay), Decay, "Decay must be in [0, 1).");
    }
}

/// <summary>The mean of the weights at all updates, as stochastic weight averaging takes it (Izmailov et al. 2018, arXiv:1803.05407): the share of update n is 1/n.</summary>
public sealed record MeanAveraging : Averaging
{
    internal override double Share(long updates) => 1.0 / (updates + 1);

    internal override void Validate()
    {
    }
}
