using Raijin.Data;

namespace Raijin;

/// <summary>Which sample a loader wants, and when.</summary>
/// <param name="Index">The sample in its dataset.</param>
/// <param name="Epoch">Epoch, from 0.</param>
/// <param name="Seed">The loader's seed.</param>
/// <param name="CancellationToken">
/// Cancelled when nobody waits for the sample any more: the reader was disposed, or the run cancelled.
/// </param>
/// <remarks>
/// A sample is to be a pure function of its request but for the token: then it is the same whichever thread reads it, and in a resumed run.
/// For random augmentation draw from <see cref="Random"/>.
/// </remarks>
public readonly record struct SampleRequest(long Index, long Epoch = 0, ulong Seed = 0, CancellationToken CancellationToken = default)
{
    /// <summary>
    /// Random numbers that belong to this sample in this epoch, whichever thread asks and in which order. Every call begins anew.
    /// </summary>
    public RandomStream Random() => LoaderStreams.Sample(Seed, Epoch, Index);
}
