using static TorchSharp.torch;

namespace Raijin.Tensors.Tests.Profiling;

public sealed class AllocationMeterTests
{
    [Fact]
    public void Blocks_are_counted_when_they_come_and_when_they_go()
    {
        Assert.SkipWhen(AllocationMeter.Unavailable is not null, AllocationMeter.Unavailable ?? "");
        using var meter = AllocationMeter.Open();
        using (zeros(1000, ScalarType.Float32))
        {
            Assert.Equal((4000, 4000, 1), (meter.LiveBytes, meter.PeakBytes, meter.Allocations));
            using var more = zeros(500, ScalarType.Float64);
            Assert.Equal((8000, 8000, 2), (meter.LiveBytes, meter.PeakBytes, meter.Allocations));
        }
        Assert.Equal((0, 8000, 8000), (meter.LiveBytes, meter.PeakBytes, meter.AllocatedBytes));
        meter.RestartPeak();
        zeros(10).Dispose();
        Assert.Equal(40, meter.PeakBytes);
    }

    [Fact]
    public void The_backward_pass_is_seen()
    {
        Assert.SkipWhen(AllocationMeter.Unavailable is not null, AllocationMeter.Unavailable ?? "");
        using var scope = NewDisposeScope();
        var leaf = zeros([100], requires_grad: true);
        var loss = leaf.mul(leaf).sum();
        using var meter = AllocationMeter.Open();
        loss.backward();
        Assert.True(meter.LiveBytes >= 400, $"a gradient of 400 bytes, {meter.LiveBytes} seen");
    }

    [Fact]
    public void What_was_made_before_and_freed_within_is_not_counted()
    {
        Assert.SkipWhen(AllocationMeter.Unavailable is not null, AllocationMeter.Unavailable ?? "");
        var early = zeros(1000);
        using var meter = AllocationMeter.Open();
        early.Dispose();
        Assert.Equal((0, 0), (meter.LiveBytes, meter.Allocations));
    }

    [Fact]
    public void Closed_it_counts_no_more_and_another_may_be_opened()
    {
        Assert.SkipWhen(AllocationMeter.Unavailable is not null, AllocationMeter.Unavailable ?? "");
        var meter = AllocationMeter.Open();
        Assert.Throws<InvalidOperationException>(AllocationMeter.Open);
        meter.Dispose();
        zeros(10).Dispose();
        Assert.Equal(0, meter.Allocations);
        using var next = AllocationMeter.Open();
        zeros(10).Dispose();
        Assert.Equal(1, next.Allocations);
    }
}
