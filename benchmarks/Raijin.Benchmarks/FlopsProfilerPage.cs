// What the flops profiler costs in the step it watches: hooks, recording, and the report that is made of it.

using System.Diagnostics;
using System.Globalization;
using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Benchmarks;

/// <summary><c>--rounds n</c> (default 31), <c>--threads n</c> (default: all cores).</summary>
static class FlopsProfilerPage
{
    public static void Run(string[] arguments)
    {
        var rounds = Pages.Option(arguments, "--rounds") ?? 31;
        NativeHeap.KeepFreedMemory();
        set_num_threads(Pages.Option(arguments, "--threads") ?? Environment.ProcessorCount);
        var report = new Report("The step that the flops profiler watches", arguments);
        report.Note($"Medians of {rounds} interleaved rounds of one step: forward, backward, AdamW. Freed memory is kept (`RAIJIN_KEEP_FREED_MEMORY`): what the C library gives back and faults in again would be the larger part of the difference, either way.");
        report.Table("Time of a step", "model, profiler", "time", "over none", "ratio to none", "ratio of the fastest", "the first", "report made after it, the first", "managed bytes");
        using (var gpt = ProfiledSteps.OfGpt()) Measure(report, rounds, gpt);
        using (var convnet = ProfiledSteps.OfConvNet()) Measure(report, rounds, convnet);
        report.Write();
    }

    static void Measure(Report report, int rounds, ProfiledSteps steps)
    {
        var contestants = steps.Contestants();
        var first = contestants.Select(c => c.Time()).ToArray();
        var timings = Interleaved.Measure(rounds, contestants);
        foreach (var (index, contestant) in contestants.Index())
        {
            contestant.Before?.Invoke();
            var bytes = GC.GetAllocatedBytesForCurrentThread();
            contestant.Run();
            bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
            contestant.After?.Invoke();
            var isProfiled = contestant.After is not null;
            report.Row(
                contestant.Name, string.Create(CultureInfo.InvariantCulture, $"{timings[index].Median * 1e3:F2} ms"),
                string.Create(CultureInfo.InvariantCulture, $"{timings[index].MinusMedian(timings[0]) * 1e3:+0.000;-0.000;0.000} ms"), string.Create(CultureInfo.InvariantCulture, $"{timings[index].RatioTo(timings[0]):F3}"), string.Create(CultureInfo.InvariantCulture, $"{timings[index].Minimum / timings[0].Minimum:F3}"),
                string.Create(CultureInfo.InvariantCulture, $"{first[index] * 1e3:F1} ms"),
                isProfiled ? string.Create(CultureInfo.InvariantCulture, $"{Statistics.Median([.. steps.Reports]) * 1e3:F2} ms, {steps.Reports[0] * 1e3:F1} ms") : "", bytes.ToString("N0", CultureInfo.InvariantCulture));
        }
    }

    /// <summary>A training step that the flops profiler watches, from hooking on to the report, beside the same step that nobody does.</summary>
    sealed class ProfiledSteps : IDisposable
    {
        readonly string _name;
        readonly Module _model;
        readonly Func<Tensor> _loss;
        readonly Action _freeBatch;
        readonly FusedOptimizer _optimizer;
        ProfileSession? _session;

        ProfiledSteps(string name, Module model, Func<Tensor> loss, Action freeBatch)
        {
            (_name, _model, _loss, _freeBatch) = (name, model, loss, freeBatch);
            _optimizer = new(new Raijin.Tensors.AdamW(), [new("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 1e-4)]);
        }

        /// <summary>12,244,992 parameters, 4 sequences of 64 tokens.</summary>
        public static ProfiledSteps OfGpt()
        {
            var options = GptShapes.Params12M;
            using var generator = new Generator(1);
            var model = new Gpt(options);
            model.Initialize(generator);
            var tokens = randint(options.Vocabulary, [4, options.Context], dtype: ScalarType.Int64, generator: generator);
            return new("GPT 12M", model, () => model.Loss(tokens, tokens), tokens.Dispose);
        }

        /// <summary>Two convolutions with batch norms and a head, a batch of 64 images of 28 × 28.</summary>
        public static ProfiledSteps OfConvNet()
        {
            var model = Sequential(
                Conv2d(1, 16, 3, padding: 1), BatchNorm2d(16), ReLU(), MaxPool2d(2), Conv2d(16, 32, 3, padding: 1), BatchNorm2d(32), ReLU(), MaxPool2d(2), Flatten(), Linear(32 * 7 * 7, 10));
            var (images, labels) = (rand(64, 1, 28, 28), randint(10, [64], dtype: ScalarType.Int64));
            return new("convnet", model, () => functional.cross_entropy(model.call(images), labels), () => { images.Dispose(); labels.Dispose(); });
        }

        /// <summary>Plain first.</summary>
        public Contestant[] Contestants() =>
        [
            new($"{_name}, none", Step),
            new($"{_name}, none again", Step),
            new($"{_name}, flops", Step, 1, Begin, End),
        ];

        /// <summary>What making the reports took, in seconds, the first one first.</summary>
        public List<double> Reports { get; } = [];

        public void Dispose()
        {
            _optimizer.Dispose();
            _model.Dispose();
            _freeBatch();
        }

        // The step before it lets the profiler get ready.
        void Begin()
        {
            _session = new FlopsProfiler { Step = 1 }.Start(new ProfileTarget { Model = _model });
            _session.StepStart(0);
            _session.StepEnd();
        }

        void End()
        {
            var began = Stopwatch.GetTimestamp();
            _session!.StepEnd();
            Reports.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            _session.Dispose();
            _session = null;
        }

        void Step()
        {
            using var scope = TensorScope.Open();
            _session?.StepStart(1);
            _session?.Mark(ProfilePhase.Forward);
            var loss = _loss();
            _session?.Mark(ProfilePhase.Backward);
            loss.backward();
            _session?.Mark(ProfilePhase.Optimizer);
            _optimizer.Step();
            _optimizer.ClearGradients();
            _session?.Mark(ProfilePhase.Loop);
        }
    }
}
