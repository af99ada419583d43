// Ψ parameters of p bytes, N ranks that divide the state, m microbatches. A step's seconds, part by part, nothing of it at the same time as something else: on a CPU the ranks that compute are those that move.
//
//   forward, backward   m times the work's ops: seconds of a call, and of its product, attention, elements or bytes, by the calibration's curves (a product's bytes come on top of its arithmetic); from the second microbatch on gradients are added to those there, 3pΨ bytes each
//   exchange            each call of the communication plan, unit by unit, by the curve of its kind; gradients are copied to where ranks reduce them, 2pΨ a pass
//   update              bytes that the optimizer reads and writes of its Ψ/N: gradient, parameter (or master, and the copy of 16 bits) and state twice
//   disk                what is offloaded there, read and written once
//
// What prepares batches, hooks and the loop itself are not in it.

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>The time a step of training takes on each rank, known before it runs.</summary>
/// <param name="Forward">The forward passes.</param>
/// <param name="Backward">The backward passes.</param>
/// <param name="Exchange">What ranks exchange.</param>
/// <param name="Update">The optimizer.</param>
/// <param name="Disk">What is read and written of state on a disk.</param>
public sealed record TimePlan(TimeSpan Forward, TimeSpan Backward, TimeSpan Exchange, TimeSpan Update, TimeSpan Disk)
{
    /// <summary>The step.</summary>
    public TimeSpan Total => Forward + Backward + Exchange + Update + Disk;

    /// <summary>Plans.</summary>
    /// <param name="work">What a microbatch computes.</param>
    /// <param name="shape">The model.</param>
    /// <param name="strategy">How it is divided.</param>
    /// <param name="ranks">Among how many ranks.</param>
    /// <param name="machine">How fast the machine is; measured by as many ranks, or by one for one.</param>
    /// <param name="options">Precision, optimizer, microbatches; null for the defaults.</param>
    /// <exception cref="InvalidOptionsException">What is asked for can't be; lists every fault.</exception>
    public static TimePlan Of(StepWork work, ModelShape shape, Strategy strategy, int ranks, MachineCalibration machine, PlanOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(strategy);
        options ??= new();
        if (ranks > 1 && machine.Exchanges.Count == 0) InvalidOptionsException.ThrowIfAny([new("plan.ranks", $"= {ranks}, but the machine was calibrated by one rank, which exchanges nothing: calibrate it with {ranks}")]);
        if (options.Precision.Compute == ScalarType.BFloat16 && machine.BFloat16Products is null) InvalidOptionsException.ThrowIfAny([new("plan.precision", $"= {options.Precision}, but the machine's bfloat16 was not calibrated: calibrate it anew")]);
        var traffic = CommunicationPlan.Of(shape, strategy, ranks, options).Traffic;
        var passes = options.Microbatches;
        var size = PlanOptions.ShardSize(strategy, ranks);

        var adding = (passes - 1) * Bytes(3.0 * options.ParameterBytes * shape.NumTrained);
        var copies = ranks > 1 ? (strategy.Stage >= 2 ? passes : 1) * Bytes(2.0 * options.ParameterBytes * shape.NumTrained) : 0;
        var updated = (strategy.Stage > 0 ? (shape.NumTrained + size - 1) / size : shape.NumTrained) * (double)UpdateBytes(options);
        var (forward, backward) = PassSeconds(work, machine, options.Precision.Compute, strategy.Stage >= 2 && ranks > 1 ? NativeHeap.LeastReturned : NativeHeap.LargestReused);
        return new(
            Span(passes * forward),
            Span((passes * backward) + adding),
            Span(traffic.Sum(Exchanged) + copies),
            Span(machine.Updates.At(updated)),
            Span(DiskSeconds()));

        double Bytes(double bytes) => bytes > 0 ? machine.Moves.At(bytes) : 0;

        // A call for each unit and pass, each with the unit's share of the bytes.
        double Exchanged(PlannedTraffic call)
        {
            if (!machine.Exchanges.TryGetValue(call.Kind, out var curve)) return 0;
            var times = strategy.Stage >= 2 && call.What == BufferKind.Gradients || strategy.Stage == 3 ? passes : 1;
            var all = shape.All.Where(unit => unit.NumParameters > 0).ToList();
            double whole = all.Sum(unit => unit.NumParameters);
            return all.Sum(unit => times * curve.At(call.Bytes * unit.NumParameters / whole / times));
        }

        double DiskSeconds()
        {
            if (strategy.OffloadOptimizer is not Tier.OnDisk) return 0;
            if (machine is not { DiskReadRate: { } read, DiskWriteRate: { } write }) throw new InvalidOptionsException([new("plan.strategy", $"= {strategy}, but no disk was calibrated: name its folder when calibrating")]);
            var bytes = MemoryPlan.Of(shape, strategy, ranks, options).DiskBytes;
            return (bytes / read) + (bytes / write);
        }
    }

    /// <summary>Seconds of a microbatch's forward and backward pass.</summary>
    internal static (double Forward, double Backward) PassSeconds(StepWork work, MachineCalibration machine, ScalarType compute, double freshBytes)
    {
        var products = compute == ScalarType.BFloat16 ? machine.BFloat16Products! : machine.Products;
        var arithmetic = products.Arithmetic;
        return (
            (work.ForwardCalls * machine.OpSeconds) + work.Forward.Sum(op => Seconds(op, machine.Attention) + Fresh(op)),
            (work.BackwardCalls * machine.OpSeconds) + work.Backward.Sum(op => Seconds(op, machine.AttentionBackward) + Fresh(op)));

        // Blocks from a size on are new memory each time: NativeHeap.
        double Fresh(OpWork op) => op.MadeBytes >= freshBytes ? op.MadeBytes * machine.FreshSeconds : 0;

        // Calls are counted apart: of the curves only what comes with size.
        double Seconds(OpWork op, CostCurve attention) => op.Kind switch
        {
            WorkKind.Product => (op.Flops * SecondsOfFlop(Math.Clamp(op.Side, arithmetic.Sizes[0], arithmetic.Sizes[^1]))) + (op.Bytes * products.ByteSeconds),
            WorkKind.Attention => op.Flops * attention.At(Math.Clamp(op.Side, attention.Sizes[0], attention.Sizes[^1])),
            WorkKind.Function => Beyond(machine.Functions, op.Bytes),
            WorkKind.Random => Beyond(machine.Randoms, op.Bytes),
            WorkKind.Norm => Beyond(machine.Norms, op.Bytes),
            _ => Beyond(machine.Moves, op.Bytes),
        };

        // Beyond the largest cube that was measured its rate holds.
        double SecondsOfFlop(double side) => arithmetic.At(side) / (2 * Math.Pow(side, 3));

        static double Beyond(CostCurve curve, double bytes) => curve.At(bytes) - curve.Seconds[0];
    }

    static long UpdateBytes(PlanOptions options) => options.ParameterBytes + (2 * sizeof(float)) + (2 * options.StateBytes) + (options.Precision.ConvertsWeights ? options.ParameterBytes : 0);

    static TimeSpan Span(double seconds) => TimeSpan.FromSeconds(seconds);
}
