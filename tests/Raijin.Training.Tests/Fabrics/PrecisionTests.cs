using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Fabrics;

public sealed class PrecisionTests
{
    static double FinalLoss(Precision precision)
    {
        using var set = Fixture.Blobs(96);
        var trainer = new Trainer(Fixture.Quiet("unused") with { MaxEpochs = 20, Precision = precision, Checkpoints = false });
        using var model = new SmallClassifier();
        return trainer.Fit(model, set.Batches(16)).Metrics["train/loss"];
    }

    [Fact]
    public void Both_bfloat16_routes_learn_what_float32_learns()
    {
        var full = FinalLoss(Precision.Float32);
        // bfloat16 has 8 bits of mantissa: a relative error of 0.4 % a rounding, a few roundings deep.
        Assert.Equal(full, FinalLoss(Precision.BFloat16), 0.05);
        Assert.Equal(full, FinalLoss(Precision.BFloat16Autocast), 0.05);
    }

    [Fact]
    public void Converted_weights_keep_their_masters_from_before_the_rounding()
    {
        using var fabric = Fabric.Launch(new() { Device = DeviceChoice.Cpu, Precision = Precision.BFloat16 });
        using var model = Linear(8, 3);
        using var scope = NewDisposeScope();
        var before = model.weight!.detach().clone();
        var (_, optimizer) = fabric.Setup(model, m => Optimizers.Sgd(m, 0.0));
        Assert.Equal(ScalarType.BFloat16, model.weight!.dtype);
        using (fabric.Step())
        {
            fabric.Backward(model.call(ones(4, 8, dtype: ScalarType.BFloat16)).sum());
            optimizer.Step();
            var master = optimizer.CaptureState().Tensors.Single(t => t.Key == "weight/master").Tensor;
            Assert.True(master.eq(before).all().item<bool>());
        }
    }

    [Fact]
    public void Autocast_computes_matmuls_in_bfloat16_and_leaves_the_weights_alone()
    {
        using var fabric = Fabric.Launch(new() { Device = DeviceChoice.Cpu, Precision = Precision.BFloat16Autocast });
        using var model = fabric.Setup(Linear(8, 3));
        using var scope = NewDisposeScope();
        using (fabric.Forward()) Assert.Equal(ScalarType.BFloat16, model.call(ones(4, 8)).dtype);
        Assert.Equal(ScalarType.Float32, model.call(ones(4, 8)).dtype);
        Assert.Equal(ScalarType.Float32, model.weight!.dtype);
    }

    [Fact]
    public void A_bfloat16_run_resumes_bit_for_bit()
    {
        using var folder = new TemporaryFolder();
        Dictionary<string, float[]> Run(string name, long? stop, Resume? resume)
        {
            using var set = Fixture.Blobs(96);
            var trainer = new Trainer(Fixture.Quiet(folder[name]) with { MaxEpochs = null, MaxSteps = stop ?? 9, Precision = Precision.BFloat16 });
            using var model = new SmallClassifier { Optimizer = m => Optimizers.Adam(m, 1e-2) };
            trainer.Fit(model, set.Batches(16), resume);
            return Fixture.Weights(model);
        }

        var whole = Run("whole", null, null);
        Run("halved", 4, null);
        Fixture.AssertBitwise(whole, Run("halved", null, Resume.Last));
    }
}
