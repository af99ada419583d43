using static TorchSharp.torch;

namespace Raijin;

/// <summary>What the labels of a labelled set say: for class-balanced sampling and stratified folds.</summary>
public static class ClassLabels
{
    const int SamplesAtOnce = 4096;

    extension(TensorDataset<LabeledBatch> set)
    {
        /// <summary>The class of each sample, [N], on the host: for <see cref="Sampler.Balanced"/>. Reads the set once.</summary>
        /// <exception cref="ShapeMismatchException">The labels are not one whole number a sample.</exception>
        public long[] Classes()
        {
            ArgumentNullException.ThrowIfNull(set);
            var classes = new long[set.Count];
            for (long first = 0; first < classes.Length; first += SamplesAtOnce)
            {
                using var scope = TensorScope.Open();
                var samples = new long[Math.Min(SamplesAtOnce, classes.Length - first)];
                for (var i = 0; i < samples.Length; i++) samples[i] = first + i;
                var labels = set.Gather(samples).Labels;
                if (labels.dim() != 1 || labels.is_floating_point() || labels.is_complex())
                    ShapeMismatchException.Throw("labels", "[N] of a whole-number type, one class a sample", $"[{string.Join(", ", labels.shape)}] {labels.dtype}");
                labels.to(ScalarType.Int64).cpu().data<long>().CopyTo(classes.AsSpan((int)first));
            }
            return classes;
        }

        /// <summary>Folds with every class spread evenly over them; see <see cref="TensorDataset{TBatch}.StratifiedFolds"/>.</summary>
        /// <param name="k">Folds, 2 to the number of samples.</param>
        /// <param name="seed">Chooses the division.</param>
        public IReadOnlyList<TensorSplits<LabeledBatch>> StratifiedFolds(int k, ulong seed = 0) => set.StratifiedFolds(k, set.Classes(), seed);
    }
}
