// Samples in a random order, dealt to the k folds in turn: sample number i of the order goes to fold i mod k. Stratified, the order is by class
// first, so that the samples of a class are dealt one after the other and no fold gets two more of a class than another.

using System.Globalization;

namespace Raijin.Data;

/// <summary>One fold of a cross-validation: what to train and what to validate on. A pure function of its arguments.</summary>
readonly record struct FoldSplit(DatasetPart Train, DatasetPart Validation)
{
    public static FoldSplit[] Of(long count, int k, ulong seed)
    {
        Check(count, k);
        var order = new long[count];
        new RandomPermutation(count, LoaderStreams.Split(seed)).Fill(0, order);
        return Deal(order, k, string.Create(CultureInfo.InvariantCulture, $"{k} of {count} by seed {seed}"));
    }

    public static FoldSplit[] Stratified(long count, int k, IReadOnlyList<long> labels, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(labels);
        Check(count, k);
        if (labels.Count != count) throw new ArgumentException($"There are {labels.Count} labels for {count} samples: give the class of each.", nameof(labels));
        var order = new long[count];
        new RandomPermutation(count, LoaderStreams.Split(seed)).Fill(0, order);
        order = [.. order.OrderBy(sample => labels[(int)sample])];
        return Deal(order, k, string.Create(CultureInfo.InvariantCulture, $"{k} stratified of {count} by seed {seed}"));
    }

    static void Check(long count, int k)
    {
        if (k < 2 || k > count)
            throw new ArgumentOutOfRangeException(nameof(k), k, $"{count} samples can be divided into 2 to {count} folds.");
    }

    static FoldSplit[] Deal(long[] order, int k, string division)
    {
        var folds = new FoldSplit[k];
        for (var fold = 0; fold < k; fold++)
        {
            var (train, validation) = (new List<long>(order.Length), new List<long>(order.Length / k + 1));
            for (var i = 0; i < order.Length; i++) (i % k == fold ? validation : train).Add(order[i]);
            // In the order of the whole set, so that a part read in order walks through memory in order.
            train.Sort();
            validation.Sort();
            folds[fold] = new(new([.. train], $"train part of fold {fold} of {division}"), new([.. validation], $"fold {fold} of {division}"));
        }
        return folds;
    }
}
