using CsCheck;

namespace Raijin.Tensors.Tests;

public sealed class WorkPlanTests
{
    [Fact]
    public void Units_cover_every_element_exactly_once_in_order_and_are_of_equal_size()
    {
        Gen.Long[0, 50_000].Array[0, 30].Sample(counts =>
        {
            var plan = new WorkPlan(counts);
            var next = new long[counts.Length];
            for (var unit = 0; unit < plan.Units; unit++)
            {
                long elements = 0;
                var ranges = plan.Unit(unit);
                while (ranges.MoveNext())
                {
                    Assert.Equal(next[ranges.Tensor], ranges.Offset);
                    Assert.True(ranges.Count > 0);
                    Assert.Equal(0, ranges.Offset % 16);
                    next[ranges.Tensor] += ranges.Count;
                    elements += ranges.Count;
                }

                Assert.True(elements <= WorkPlan.UnitElements);
            }

            Assert.Equal(counts, next);
        });
    }

    [Fact]
    public void A_huge_tensor_is_cut_into_units()
    {
        var plan = new WorkPlan([10L * WorkPlan.UnitElements + 1]);
        Assert.Equal(11, plan.Units);
        var last = plan.Unit(10);
        Assert.True(last.MoveNext());
        Assert.Equal((0, (nint)10 * WorkPlan.UnitElements, (nint)1), (last.Tensor, last.Offset, last.Count));
        Assert.False(last.MoveNext());
    }
}
