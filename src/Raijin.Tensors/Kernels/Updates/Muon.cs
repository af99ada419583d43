using System.IO.Enumeration;
using System.Text.Json.Serialization;

namespace Raijin.Tensors;

/// <summary>
/// Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): momentum whose matrices are made nearly orthogonal by a Newton-Schulz iteration. Parameters of two dims or more are matrices (all but
/// the first dim flattened); AdamW updates the others, and the matrices that <paramref name="AdamWOn"/> names. Decoupled weight decay for both.
/// </summary>
/// <param name="Momentum">Decay of the gradient's average, in [0, 1). Default 0.95.</param>
/// <param name="Nesterov">Look ahead along the momentum. Default true.</param>
/// <param name="Iterations">Newton-Schulz iterations, at least 1. Default 5.</param>
/// <param name="MatchAdamW">
/// Scale the orthogonal matrix by 0.2·√max(rows, columns), which gives it the root mean square of AdamW's updates (Liu et al. 2025, arXiv:2502.16982): one learning rate then suits both. Else by
/// √max(1, rows/columns), Jordan's choice, with learning rates around 0.02 for the matrices. Default true.
/// </param>
/// <param name="AdamWOn">Patterns, separated by commas, of names of matrices that AdamW updates: embeddings and the last layer. Case is ignored. Default <c>*embed*,*head*</c>.</param>
public sealed record Muon(double Momentum = 0.95, bool Nesterov = true, int Iterations = 5, bool MatchAdamW = true, string AdamWOn = "*embed*,*head*") : OptimizerAlgorithm
{
    /// <summary>How the parameters that are not matrices, or are named in <see cref="AdamWOn"/>, are updated.</summary>
    /// <value>Default: AdamW with its defaults.</value>
    public AdamW Others { get; init; } = new();

    /// <inheritdoc/>
    public override bool LooksAtWholeTensors => true;

    /// <inheritdoc/>
    [JsonIgnore]
    public override IReadOnlyList<string> Slots => ["momentum_buffer", .. Others.Slots];

    /// <inheritdoc/>
    public override double? CyclableMomentum => Momentum == 0 ? null : Momentum;

    internal override OptimizerAlgorithm WithMomentum(double momentum) => this with { Momentum = momentum };

    internal override bool AddsDecayToGradient => false;

    internal override IReadOnlyList<string> SlotsOf(string name, ReadOnlySpan<long> shape) => NeedsOperators(name, shape) ? ["momentum_buffer"] : Others.Slots;

    internal override bool NeedsOperators(string name, ReadOnlySpan<long> shape)
    {
        if (shape.Length < 2) return false;
        foreach (var pattern in AdamWOn.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            if (FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: true)) return false;
        return true;
    }

    /// <summary>What the orthogonal matrix is multiplied by.</summary>
    internal double Scale(long rows, long columns) =>
        MatchAdamW ? 0.2 * Math.Sqrt(Math.Max(rows, columns)) : Math.Sqrt(Math.Max(1, (double)rows / columns));

    internal override UpdateKernel CreateKernel(bool wide) => Others.CreateKernel(wide);

    internal override void Validate()
    {
        RequireRate(Momentum, nameof(Momentum));
        ArgumentOutOfRangeException.ThrowIfLessThan(Iterations, 1);
        ArgumentNullException.ThrowIfNull(AdamWOn);
        Others.Validate();
    }
}
