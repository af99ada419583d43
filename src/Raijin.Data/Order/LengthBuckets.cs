using System.Globalization;
using Raijin.Data;

namespace Raijin;

/// <summary>
/// Batches of samples of similar length, so that little of a batch is padding. Samples are divided into buckets by length; inside a bucket
/// each epoch has its own random order, and so have the batches.
/// </summary>
/// <remarks>
/// The plan of the batches is made once, in O(n log n), and does not depend on the epoch: an epoch has the same number of batches each time and
/// opens anywhere at no cost. A batch that a bucket cannot fill goes on in the next shorter one. <see cref="LoaderOptions.BatchSize"/> bounds
/// the samples of a batch on each rank, <see cref="MaxTokens"/> its padded size. The batches of a step, one a rank, are neighbours in length.
/// Under <see cref="Remainder.Wrap"/> and <see cref="Remainder.Exact"/> the batches that are left over for the last step are divided until each
/// rank has one, so ranks may differ in their samples there; where there are fewer samples than ranks, Wrap takes some twice.
/// </remarks>
/// <param name="Lengths">The length of every sample of the dataset, 0 or more.</param>
public sealed record LengthBuckets(IReadOnlyList<int> Lengths)
{
    /// <summary>
    /// The largest share by which samples of one bucket may differ from its longest: small buckets pad little, large ones mix more samples.
    /// <value>Default 0.1; 0 (one bucket a length) up to 1 (one bucket), 1 excluded.</value>
    /// </summary>
    public double MaxPadding { get; init; } = 0.1;

    /// <summary>
    /// The largest padded size of a batch on each rank: samples × the longest length of the first one's bucket. <value>Default none: every batch
    /// has the batch size; at least the longest length.</value> Answers to fairseq's <c>--max-tokens</c>.
    /// </summary>
    public int? MaxTokens { get; init; }

    /// <summary>The most of an epoch's tensors that can be padding, as a share of their elements, over all ranks.</summary>
    /// <param name="options">The options the loader is to have.</param>
    /// <exception cref="InvalidOptionsException">Names every fault of the options.</exception>
    public double PaddingShare(LoaderOptions options) => new BucketOrder(Lengths.Count, options, this).PaddingShare;

    internal void AddFaults(long count, LoaderOptions options, List<OptionFault> faults)
    {
        if (Lengths.Count != count)
            faults.Add(new("buckets.lengths", Text($"has {Lengths.Count}, but the dataset has {count} samples; give one length a sample")));
        if (!(MaxPadding >= 0 && MaxPadding < 1))
            faults.Add(new("buckets.maxPadding", Text($"= {MaxPadding}; allowed: 0 up to 1, 1 excluded")));
        var longest = 0;
        for (var i = 0; i < Lengths.Count; i++)
        {
            if (Lengths[i] < 0)
            {
                faults.Add(new("buckets.lengths", Text($"has {Lengths[i]} for sample {i}; a length is 0 or more")));
                break;
            }
            longest = Math.Max(longest, Lengths[i]);
        }
        if (MaxTokens < Math.Max(1, longest))
            faults.Add(new("buckets.maxTokens", Text($"= {MaxTokens}, but the longest sample has {longest}; give at least that, or cut the samples")));
        if (options.Sampler is not null)
            faults.Add(new("loader.sampler", "is given, but buckets order the epoch by length; leave one of the two out"));
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
