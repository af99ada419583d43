using System.Text;

namespace Raijin;

/// <summary>
/// How bytes become the numbers a model sees: (v / 255 − mean) / deviation, for each channel; done while a batch is written. With one mean the
/// batch has one channel, the grey of the pixel; with three it has red, green and blue.
/// </summary>
public sealed record Normalize
{
    readonly float[] _mean, _deviation;

    /// <summary>Numbers by channel.</summary>
    /// <param name="mean">1 or 3 values, in the scale of 0 to 1.</param>
    /// <param name="deviation">As many, above 0.</param>
    /// <exception cref="ArgumentException">Another number of values, or a deviation that is not positive.</exception>
    public Normalize(ReadOnlySpan<float> mean, ReadOnlySpan<float> deviation)
    {
        if (mean.Length is not (1 or 3) || deviation.Length != mean.Length)
            throw new ArgumentException($"{mean.Length} means and {deviation.Length} deviations were given: give 3 of each, or 1 for grey images.", nameof(mean));
        foreach (var value in deviation)
            if (!(value > 0)) throw new ArgumentOutOfRangeException(nameof(deviation), value, "A deviation divides: give one above 0.");
        (_mean, _deviation) = (mean.ToArray(), deviation.ToArray());
    }

    /// <summary>Red, green and blue from 0 to 1.</summary>
    public static Normalize Unit { get; } = new([0, 0, 0], [1, 1, 1]);

    /// <summary>Grey from 0 to 1: one channel.</summary>
    public static Normalize Grey { get; } = new([0], [1]);

    /// <summary>The means and deviations of ImageNet's training images, which most pretrained models expect.</summary>
    public static Normalize ImageNet { get; } = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);

    /// <summary>The means and deviations of CIFAR-10's training images.</summary>
    public static Normalize Cifar10 { get; } = new([0.4914f, 0.4822f, 0.4465f], [0.2470f, 0.2435f, 0.2616f]);

    /// <summary>Mean of each channel.</summary>
    public IReadOnlyList<float> Mean => _mean;

    /// <summary>Deviation of each channel.</summary>
    public IReadOnlyList<float> Deviation => _deviation;

    /// <summary>Whether both have the same numbers.</summary>
    public bool Equals(Normalize? other) =>
        other is not null && _mean.AsSpan().SequenceEqual(other._mean) && _deviation.AsSpan().SequenceEqual(other._deviation);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_mean[0], _deviation[0], _mean.Length);

    bool PrintMembers(StringBuilder builder)
    {
        builder.Append(System.Globalization.CultureInfo.InvariantCulture, $"Mean = [{string.Join(", ", _mean)}], Deviation = [{string.Join(", ", _deviation)}]");
        return true;
    }
}
