// Which bfloat16 route is the faster one: weights converted, or autocast. The choice behind Precision.BFloat16.

using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Benchmarks;

static class PrecisionPage
{
    const int Width = 1024;
    const int Batch = 512;

    public static void Run(string[] arguments)
    {
        var report = new Report("A training step in three precisions", arguments);
        using var scope = NewDisposeScope();
        var inputs = randn(Batch, Width);
        var runs = new[] { Precision.Float32, Precision.BFloat16, Precision.BFloat16Autocast }.Select(p => new Step(p, inputs)).ToArray();
        var timings = Interleaved.Measure(arguments.Contains("--quick") ? 5 : 15, [.. runs.Select(r => new Contestant(r.Name, r.Run))]);
        report.Table($"4 linear layers of {Width}, GELU between, batch {Batch}, AdamW", "precision", "ms/step", "float32 / this");
        foreach (var timing in timings) report.Row(timing.Name, $"{timing.Median * 1e3:F1}", $"{1 / timing.RatioTo(timings[0]):F2}");
        report.Write();
        foreach (var run in runs) run.Dispose();
    }

    sealed class Step : IDisposable
    {
        readonly Fabric _fabric;
        readonly Module<Tensor, Tensor> _model;
        readonly RunOptimizer _optimizer;
        readonly Tensor _inputs;

        public Step(Precision precision, Tensor inputs)
        {
            Name = precision.Name;
            _fabric = Fabric.Launch(new() { Precision = precision, Device = DeviceChoice.Cpu });
            (_model, _optimizer) = _fabric.Setup(
                Sequential(Linear(Width, Width), GELU(), Linear(Width, Width), GELU(), Linear(Width, Width), GELU(), Linear(Width, Width)), m => Optimizers.AdamW(m));
            _inputs = precision.ConvertsWeights ? inputs.to(precision.Compute) : inputs;
        }

        public string Name { get; }

        public void Run()
        {
            using var step = _fabric.Step();
            Tensor loss;
            using (_fabric.Forward()) loss = _model.call(_inputs).pow(2).mean();
            _fabric.Backward(loss);
            _optimizer.Step();
        }

        public void Dispose()
        {
            _fabric.Dispose();
            _model.Dispose();
        }
    }
}
