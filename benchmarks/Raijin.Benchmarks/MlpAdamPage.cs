using System.Globalization;
using Raijin.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Benchmarks;

/// <summary>
/// The whole training step of an MLP 784-128-10 at batch 64 with Adam: forward, loss, backward, update, gradients cleared. The same loop with
/// TorchSharp's optimizer and with Raijin's. <c>--threads 1|2|…</c> (default: 1 and 2), <c>--rounds n</c>.
/// </summary>
static class MlpAdamPage
{
    const int Steps = 50;

    public static void Run(string[] args)
    {
        var rounds = Pages.Option(args, "--rounds") ?? 41;
        int[] threadCounts = Pages.Option(args, "--threads") is { } one ? [one] : [1, 2];
        var report = new Report("The step of an MLP 784-128-10, batch 64, with Adam", args);
        report.Note($"Median of {rounds} interleaved rounds of {Steps} steps. The losses show that both train the same model.");
        report.Table("Time per step", "threads", "TorchSharp Adam", "Raijin Adam", "no update", "TorchSharp / Raijin", "loss after, TorchSharp", "loss after, Raijin");
        foreach (var threads in threadCounts)
        {
            set_num_threads(threads);
            using var stock = new Loop(parameters => new Stock(parameters));
            using var fused = new Loop(parameters => new Fused(parameters));
            using var bare = new Loop(parameters => new Fused(parameters), update: false);
            var times = Interleaved.Measure(
                rounds, new Contestant("stock", stock.Run, Steps), new Contestant("fused", fused.Run, Steps), new Contestant("bare", bare.Run, Steps));
            report.Row(
                threads.ToString(CultureInfo.InvariantCulture), Pages.Show(times[0]), Pages.Show(times[1]), Pages.Show(times[2]),
                Pages.Number(times[0].RatioTo(times[1])), stock.Loss.ToString("E2", CultureInfo.InvariantCulture), fused.Loss.ToString("E2", CultureInfo.InvariantCulture));
        }

        report.Write();
    }

    interface IUpdate : IDisposable
    {
        void Step();

        void Clear();
    }

    sealed class Stock(IReadOnlyList<Parameter> parameters) : IUpdate
    {
        readonly optim.Optimizer _optimizer = optim.Adam(parameters, 1e-3);

        public void Step() => _optimizer.step();

        public void Clear() => _optimizer.zero_grad();

        public void Dispose() => _optimizer.Dispose();
    }

    sealed class Fused(IReadOnlyList<Parameter> parameters) : IUpdate
    {
        readonly FusedOptimizer _optimizer = new(new Raijin.Tensors.Adam(), [new("all", parameters.Select((p, i) => KeyValuePair.Create($"p{i}", p)), 1e-3)]);

        public void Step() => _optimizer.Step();

        public void Clear() => _optimizer.ClearGradients();

        public void Dispose() => _optimizer.Dispose();
    }

    sealed class Loop : IDisposable
    {
        readonly Module<Tensor, Tensor> _net;
        readonly IUpdate _update;
        readonly bool _updates;
        readonly Tensor _inputs;
        readonly Tensor _labels;

        public Loop(Func<IReadOnlyList<Parameter>, IUpdate> make, bool update = true)
        {
            manual_seed(1);
            _net = Sequential(Linear(784, 128), ReLU(), Linear(128, 10));
            _update = make([.. _net.parameters()]);
            _updates = update;
            _inputs = randn(64, 784);
            _labels = randint(10, [64], dtype: ScalarType.Int64);
        }

        public double Loss { get; private set; }

        public void Run()
        {
            for (var step = 0; step < Steps; step++)
            {
                using var scope = NewDisposeScope();
                var loss = functional.cross_entropy(_net.call(_inputs), _labels);
                loss.backward();
                if (_updates) _update.Step();
                _update.Clear();
                if (step == Steps - 1) Loss = loss.item<float>();
            }
        }

        public void Dispose()
        {
            _update.Dispose();
            _net.Dispose();
            _inputs.Dispose();
            _labels.Dispose();
        }
    }
}
