using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>What one update of a metric is given.</summary>
public interface IMetricBatch<TSelf>
    where TSelf : struct, IMetricBatch<TSelf>
{
    /// <summary>The tensor whose device the states follow; null where the batch has none.</summary>
    Tensor? Anchor { get; }

    /// <summary>How many samples it holds.</summary>
    long Count { get; }

    /// <summary>Some of its samples, in the order asked for; a sample may come more than once. New tensors go to the open scope.</summary>
    /// <param name="indices">[k] int64 on the host.</param>
    TSelf Select(Tensor indices);
}

/// <summary>A metric, or a collection of them, that such batches can be given to.</summary>
public interface IUpdate<TBatch>
    where TBatch : struct, IMetricBatch<TBatch>
{
    /// <summary>Accumulates a batch. No value is read back.</summary>
    /// <exception cref="ShapeMismatchException">A shape or dtype is not the one the metric's documentation states; nothing was changed.</exception>
    void Update(in TBatch batch);
}

/// <summary>How a collection or a wrapper, and nobody else, updates a metric that it holds.</summary>
interface IMember<TBatch>
    where TBatch : struct, IMetricBatch<TBatch>
{
    void Update(in TBatch batch);
}
