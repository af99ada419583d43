// What profilers cost while they watch: of an op, of an allocation, of a step.

using System.Globalization;
using Raijin.Collectives;
using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Benchmarks;

static class ProfilerPage
{
    const int Ops = 20_000;
    const int Steps = 200;

    public static void Run(string[] arguments)
    {
        var rounds = Pages.Option(arguments, "--rounds") ?? 15;
        set_num_threads(1);
        var report = new Report("Profilers while they watch", arguments);
        using (var field = new OpField())
        {
            report.Table("One op on two elements, `neg_`, and one allocation of 64 bytes", "what", "time", "over plain", "managed bytes");
            Rows(report, Interleaved.Measure(rounds, field.Ops()), field.Ops(), "ns", 1e9);
            Rows(report, Interleaved.Measure(rounds, field.Allocations()), field.Allocations(), "ns", 1e9);
        }
        using (var field = new StepField())
        {
            report.Table("One step of an MLP 784-128-10, batch 64, SGD, in a loop on Fabric", "profiler", "time", "over none", "managed bytes");
            Rows(report, Interleaved.Measure(rounds, field.Loops()), field.Loops(), "µs", 1e6);
        }
        using (var field = new CallField())
        {
            report.Table("One all-reduce of a group of one, which returns at once: what the log of calls adds", "what", "time", "over plain", "managed bytes");
            Rows(report, Interleaved.Measure(rounds, field.Calls()), field.Calls(), "ns", 1e9);
        }
        report.Note("The trace records every op of every step here; its file is written after the time is taken.");
        report.Write();
    }

    static void Rows(Report report, Timing[] timings, Contestant[] contestants, string unit, double scale)
    {
        foreach (var (timing, contestant) in timings.Zip(contestants))
        {
            contestant.Before?.Invoke();
            var bytes = GC.GetAllocatedBytesForCurrentThread();
            contestant.Run();
            bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
            contestant.After?.Invoke();
            report.Row(timing.Name, string.Create(CultureInfo.InvariantCulture, $"{timing.Median * scale:F1} {unit}"),
                string.Create(CultureInfo.InvariantCulture, $"{timing.MinusMedian(timings[0]) * scale:+0.0;-0.0;0.0} {unit}"), (bytes / contestant.Operations).ToString("N0", CultureInfo.InvariantCulture));
        }
    }

    sealed class OpField : IDisposable
    {
        readonly Tensor _x = ones(2);
        OpRecorder? _recorder;
        AllocationMeter? _meter;

        public Contestant[] Ops() =>
        [
            new("op, plain", Negate, ProfilerPage.Ops),
            new("op, recorded", Negate, ProfilerPage.Ops, () => _recorder = OpRecorder.Start(), () => _recorder!.Dispose()),
            new("op, recorded with shapes", Negate, ProfilerPage.Ops, () => _recorder = OpRecorder.Start(new() { Shapes = true }), () => _recorder!.Dispose()),
        ];

        public Contestant[] Allocations() =>
        [
            new("allocation, plain", Allocate, ProfilerPage.Ops),
            new("allocation, counted", Allocate, ProfilerPage.Ops, () => _meter = AllocationMeter.Open(), () => _meter!.Dispose()),
        ];

        void Negate()
        {
            for (var i = 0; i < ProfilerPage.Ops; i++) _x.neg_();
        }

        static void Allocate()
        {
            for (var i = 0; i < ProfilerPage.Ops; i++) empty(16).Dispose();
        }

        public void Dispose() => _x.Dispose();
    }

    sealed class CallField : IDisposable
    {
        readonly World _world = World.Single();
        readonly Tensor _x = ones(2);
        CommsLog? _log;

        public Contestant[] Calls() =>
        [
            new("call, plain", Reduce, ProfilerPage.Ops),
            new("call, logged", Reduce, ProfilerPage.Ops, () => _log = CommsLog.Start(_world.Group), () => _log!.Dispose()),
        ];

        void Reduce()
        {
            for (var i = 0; i < ProfilerPage.Ops; i++) _world.Group.AllReduce(_x);
        }

        public void Dispose()
        {
            _x.Dispose();
            _world.Dispose();
        }
    }

    sealed class StepField : IDisposable
    {
        readonly Fabric _fabric = Fabric.Launch();
        readonly Module<Tensor, Tensor> _model;
        readonly RunOptimizer _optimizer;
        readonly Tensor _inputs = randn(64, 784);
        readonly Tensor _labels = randint(0, 10, [64]);
        readonly string _folder = Directory.CreateTempSubdirectory("raijin-profile-").FullName;
        ProfileSession? _session;

        public StepField() => (_model, _optimizer) = _fabric.Setup<Module<Tensor, Tensor>>(Sequential(Linear(784, 128), ReLU(), Linear(128, 10)), m => Optimizers.Sgd(m, 0.01));

        public Contestant[] Loops() =>
        [
            Loop("none", () => null),
            Loop("none, again", () => null),
            Loop("simple", () => new SimpleProfiler()),
            Loop("trace, waiting", () => new TraceProfiler { Schedule = new() { Wait = 1_000_000 } }),
            Loop("trace, recording", () => new TraceProfiler { Schedule = new() { Wait = 0, Warmup = 0, Active = 1_000_000 } }),
            Loop("trace, recording with shapes", () => new TraceProfiler { Shapes = true, Schedule = new() { Wait = 0, Warmup = 0, Active = 1_000_000 } }),
            Loop("memory, recording", () => new MemoryProfiler { Skip = 0, Steps = 1_000_000 }),
        ];

        Contestant Loop(string name, Func<Profiler?> profiler) =>
            new(name, Train, Steps, () => _session = profiler()?.Start(new ProfileTarget { Model = _model, Folder = _folder }), () => _session?.Dispose());

        void Train()
        {
            for (var i = 0; i < Steps; i++)
            {
                using var step = _fabric.Step();
                _session?.StepStart(step.Index);
                _session?.Mark(ProfilePhase.Forward);
                var loss = functional.cross_entropy(_model.call(_inputs), _labels);
                _session?.Mark(ProfilePhase.Backward);
                _fabric.Backward(loss);
                _session?.Mark(ProfilePhase.Optimizer);
                _optimizer.Step();
                _session?.StepEnd();
            }
        }

        public void Dispose()
        {
            _fabric.Dispose();
            _model.Dispose();
            _inputs.Dispose();
            _labels.Dispose();
            Directory.Delete(_folder, recursive: true);
        }
    }
}
