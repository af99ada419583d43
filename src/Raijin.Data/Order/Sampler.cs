using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Raijin.Data;

namespace Raijin;

/// <summary>
/// Chooses which samples an epoch draws and in which order, instead of each once in a random order: <see cref="LoaderOptions.Sampler"/>.
/// Answers to <c>torch.utils.data.Sampler</c>.
/// </summary>
/// <remarks>
/// Derive from it for an own rule. Its order is a pure function of (seed, epoch, position), so that sharding and resuming stay arithmetic; a
/// rule that needs a table makes it when the epoch is opened.
/// </remarks>
public abstract class Sampler
{
    /// <summary>Samples of the dataset that it was made for.</summary>
    public abstract long Count { get; }

    /// <summary>Samples that an epoch draws, over all ranks.</summary>
    public abstract long Draws { get; }

    /// <summary>The order of an epoch: <see cref="Draws"/> positions.</summary>
    /// <param name="seed">The loader's seed.</param>
    /// <param name="epoch">Epoch, from 0.</param>
    public abstract SampleOrder Order(ulong seed, long epoch);

    /// <summary>What decides its draws besides the seed, as a short text: a part of <see cref="DataLoader{TBatch}.Fingerprint"/>.</summary>
    public abstract string Fingerprint { get; }

    /// <summary>
    /// Draws with replacement, each sample as often as its weight says, by Walker's alias method: O(1) a draw, 12 bytes a sample, resumed by
    /// arithmetic. Answers to <c>WeightedRandomSampler(replacement=True)</c>.
    /// </summary>
    /// <param name="weights">One a sample, finite, 0 or more, not all 0; their sum does not matter.</param>
    /// <param name="draws">Samples an epoch draws; null: as many as there are weights.</param>
    /// <exception cref="ArgumentException">A weight that is negative or not finite, or none above 0.</exception>
    public static Sampler Weighted(IReadOnlyList<double> weights, long? draws = null) => new WeightedSampler(Checked(weights, out _), draws);

    /// <summary>
    /// Draws without replacement: one sample after the other, each time by the weights of those that are left. An epoch costs O(n log n) to open
    /// and 8 bytes a sample. Answers to <c>WeightedRandomSampler(replacement=False)</c>.
    /// </summary>
    /// <param name="weights">One a sample, finite, 0 or more; a sample of weight 0 is never drawn.</param>
    /// <param name="draws">Samples an epoch draws, 1 to the number of weights above 0; null: all of these.</param>
    /// <exception cref="ArgumentException">A weight that is negative or not finite, or fewer above 0 than draws.</exception>
    public static Sampler WeightedOnce(IReadOnlyList<double> weights, long? draws = null)
    {
        var values = Checked(weights, out var positive);
        if (draws > positive)
            throw new ArgumentException($"{draws} draws without replacement need as many weights above 0, but there are {positive}.", nameof(draws));
        return new WeightedOnceSampler(values, draws ?? positive);
    }

    /// <summary>
    /// Draws every class equally often, exactly: as often as the largest class has samples (the others repeat), or as the smallest has (of the
    /// others, some each epoch). O(1) a draw.
    /// </summary>
    /// <param name="labels">The class of each sample, any numbers.</param>
    /// <param name="balance">Whether to repeat the rare or to leave out of the frequent.</param>
    public static Sampler Balanced(IReadOnlyList<long> labels, ClassBalance balance = ClassBalance.Oversample)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfZero(labels.Count, nameof(labels));
        return new BalancedSampler(labels, balance);
    }

    /// <summary>Tells long lists of numbers apart in a fingerprint: eight bytes of their SHA-256.</summary>
    protected internal static string Digest<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(values), hash);
        return Convert.ToHexStringLower(hash[..8]);
    }

    static double[] Checked(IReadOnlyList<double> weights, out long positive)
    {
        ArgumentNullException.ThrowIfNull(weights);
        var values = new double[weights.Count];
        positive = 0;
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = weights[i];
            if (!double.IsFinite(values[i]) || values[i] < 0)
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                    $"weights[{i}] = {values[i]}; a weight is finite and 0 or more."), nameof(weights));
            if (values[i] > 0) positive++;
        }
        if (positive == 0) throw new ArgumentException($"None of the {values.Length} weights is above 0: nothing could be drawn.", nameof(weights));
        return values;
    }
}

/// <summary>How classes of different size are made to count equally.</summary>
public enum ClassBalance
{
    /// <summary>Every class as often as the largest has samples; the smaller ones repeat theirs, each sample as often as any other of its class, or once more.</summary>
    Oversample,

    /// <summary>Every class as often as the smallest has samples; of the larger ones each epoch draws others.</summary>
    Undersample,
}
