using CsCheck;

namespace Raijin.Data.Tests.Loading;

public sealed class ExactEvaluationTests
{
    [Fact]
    public void Any_number_of_ranks_sees_each_sample_exactly_once_whatever_kind_of_loader() =>
        Gen.Select(Gen.Int[1, 60], Gen.Int[1, 9], Gen.Int[1, 7], Gen.ULong).Sample((count, batch, world, seed) =>
        {
            var options = new LoaderOptions { BatchSize = Math.Min(batch, count), Seed = seed }.ForEvaluation();
            using var tensors = Read.Numbered(count);
            var samples = Dataset.Of(count, request => request.Index);
            var stream = Dataset.Stream(_ => Enumerable.Range(0, count).Select(i => (long)i));
            DataLoader<LabeledBatch>[] loaders =
            [
                tensors.Batches(options),
                tensors.Batches(options with { Shuffle = true }),
                tensors.Batches(options).Ahead(moved => moved),
                samples.Batches(options with { Workers = 1 }, Read.Collated),
                samples.Batches(options, new LengthBuckets([.. Enumerable.Range(0, count).Select(i => i % 7)]), Read.Collated),
                stream.Batches(options, Read.Collated),
                stream.Shuffled(5).Batches(options, Read.Collated),
            ];
            foreach (var loader in loaders)
            {
                var ranks = Enumerable.Range(0, world).Select(rank => Read.Labels(loader.Shard(rank, world))).ToArray();
                Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), ranks.SelectMany(batches => batches).SelectMany(labels => labels).Order());
                Assert.InRange(ranks.Max(batches => batches.Count) - ranks.Min(batches => batches.Count), 0, 1);
            }
        }, iter: 40);
}
