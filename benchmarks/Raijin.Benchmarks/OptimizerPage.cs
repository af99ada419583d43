using Raijin.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Benchmarks;

/// <summary>
/// One AdamW step over many fp32 tensors: Raijin's kernels, libtorch's fused kernel through the dispatcher, and a C loop over the very same
/// memory as the limit. <c>--threads 1|2|…</c> (default: 1 and 2), <c>--rounds n</c>.
/// </summary>
static unsafe class OptimizerPage
{
    static readonly (int Tensors, int Elements, int Repeats)[] Sizes = [(100, 1_000_000, 1), (1000, 100_000, 1), (100, 1000, 300)];

    public static void Run(string[] args)
    {
        var rounds = Pages.Option(args, "--rounds") ?? 31;
        int[] threadCounts = Pages.Option(args, "--threads") is { } one ? [one] : [1, 2];
        var report = new Report("A fused AdamW step", args);
        var c = (delegate* unmanaged<int, nint*, nint*, nint*, nint*, nint*, int, double, double, double, double, double, double, void>)
            CompiledC.Function("adamw.c", "adamw");
        report.Note($"Median of {rounds} interleaved rounds; ratios are medians of the ratio within a round. 28 bytes move per parameter.");
        foreach (var threads in threadCounts)
        {
            set_num_threads(threads);
            report.Table($"{threads} thread{(threads == 1 ? "" : "s")}", "tensors", "Raijin", "C loop", "libtorch `_fused_adamw_`", "GB/s", "Raijin / C", "Raijin / libtorch", "norm pass", "of it / step");
            foreach (var (tensors, elements, repeats) in Sizes)
            {
                using var field = new Field(tensors, elements, threads, repeats, c);
                var times = Interleaved.Measure(elements < 10_000 ? 4 * rounds : rounds, [.. field.Contestants()]).ToDictionary(t => t.Name);
                var (ours, norm, theirs) = (times["raijin"], times["norm"], times["libtorch"]);
                report.Row(
                    $"{tensors} × {elements:N0}",
                    Pages.Show(ours),
                    times.TryGetValue("c", out var limit) ? Pages.Show(limit) : "–",
                    Pages.Show(theirs),
                    Pages.Number(28.0 * tensors * elements / ours.Median / 1e9),
                    limit is null ? "–" : Pages.Number(ours.RatioTo(limit)),
                    Pages.Number(ours.RatioTo(theirs)),
                    Pages.Show(norm),
                    Pages.Number(norm.RatioTo(ours)));
            }
        }

        report.Write();
    }

    /// <summary>One set of parameters and gradients that all contestants work on; libtorch has moments of its own.</summary>
    sealed class Field : IDisposable
    {
        const double LearningRate = 1e-4;
        const double WeightDecay = 0.01;

        readonly int _threads;
        readonly int _repeats;
        readonly delegate* unmanaged<int, nint*, nint*, nint*, nint*, nint*, int, double, double, double, double, double, double, void> _c;
        readonly Parameter[] _parameters;
        readonly FusedOptimizer _optimizer;
        readonly Tensor[] _gradients;
        readonly Tensor[] _first;
        readonly Tensor[] _second;
        readonly Tensor[] _steps;
        readonly nint[] _p;
        readonly nint[] _g;
        readonly nint[] _m;
        readonly nint[] _v;
        readonly nint[] _sizes;

        public Field(
            int tensors, int elements, int threads, int repeats,
            delegate* unmanaged<int, nint*, nint*, nint*, nint*, nint*, int, double, double, double, double, double, double, void> c)
        {
            _threads = threads;
            _repeats = repeats;
            _c = c;
            manual_seed(1);
            using var none = no_grad();
            _parameters = [.. Enumerable.Range(0, tensors).Select(_ => new Parameter(randn(elements)))];
            foreach (var parameter in _parameters)
            {
                using var gradient = randn(elements).mul_(0.01);
                parameter.grad = gradient;
            }

            _gradients = [.. _parameters.Select(p => p.grad!)];
            _first = [.. _parameters.Select(p => zeros_like(p))];
            _second = [.. _parameters.Select(p => zeros_like(p))];
            _steps = [.. _parameters.Select(_ => tensor(1f))];
            _optimizer = new(new Raijin.Tensors.AdamW(), [new("all", _parameters.Select((p, i) => KeyValuePair.Create($"p{i}", p)), LearningRate, WeightDecay)]);
            _optimizer.Step();
            var state = _optimizer.CaptureState();
            _p = Addresses(_parameters);
            _g = Addresses(_gradients);
            _m = Addresses(Enumerable.Range(0, tensors).Select(i => state.Slots($"p{i}")["exp_avg"]));
            _v = Addresses(Enumerable.Range(0, tensors).Select(i => state.Slots($"p{i}")["exp_avg_sq"]));
            _sizes = [.. Enumerable.Repeat((nint)elements, tensors)];
        }

        public List<Contestant> Contestants()
        {
            var all = new List<Contestant> { Repeated("raijin", () => _optimizer.Step()) };
            if (_c != null) all.Add(Repeated("c", C));
            all.Add(Repeated("libtorch", Libtorch));
            all.Add(Repeated("norm", () => _optimizer.MeasureGradients()));
            return all;
        }

        Contestant Repeated(string name, Action once)
        {
            var repeats = _repeats;
            return new(name, () => { for (var i = 0; i < repeats; i++) once(); }, repeats);
        }

        void C()
        {
            fixed (nint* p = _p, g = _g, m = _m, v = _v, sizes = _sizes)
                _c(_p.Length, p, g, m, v, sizes, _threads, LearningRate, 0.9, 0.999, 1e-8, WeightDecay, 100);
        }

        void Libtorch()
        {
            using var none = no_grad();
            Aten.FusedAdamW(_parameters, _gradients, _first, _second, [], _steps, LearningRate, 0.9, 0.999, WeightDecay, 1e-8);
        }

        static nint[] Addresses(IEnumerable<Tensor> tensors) =>
            [.. tensors.Select(t => TensorAccess.TryGetHostMemory(t, out var memory) ? memory.Data : throw new InvalidOperationException("not dense"))];

        public void Dispose()
        {
            _optimizer.Dispose();
            foreach (var tensor in _gradients.Concat(_first).Concat(_second).Concat(_steps).Concat(_parameters)) tensor.Dispose();
        }
    }
}
