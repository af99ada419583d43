namespace Raijin;

/// <summary>An epoch as one row of samples, cut into batches that all ranks share.</summary>
/// <param name="Samples">What decides the samples and their order (count, shuffle, seed, remainder), as a short readable text; the same whatever the batch size and the number of ranks.</param>
/// <param name="SamplesPerBatch">Samples of a full batch, over all ranks: batch b begins at sample b · this.</param>
public sealed record EpochLayout(string Samples, long SamplesPerBatch);
