// B samples, K classes.

using Raijin.Data;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Mixes the samples of a batch with each other, labels included. What it draws belongs to (seed, epoch, batch, rank): a resumed run mixes as
/// the whole one did.
/// </summary>
/// <param name="Classes">Number of classes, at least 2.</param>
/// <param name="Alpha">Both parameters of the Beta distribution that the share λ is drawn from, above 0.</param>
public abstract record BatchMix(int Classes, double Alpha)
{
    /// <summary>Number of classes.</summary>
    public int Classes { get; init => field = Several(value); } = Several(Classes);

    /// <summary>Both parameters of the Beta distribution.</summary>
    public double Alpha { get; init => field = Positive(value); } = Positive(Alpha);

    /// <summary>How likely a batch is mixed; one that is not still gets soft labels. <value>Default 1; 0 to 1.</value></summary>
    public double Probability { get; init => field = Setting.Probability(value, nameof(Probability)); } = 1;

    /// <summary>Seed of what is drawn. <value>Default 0; any value.</value></summary>
    public ulong Seed { get; init; }

    /// <summary>Mixes a batch.</summary>
    /// <param name="batch">
    /// Inputs [B, …] of a floating-point dtype; labels [B] int64, 0 to <see cref="Classes"/> − 1, or [B, K] soft ones; borrowed.
    /// </param>
    /// <param name="random">What to draw from.</param>
    /// <returns>Inputs of the same shape, labels [B, K] float32 whose rows sum to 1; owned by the caller's scope.</returns>
    /// <exception cref="ShapeMismatchException">Other inputs or labels.</exception>
    public LabeledBatch Apply(LabeledBatch batch, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(random);
        var (inputs, labels) = batch;
        if (inputs.dim() == 0 || !inputs.is_floating_point())
            ShapeMismatchException.Throw(nameof(batch.Inputs), "[B, …] of a floating-point dtype", $"[{string.Join(", ", inputs.shape)}] {inputs.dtype}", "Normalise the images before they are mixed.");
        using var scope = TensorScope.Open();
        var soft = Soft(labels, inputs.size(0)); // [B, K]
        if (random.NextDouble() >= Probability) return Keep(inputs.alias(), soft);

        var share = BetaDistribution.Draw(Alpha, random);
        var partners = new long[inputs.size(0)];
        for (var i = 0; i < partners.Length; i++) partners[i] = i;
        random.Shuffle<long>(partners);
        var others = tensor(partners, device: inputs.device);
        var mixed = Mix(inputs, others, ref share, random);
        return Keep(mixed, soft.lerp(soft.index_select(0, others), 1 - share));

        LabeledBatch Keep(Tensor images, Tensor targets) => new(scope.Keep(images), scope.Keep(targets));
    }

    // Mixes every input with its partner; share is that of the input itself, and is set to what it came to be.
    private protected abstract Tensor Mix(Tensor inputs, Tensor partners, ref double share, RandomStream random);

    Tensor Soft(Tensor labels, long count)
    {
        if (labels.shape is [var rows] && rows == count && labels.dtype == ScalarType.Int64)
            return TorchSharp.torch.nn.functional.one_hot(labels, Classes).to(ScalarType.Float32);
        if (labels.shape is [var many, var classes] && many == count && classes == Classes && labels.is_floating_point()) return labels.to(ScalarType.Float32);
        ShapeMismatchException.Throw(nameof(labels), $"[{count}] Int64 or [{count}, {Classes}] floating-point", $"[{string.Join(", ", labels.shape)}] {labels.dtype}");
        return null;
    }

    static int Several(int classes) => Setting.Allowed(classes, classes >= 2, nameof(Classes), "At least 2 classes are expected.");

    static double Positive(double alpha) => Setting.Allowed(alpha, alpha > 0 && double.IsFinite(alpha), nameof(Alpha), "A finite number above 0 is expected.");
}

/// <summary>λ·a + (1 − λ)·b of inputs and labels, λ ~ Beta(α, α) for each batch (Zhang et al. 2018, arXiv:1710.09412). torchvision: <c>v2.MixUp</c>.</summary>
/// <param name="Classes">Number of classes, at least 2.</param>
/// <param name="Alpha">α. <value>Default 1; 0.2 is usual for ImageNet.</value></param>
public sealed record Mixup(int Classes, double Alpha = 1) : BatchMix(Classes, Alpha)
{
    private protected override Tensor Mix(Tensor inputs, Tensor partners, ref double share, RandomStream random) =>
        inputs.lerp(inputs.index_select(0, partners), 1 - share);
}

/// <summary>
/// Pastes a rectangle of one image into another; labels are mixed by area, λ ~ Beta(α, α) (Yun et al. 2019, arXiv:1905.04899). torchvision:
/// <c>v2.CutMix</c>.
/// </summary>
/// <param name="Classes">Number of classes, at least 2.</param>
/// <param name="Alpha">α. <value>Default 1.</value></param>
public sealed record CutMix(int Classes, double Alpha = 1) : BatchMix(Classes, Alpha)
{
    private protected override Tensor Mix(Tensor inputs, Tensor partners, ref double share, RandomStream random)
    {
        if (inputs.shape is not [_, _, var height, var width])
        {
            ShapeMismatchException.Throw(nameof(inputs), "[B, C, H, W]", $"[{string.Join(", ", inputs.shape)}]", "CutMix needs images.");
            return null;
        }
        var (centerX, centerY) = (random.NextInt64(width), random.NextInt64(height));
        var half = 0.5 * Math.Sqrt(1 - share);
        var (left, right) = (Math.Max(0, centerX - (long)(half * width)), Math.Min(width, centerX + (long)(half * width)));
        var (top, bottom) = (Math.Max(0, centerY - (long)(half * height)), Math.Min(height, centerY + (long)(half * height)));
        share = 1 - (double)(right - left) * (bottom - top) / (width * height);
        var mixed = inputs.clone();
        Rectangle(mixed).copy_(Rectangle(inputs).index_select(0, partners));
        return mixed;

        Tensor Rectangle(Tensor images) => images.narrow(2, top, bottom - top).narrow(3, left, right - left);
    }
}
