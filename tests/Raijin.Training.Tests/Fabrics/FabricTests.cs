using System.Text.Json.Nodes;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Fabrics;

public sealed class FabricTests
{
    static FabricOptions Cpu => new() { Device = DeviceChoice.Cpu };

    static void Train(Fabric fabric, Module<Tensor, Tensor> model, RunOptimizer optimizer, DataLoader<LabeledBatch> loader, long epoch)
    {
        foreach (var batch in fabric.Batches(loader, epoch))
        {
            using var step = fabric.Step();
            fabric.Backward(functional.cross_entropy(model.call(batch.Inputs), batch.Labels));
            optimizer.Step();
        }
    }

    [Fact]
    public void A_saved_loop_goes_on_with_the_same_bits()
    {
        using var folder = new TemporaryFolder();
        using var set = Fixture.Blobs(64);
        var loader = set.Batches(16);
        Dictionary<string, float[]> whole;
        using (var fabric = Fabric.Launch(Cpu))
        {
            var (model, optimizer) = fabric.Setup(Sequential(Linear(8, 16), Dropout(0.3), Linear(16, 3)), m => Optimizers.AdamW(m, 1e-2));
            Train(fabric, model, optimizer, loader, 0);
            fabric.Save(folder["half"], model, new JsonObject { ["epoch"] = 1 });
            Train(fabric, model, optimizer, loader, 1);
            whole = Fixture.Weights(model);
            model.Dispose();
        }

        using var again = Fabric.Launch(Cpu with { Seed = 99 });
        var (resumed, itsOptimizer) = again.Setup(Sequential(Linear(8, 16), Dropout(0.3), Linear(16, 3)), m => Optimizers.AdamW(m, 1e-2));
        var state = again.Load(folder["half"], resumed);
        Train(again, resumed, itsOptimizer, loader, (long)state!["epoch"]!);
        Fixture.AssertBitwise(whole, Fixture.Weights(resumed));
        resumed.Dispose();
    }

    [Fact]
    public void Another_model_is_refused_with_the_whole_difference_and_left_as_it_was()
    {
        using var folder = new TemporaryFolder();
        using var fabric = Fabric.Launch(Cpu);
        using var saved = Linear(8, 3);
        fabric.Save(folder["checkpoint"], saved);
        using var other = Linear(8, 4);
        var before = Fixture.Weights(other);
        var error = Assert.Throws<CheckpointException>(() => fabric.Load(folder["checkpoint"], other));
        Assert.Contains("weight", error.Message);
        Assert.Contains("bias", error.Message);
        Fixture.AssertBitwise(before, Fixture.Weights(other));
    }

    [Fact]
    public void A_schedule_over_an_unknown_length_is_refused_with_what_to_set()
    {
        using var fabric = Fabric.Launch(Cpu);
        using var model = Linear(2, 2);
        var error = Assert.Throws<InvalidOptionsException>(() => fabric.Setup(model, m => Optimizers.Sgd(m, 0.1).With(Schedules.WarmupCosine(5))));
        Assert.Contains("maxSteps", error.Message);
    }

    [Fact]
    public void Float16_on_the_cpu_is_refused_with_the_reason()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => Fabric.Launch(Cpu with { Precision = Precision.Float16 }));
        Assert.Contains("0.4 GFLOP/s", error.Message);
    }

    [Fact]
    public void One_process_is_the_only_rank_and_says_so()
    {
        var console = new StringWriter();
        using var fabric = Fabric.Launch(Cpu with { Console = Spectre.Console.AnsiConsole.Create(new() { Out = new Spectre.Console.AnsiConsoleOutput(console) }) });
        using var value = tensor(new[] { 2.5f });
        Assert.Equal((1, 0, 2.5), (fabric.WorldSize, fabric.Rank, fabric.Mean(value)));
        fabric.Print("loss 0.25");
        Assert.Equal("loss 0.25", console.ToString().Trim());
    }

    [Fact]
    public void A_look_at_a_model_leaves_modes_gradients_and_memory_as_they_were()
    {
        using var fabric = Fabric.Launch(Cpu);
        var frozen = Dropout(0.5);
        using var model = Sequential(Linear(4, 4), Dropout(0.5), frozen);
        frozen.eval();
        Tensor kept;
        var before = TensorLedger.Read().LiveTensors;
        using (var look = fabric.Evaluate(model))
        {
            Assert.DoesNotContain(model.modules(), m => m.training);
            var answer = model.call(ones(2, 4));
            Assert.False(answer.requires_grad);
            kept = look.Keep(answer);
        }
        using (kept) Assert.Equal(before + 1, TensorLedger.Read().LiveTensors);
        Assert.Equal([true, true, false], model.children().Select(m => m.training));
        Assert.True(is_grad_enabled());
    }
}
