// N items, C categories; n_ij raters put item i into category j, n_i = Σ_j n_ij.

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>What raters said about items.</summary>
/// <param name="Values">[N, C] integers: how many raters chose each category; or [N, C, R] floating: each rater's scores, of which the largest is the choice. Borrowed.</param>
public readonly record struct Ratings(Tensor Values) : IMetricBatch<Ratings>
{
    /// <inheritdoc/>
    public Tensor? Anchor => Values;

    /// <inheritdoc/>
    public long Count => Values.shape[0];

    /// <inheritdoc/>
    public Ratings Select(Tensor indices) => new(Values.index_select(0, indices.to(Values.device)));
}

/// <summary>
/// Agreement of raters beyond chance (Fleiss 1971): κ = (P − E) / (1 − E), with P the mean over items of Σ_j n_ij(n_ij − 1) / (n_i(n_i − 1)) and
/// E = Σ_j p_j² of the categories' shares of all ratings. 1 for full agreement, about 0 for chance, less below it.
/// </summary>
/// <remarks>
/// Batches are <see cref="Ratings"/>. Items may have different numbers of raters, each at least two; with equal numbers this is Fleiss's κ. NaN where all
/// ratings fall into one category (chance agrees fully too), or there is none. torchmetrics adds 1e-5 to 1 − E, takes the largest number of raters for all, and from
/// scores counts as many categories as there are raters. Memory is constant: sums over items.
/// </remarks>
/// <param name="categories">C.</param>
public sealed class FleissKappa(int categories) : ScalarMetric<Ratings>(new RatingSums(categories))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>Accumulates items. No value is read back.</summary>
    /// <param name="ratings">[N, C] integers or [N, C, R] floating, see <see cref="Ratings"/>; borrowed.</param>
    /// <exception cref="ShapeMismatchException">The shape or dtype is another; nothing was changed.</exception>
    public void Update(Tensor ratings) => Update(new Ratings(ratings));

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var (agreement, items, chosen) = (states[0].Value.item<double>(), states[1].Value.item<double>(), states[2].ToArray<double>());
        var all = chosen.Sum();
        var chance = chosen.Sum(n => n / all * (n / all));
        return (agreement / items - chance) / (1 - chance);
    }
}

sealed record RatingSums(int Categories) : Accumulation<Ratings>
{
    const int Agreement = 0, Items = 1, Chosen = 2;
    const int Negative = 0, TooFew = 1;

    public override void Declare(MetricStates states)
    {
        states.Add("agreement", Reduction.Sum, zeros([], ScalarType.Float64));
        states.Add("items", Reduction.Sum, zeros([], ScalarType.Float64));
        states.Add("chosen", Reduction.Sum, zeros([Categories], ScalarType.Float64));
        states.AddFaults("counts of 0 or more", "items with 2 raters or more");
    }

    public override void Check(in Ratings batch)
    {
        var sizes = HostTensor.Sizes(batch.Values);
        var isScores = sizes.Length == 3 && batch.Values.is_floating_point();
        var isCounts = sizes.Length == 2 && batch.Values.is_integral();
        if (!(isScores || isCounts) || sizes[1] != Categories)
            ShapeMismatchException.Throw("ratings", $"[N, {Categories}] integer counts of raters or [N, {Categories}, R] floating scores", ShapeText.Of(batch.Values));
    }

    protected internal override void Add(MetricStates states, in Ratings batch)
    {
        var counts = batch.Values.dim() == 2
            ? batch.Values.to(ScalarType.Float64)
            : nn.functional.one_hot(batch.Values.argmax(1), Categories).sum(dim: 1).to(ScalarType.Float64);          // [N, C]
        var raters = counts.sum(dim: 1);                                                                             // [N]
        states.Faults!.Note(Negative, counts.lt(0), counts);
        states.Faults.Note(TooFew, raters.lt(2), raters);
        var agreement = (counts * (counts - 1)).sum(dim: 1) / (raters * (raters - 1)).clamp_min(1);
        states[Agreement].Value.add_(agreement.sum());
        states[Items].Value.add_(raters.shape[0]);
        states[Chosen].Value.add_(counts.sum(dim: 0));
    }
}
