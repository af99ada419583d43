// A step's ops at b samples are those at two other numbers of samples, each extent of them on a straight line: batches are one dim of a tensor, so elements and multiply-adds are linear in them.

namespace Raijin;

/// <summary>What bounds an op's time.</summary>
public enum WorkKind : byte
{
    /// <summary>Multiply-adds of matrices and convolutions.</summary>
    Product,

    /// <summary>Multiply-adds of attention.</summary>
    Attention,

    /// <summary>Elements through a function: exponentials, GELU.</summary>
    Function,

    /// <summary>Random numbers, as dropout draws them.</summary>
    Random,

    /// <summary>Elements of rows that are normed: layer norms, softmax.</summary>
    Norm,

    /// <summary>Bytes read and written.</summary>
    Move,
}

/// <summary>One op of a step.</summary>
/// <param name="Kind">What bounds its time.</param>
/// <param name="Flops">Two for each multiply-add; 0 where elements count.</param>
/// <param name="Bytes">Of its tensors, read and written; of functions, random numbers and norms those of the largest.</param>
/// <param name="MadeBytes">Of the largest tensor that is made for its results; 0 where it writes to what is there.</param>
/// <param name="Side">Of a product the side of the cube as compact as it, 3 / (1/m + 1/n + 1/k); of attention the number of keys; else 0.</param>
public readonly record struct OpWork(WorkKind Kind, double Flops, double Bytes, double MadeBytes, double Side);

/// <summary>What one microbatch's forward and backward pass computes, and the memory it takes beside weights: recorded from a step, or derived from two.</summary>
public sealed record StepWork
{
    /// <summary>Samples of the microbatch.</summary>
    public required int Samples { get; init; }

    /// <summary>Ops of the forward pass.</summary>
    public required IReadOnlyList<OpWork> Forward { get; init; }

    /// <summary>Ops of the backward pass.</summary>
    public required IReadOnlyList<OpWork> Backward { get; init; }

    /// <summary>Calls of the forward pass inside libtorch: ops, views and what ops are made of.</summary>
    public required int ForwardCalls { get; init; }

    /// <summary>Calls of the backward pass, steps of autograd included.</summary>
    public required int BackwardCalls { get; init; }

    /// <summary>Calls of both passes.</summary>
    public int Calls => ForwardCalls + BackwardCalls;

    /// <summary>The most bytes the passes have at a time beside weights, where gradients of an earlier pass are there already.</summary>
    public required long ActivationBytes { get; init; }

    /// <summary>The same where they are not, gradients made meanwhile included: what one rank alone takes.</summary>
    public required long PeakBytes { get; init; }

    /// <summary>All arithmetic of matrices, FLOPs.</summary>
    public double Flops => Forward.Concat(Backward).Sum(op => op.Flops);

    /// <summary>The work of another number of samples, by that of two.</summary>
    /// <param name="first">One; of fewer samples.</param>
    /// <param name="second">The other.</param>
    /// <param name="samples">How many; 1 and more.</param>
    /// <exception cref="ArgumentException">The first has not fewer samples, or the steps' ops differ.</exception>
    public static StepWork At(StepWork first, StepWork second, int samples)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(samples);
        if (first.Samples >= second.Samples) throw new ArgumentException($"The first step has {first.Samples} samples, the second {second.Samples}: the second needs more.", nameof(second));
        if (!SameOps(first.Forward, second.Forward) || !SameOps(first.Backward, second.Backward))
            throw new ArgumentException($"A step of {first.Samples} samples has other ops than one of {second.Samples}: its work at {samples} can't be told from them.", nameof(second));
        var share = (samples - first.Samples) / (double)(second.Samples - first.Samples);
        return new()
        {
            Samples = samples,
            Forward = [.. first.Forward.Zip(second.Forward, Between)],
            Backward = [.. first.Backward.Zip(second.Backward, Between)],
            ForwardCalls = second.ForwardCalls,
            BackwardCalls = second.BackwardCalls,
            ActivationBytes = (long)Line(first.ActivationBytes, second.ActivationBytes),
            PeakBytes = (long)Line(first.PeakBytes, second.PeakBytes),
        };

        double Line(double one, double two) => Math.Max(0, one + (share * (two - one)));

        // A side is compact in all three dims: its inverse is the one that has the batch's share in it.
        OpWork Between(OpWork one, OpWork two) => new(one.Kind, Line(one.Flops, two.Flops), Line(one.Bytes, two.Bytes), Line(one.MadeBytes, two.MadeBytes), Side(one, two));

        double Side(OpWork one, OpWork two)
        {
            if (one.Kind != WorkKind.Product || one.Side == two.Side || one.Side == 0 || two.Side == 0) return Line(one.Side, two.Side);
            // 3/side = rest + 1/(c·b) with b samples: two of them give rest and c.
            var perSample = (1 / one.Side - 1 / two.Side) / (1.0 / first.Samples - 1.0 / second.Samples);
            var rest = 1 / one.Side - perSample / first.Samples;
            return 1 / Math.Max(1e-9, rest + perSample / samples);
        }
    }

    static bool SameOps(IReadOnlyList<OpWork> first, IReadOnlyList<OpWork> second) => first.Select(op => op.Kind).SequenceEqual(second.Select(op => op.Kind));
}
