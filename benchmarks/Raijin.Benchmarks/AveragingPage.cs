using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Benchmarks;

/// <summary>
/// One update of an average of 10M fp32 weights: Raijin's pass, a C loop over the very same memory as the limit, and libtorch's list operator; and exchanging averages with weights.
/// <c>--threads 1|2|…</c> (default: 1 and 2), <c>--rounds n</c>.
/// </summary>
static unsafe class AveragingPage
{
    const double Decay = 0.999;

    static readonly (int Tensors, int Elements, int Repeats)[] Sizes = [(10, 1_000_000, 2), (100, 100_000, 2), (10_000, 1000, 2)];

    public static void Run(string[] args)
    {
        var rounds = Pages.Option(args, "--rounds") ?? 41;
        int[] threadCounts = Pages.Option(args, "--threads") is { } one ? [one] : [1, 2];
        var report = new Report("An average of weights", args);
        var c = (delegate* unmanaged<int, nint*, nint*, nint*, int, double, void>)CompiledC.Function("averaging.c", "average");
        report.Note($"Median of {rounds} interleaved rounds; ratios are medians of the ratio within a round. 12 bytes move per fp32 weight (10 with bf16 weights), 16 in a swap.");
        foreach (var threads in threadCounts)
        {
            set_num_threads(threads);
            report.Table($"{threads} thread{(threads == 1 ? "" : "s")}", "tensors", "Raijin", "C loop", "libtorch `_foreach_lerp_`", "GB/s", "Raijin / C", "Raijin / libtorch", "bf16 weights", "swap");
            foreach (var (tensors, elements, repeats) in Sizes)
            {
                using var field = new Field(tensors, elements, threads, repeats, c);
                var times = Interleaved.Measure(rounds, [.. field.Contestants()]).ToDictionary(t => t.Name);
                var (ours, theirs) = (times["raijin"], times["libtorch"]);
                report.Row(
                    $"{tensors:N0} × {elements:N0}",
                    Pages.Show(ours),
                    times.TryGetValue("c", out var limit) ? Pages.Show(limit) : "–",
                    Pages.Show(theirs),
                    Pages.Number(12.0 * tensors * elements / ours.Median / 1e9),
                    limit is null ? "–" : Pages.Number(ours.RatioTo(limit)),
                    Pages.Number(ours.RatioTo(theirs)),
                    Pages.Show(times["bf16"]),
                    Pages.Show(times["swap"]));
            }
        }

        report.Write();
    }

    /// <summary>One set of weights and averages that ours and the C loop work on; libtorch and bf16 weights have averages of their own.</summary>
    sealed class Field : IDisposable
    {
        readonly int _threads;
        readonly int _repeats;
        readonly delegate* unmanaged<int, nint*, nint*, nint*, int, double, void> _c;
        readonly Tensor[] _weights;
        readonly Tensor[] _halves;
        readonly Tensor[] _averages;
        readonly WeightAverager _averager;
        readonly WeightAverager _ofHalves;
        readonly nint[] _a;
        readonly nint[] _p;
        readonly nint[] _sizes;

        public Field(int tensors, int elements, int threads, int repeats, delegate* unmanaged<int, nint*, nint*, nint*, int, double, void> c)
        {
            (_threads, _repeats) = (threads, repeats);
            _c = c;
            manual_seed(1);
            _weights = [.. Enumerable.Range(0, tensors).Select(_ => randn(elements))];
            _halves = [.. _weights.Select(w => w.to(ScalarType.BFloat16))];
            _averages = [.. _weights.Select(w => w.clone())];
            _averager = new(_weights.Select((w, i) => KeyValuePair.Create($"w{i}", w)), new ExponentialAveraging(Decay));
            _ofHalves = new(_halves.Select((w, i) => KeyValuePair.Create($"w{i}", w)), new ExponentialAveraging(Decay));
            _a = Addresses(_averager.CaptureState().Averages.Select(a => a.Value));
            _p = Addresses(_weights);
            _sizes = [.. Enumerable.Repeat((nint)elements, tensors)];
        }

        public List<Contestant> Contestants()
        {
            var all = new List<Contestant> { Repeated("raijin", _averager.Update) };
            if (_c != null) all.Add(Repeated("c", C));
            all.Add(Repeated("libtorch", () => Foreach.Lerp(_averages, _weights, 1 - Decay)));
            all.Add(Repeated("bf16", _ofHalves.Update));
            all.Add(new("swap", () => { _averager.UseAverages(); _averager.UseWeights(); }, 2));
            return all;
        }

        Contestant Repeated(string name, Action once)
        {
            var repeats = _repeats;
            return new(name, () => { for (var i = 0; i < repeats; i++) once(); }, repeats);
        }

        void C()
        {
            fixed (nint* a = _a, p = _p, sizes = _sizes)
                _c(_a.Length, a, p, sizes, _threads, 1 - Decay);
        }

        static nint[] Addresses(IEnumerable<Tensor> tensors) =>
            [.. tensors.Select(t => TensorAccess.TryGetHostMemory(t, out var memory) ? memory.Data : throw new InvalidOperationException("not dense"))];

        public void Dispose()
        {
            _averager.Dispose();
            _ofHalves.Dispose();
            foreach (var tensor in _weights.Concat(_halves).Concat(_averages)) tensor.Dispose();
        }
    }
}
