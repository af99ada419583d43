using static TorchSharp.torch;

namespace Raijin.Parallel.Tests;

/// <summary>The code of docs/guides/plan.md.</summary>
public sealed class PlanGuide
{
    [Fact]
    public void A_model_is_planned_before_it_is_made()
    {
        using var scope = NewDisposeScope();
        // snippet: plan
        using var model = new Gpt(GptOptions.Gpt2XL, META); // shapes alone, no memory
        var shape = ModelShape.Of(model);
        var options = new PlanOptions { Precision = Precision.BFloat16 };

        var memory = MemoryPlan.Of(shape, Zero.Stage3 with { OffloadOptimizer = Tier.Host }, ranks: 8, options);
        var exchanged = CommunicationPlan.Of(shape, Zero.Stage3, ranks: 8, options);
        var device = memory.DeviceBytes;                                   // 1.5 GB
        var gradients = memory.BytesOf(BufferKind.Gradients);              // 0.4 GB
        var moved = exchanged.MovedBytes;                                  // 9.3 GB: three models
        // end snippet
        Assert.Equal((1.5, 0.4, 9.3), (Math.Round(device / 1e9, 1), Math.Round(gradients / 1e9, 1), Math.Round(moved / 1e9, 1)));
    }
}
