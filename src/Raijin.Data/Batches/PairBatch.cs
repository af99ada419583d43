using static TorchSharp.torch;

namespace Raijin;

/// <summary>A batch of each of two loaders, for a step that uses both: labelled and unlabelled samples, two tasks, two domains.</summary>
/// <param name="First">The first loader's batch.</param>
/// <param name="Second">The second loader's batch.</param>
/// <typeparam name="TFirst">What the first loader makes.</typeparam>
/// <typeparam name="TSecond">What the second loader makes.</typeparam>
public sealed record PairBatch<TFirst, TSecond>(TFirst First, TSecond Second) : IBatch<PairBatch<TFirst, TSecond>>
    where TFirst : IBatch<TFirst> where TSecond : IBatch<TSecond>
{
    /// <summary>Samples of both together.</summary>
    public int Count => First.Count + Second.Count;

    /// <inheritdoc/>
    public PairBatch<TFirst, TSecond> Map(Func<Tensor, Tensor> map) => new(First.Map(map), Second.Map(map));
}

/// <summary>A batch of each of three loaders.</summary>
/// <param name="First">The first loader's batch.</param>
/// <param name="Second">The second loader's batch.</param>
/// <param name="Third">The third loader's batch.</param>
/// <typeparam name="TFirst">What the first loader makes.</typeparam>
/// <typeparam name="TSecond">What the second loader makes.</typeparam>
/// <typeparam name="TThird">What the third loader makes.</typeparam>
public sealed record TripleBatch<TFirst, TSecond, TThird>(TFirst First, TSecond Second, TThird Third) : IBatch<TripleBatch<TFirst, TSecond, TThird>>
    where TFirst : IBatch<TFirst> where TSecond : IBatch<TSecond> where TThird : IBatch<TThird>
{
    /// <summary>Samples of all together.</summary>
    public int Count => First.Count + Second.Count + Third.Count;

    /// <inheritdoc/>
    public TripleBatch<TFirst, TSecond, TThird> Map(Func<Tensor, Tensor> map) => new(First.Map(map), Second.Map(map), Third.Map(map));
}

/// <summary>A batch of each of two loaders as long as both have some, then of the one that has: at least one is there.</summary>
/// <param name="First">The first loader's batch, or null when it has ended.</param>
/// <param name="Second">The second loader's batch, or null when it has ended.</param>
/// <typeparam name="TFirst">What the first loader makes.</typeparam>
/// <typeparam name="TSecond">What the second loader makes.</typeparam>
public sealed record OptionalPair<TFirst, TSecond>(TFirst? First, TSecond? Second) : IBatch<OptionalPair<TFirst, TSecond>>
    where TFirst : class, IBatch<TFirst> where TSecond : class, IBatch<TSecond>
{
    /// <summary>Samples of those that are there.</summary>
    public int Count => (First?.Count ?? 0) + (Second?.Count ?? 0);

    /// <inheritdoc/>
    public OptionalPair<TFirst, TSecond> Map(Func<Tensor, Tensor> map) => new(First?.Map(map), Second?.Map(map));
}
