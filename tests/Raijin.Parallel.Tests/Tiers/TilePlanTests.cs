using CsCheck;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Tiers;

public sealed class TilePlanTests
{
    [Fact]
    public void Every_element_is_in_one_place_and_no_tile_is_larger_than_a_lease() =>
        Gen.Select(Gen.Int[1, 40_000].Array[2, 8], Gen.Int[8, 60], Gen.Double[0, 1]).Sample((counts, leasePages, ratio) =>
        {
            using var pieces = new Pieces([.. counts.Select((c, i) => ($"p{i}", (long)c))], seed: 1);
            var all = TilePlan.Pieces(new AdamW(), pieces.Groups);
            var plan = new TilePlan(all, leasePages * 1024L, ratio);
            var shares = plan.Tiles.SelectMany(t => t.Shares).GroupBy(s => s.Piece.Name).ToDictionary(g => g.Key, g => g.OrderBy(s => s.Start).ToList());
            foreach (var piece in all)
            {
                long next = 0;
                foreach (var share in shares[piece.Name])
                {
                    Assert.Equal(next, share.Start);
                    Assert.Equal(0, share.Start % 1024);
                    next += share.Count;
                }
                Assert.Equal(piece.Count, next);
            }
            Assert.All(plan.Tiles.Where(t => !t.StaysInMemory), t => Assert.InRange(t.Shares.Sum(s => s.StateElements), 1, leasePages * 1024L));
            // What stays is what the ratio says, up to the page that a cut lies on.
            Assert.InRange(plan.Tiles.Where(t => t.StaysInMemory).Sum(t => t.Shares.Sum(s => s.Count)), ((1 - ratio) * counts.Sum()) - 1025, ((1 - ratio) * counts.Sum()) + 1);
        }, iter: 100);

    [Fact]
    public void Algorithms_that_look_at_whole_tensors_are_refused()
    {
        using var pieces = new Pieces([("a", 10), ("b", 10)], seed: 1);
        Assert.Contains("Lamb", Assert.Throws<NotSupportedException>(() => TilePlan.Pieces(new Lamb(), pieces.Groups)).Message, StringComparison.Ordinal);
        using var doubles = new Pieces([("a", 10), ("b", 10)], seed: 1, ScalarType.Float64);
        Assert.Contains("'a' (Float64", Assert.Throws<NotSupportedException>(() => TilePlan.Pieces(new Adam(), doubles.Groups)).Message, StringComparison.Ordinal);
    }
}
