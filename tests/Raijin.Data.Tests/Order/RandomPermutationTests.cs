using CsCheck;

namespace Raijin.Data.Tests.Order;

public sealed class RandomPermutationTests
{
    [Fact]
    public void Every_element_comes_exactly_once() =>
        Gen.Select(Gen.Long[1, 3000], Gen.ULong, Gen.ULong).Sample((count, seed, stream) =>
        {
            var elements = new long[count];
            Permutation(count, seed, stream).Fill(0, elements);
            var seen = new bool[count];
            foreach (var element in elements)
            {
                if (seen[element]) return false;
                seen[element] = true;
            }
            return true;
        }, iter: 300);

    [Fact]
    public void A_position_alone_gives_what_the_whole_order_has_there() =>
        Gen.Select(Gen.Long[1, 1000], Gen.ULong).SelectMany((count, seed) => Gen.Select(Gen.Const(count), Gen.Const(seed), Gen.Long[0, count - 1]))
            .Sample((count, seed, position) =>
            {
                var elements = new long[count - position];
                Permutation(count, seed, 3).Fill(position, elements);
                return elements[0] == Permutation(count, seed, 3)[position];
            }, iter: 300);

    [Fact]
    public void Positions_of_a_huge_set_stay_inside_it_and_differ()
    {
        const long Count = 3_000_000_000_000;
        var order = Permutation(Count, 1, 1);
        var elements = new long[10_000];
        order.Fill(Count - elements.Length, elements);
        Assert.All(elements, element => Assert.InRange(element, 0, Count - 1));
        Assert.Equal(elements.Length, elements.Distinct().Count());
    }

    // χ² of (position, element) and of neighbours' distances over many epochs. 5 standard deviations: a fair shuffle fails once in millions.
    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(1000)]
    public void Elements_and_neighbours_are_spread_evenly(int count)
    {
        var epochs = 2_000_000 / count / 10;
        var at = new int[count, count];
        var distances = new int[count];
        var elements = new long[count];
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            Permutation(count, 5, (ulong)epoch).Fill(0, elements);
            for (var i = 0; i < count; i++)
            {
                at[i, elements[i]]++;
                if (i > 0) distances[(elements[i] - elements[i - 1] + count) % count]++;
            }
        }

        Assert.InRange(Deviations(at.Cast<int>(), (double)epochs / count, (count - 1.0) * (count - 1)), -5, 5);
        Assert.InRange(Deviations(distances.Skip(1), epochs, count - 2), -5, 5);
    }

    [Fact]
    public void All_orders_of_four_are_equally_likely()
    {
        const int Epochs = 24_000;
        var counts = new Dictionary<string, int>();
        var elements = new long[4];
        for (var epoch = 0; epoch < Epochs; epoch++)
        {
            Permutation(4, 11, (ulong)epoch).Fill(0, elements);
            var key = string.Join(' ', elements);
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }
        Assert.Equal(24, counts.Count);
        Assert.InRange(Deviations(counts.Values, Epochs / 24.0, 23), -5, 5);
    }

    // Orders are part of what a checkpoint relies on: they may not change with a release or a machine.
    [Fact]
    public void The_order_is_fixed_for_good()
    {
        var elements = new long[10];
        Permutation(10, 1, 2).Fill(0, elements);
        Assert.Equal("6 3 2 4 0 7 9 1 5 8", string.Join(" ", elements));
    }

    [Fact]
    public void Positions_beyond_the_end_are_refused()
    {
        var order = Permutation(10, 0, 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => order.Fill(8, new long[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => order.Fill(-1, new long[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Permutation(0, 0, 0));
    }

    static RandomPermutation Permutation(long count, ulong seed, ulong stream) => new(count, new RandomStream(seed, stream));

    // How many standard deviations χ² lies above its mean.
    static double Deviations(IEnumerable<int> counts, double expected, double freedom) =>
        (counts.Sum(count => (count - expected) * (count - expected) / expected) - freedom) / Math.Sqrt(2 * freedom);
}
