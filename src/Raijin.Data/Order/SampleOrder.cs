namespace Raijin.Data;

/// <summary>The samples of one epoch by position: what a shuffle or a <see cref="Sampler"/> comes down to.</summary>
/// <remarks>A pure function of the position, whatever was asked before: then a loader resumes at any batch.</remarks>
public abstract class SampleOrder
{
    /// <summary>Writes the samples at <paramref name="first"/>, <paramref name="first"/> + 1, ….</summary>
    /// <param name="first">Position in the epoch, from 0.</param>
    /// <param name="samples">Gets indices into the dataset; the caller asks for no more than the epoch has.</param>
    public abstract void Fill(long first, Span<long> samples);
}

/// <summary>Every sample in its place.</summary>
sealed class DatasetOrder : SampleOrder
{
    public static DatasetOrder Instance { get; } = new();

    public override void Fill(long first, Span<long> samples)
    {
        for (var i = 0; i < samples.Length; i++) samples[i] = first + i;
    }
}
