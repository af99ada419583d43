using CsCheck;

namespace Raijin.Metrics.Tests.Assignment;

public sealed class LinearAssignmentTests
{
    [Fact]
    public void Small_assignments_have_the_best_total_of_all() =>
        Gen.Select(Gen.Int[1, 5], Gen.Int[1, 5], Gen.Bool, Gen.Int[-3, 3].Array[25], Gen.Bool).Sample((rows, columns, maximize, numbers, fine) =>
        {
            // Whole numbers have ties; fractions have none.
            var costs = numbers.Take(rows * columns).Select((n, i) => n + (fine ? 0.01 * i * i : 0)).ToArray();
            var assigned = new int[rows];
            var total = LinearAssignment.Solve(costs, rows, columns, assigned, maximize);
            Assert.Equal(Math.Min(rows, columns), assigned.Where(j => j >= 0).Distinct().Count());
            Assert.Equal(Math.Min(rows, columns), assigned.Count(j => j >= 0));
            Assert.Equal(assigned.Select((j, i) => j < 0 ? 0 : costs[i * columns + j]).Sum(), total, 1e-12);
            Assert.Equal(BestOfAll(costs, rows, columns, maximize), total, 1e-12);
        }, iter: 300);

    [Theory]
    [InlineData("square")]
    [InlineData("wide")]
    [InlineData("tall")]
    [InlineData("tied")]
    public void Totals_and_pairs_are_those_of_scipy(string name)
    {
        var recorded = Recording.Open("assignment").GetProperty(name);
        var costs = recorded.GetProperty("costs");
        var (rows, columns) = (costs.GetArrayLength(), costs[0].GetArrayLength());
        var assigned = new int[rows];
        Recording.Near(recorded.GetProperty("least").Number(), LinearAssignment.Solve(costs.Numbers(), rows, columns, assigned), 1e-12);
        if (name != "tied") Assert.Equal(recorded.GetProperty("columns").Numbers(), assigned.Select(j => (double)j));
        Recording.Near(recorded.GetProperty("largest").Number(), LinearAssignment.Solve(costs.Numbers(), rows, columns, assigned, maximize: true), 1e-12);
    }

    [Fact]
    public void Nothing_to_assign_costs_nothing()
    {
        Assert.Equal(0, LinearAssignment.Solve([], 0, 0, []));
        var assigned = new int[2];
        Assert.Equal(0, LinearAssignment.Solve([], 2, 0, assigned));
        Assert.Equal([-1, -1], assigned);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Costs_that_are_no_numbers_are_refused(double cost) =>
        Assert.Contains("finite", Assert.Throws<ArgumentException>(() => LinearAssignment.Solve([1, cost], 1, 2, new int[1])).Message);

    static double BestOfAll(double[] costs, int rows, int columns, bool maximize)
    {
        // The long side's members take the short side's places in every order, or stay out.
        var best = maximize ? double.NegativeInfinity : double.PositiveInfinity;
        Visit(0, new bool[columns], 0, 0);
        return best;

        void Visit(int row, bool[] taken, int pairs, double total)
        {
            if (row == rows)
            {
                if (pairs == Math.Min(rows, columns)) best = maximize ? Math.Max(best, total) : Math.Min(best, total);
                return;
            }
            if (rows > columns) Visit(row + 1, taken, pairs, total);
            for (var j = 0; j < columns; j++)
            {
                if (taken[j]) continue;
                taken[j] = true;
                Visit(row + 1, taken, pairs + 1, total + costs[row * columns + j]);
                taken[j] = false;
            }
        }
    }
}
