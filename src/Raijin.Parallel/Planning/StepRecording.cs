using System.Diagnostics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>
/// Records what steps compute and the memory they take, over two passes: begin before the forward pass, say when backward begins, end after it. The first pass has no gradients there before it, the second has.
/// </summary>
/// <remarks>One for the process at a time; used by one thread. Ops of other threads are not looked at.</remarks>
public sealed class StepRecording : IDisposable
{
    readonly int _samples;
    readonly int _elementBytes;
    OpRecorder? _ops;
    AllocationMeter? _meter;
    long _backward;
    StepWork? _first;

    /// <summary>Makes one.</summary>
    /// <param name="samples">Samples of each pass.</param>
    /// <param name="elementBytes">Bytes of an element of the arithmetic: 4, or 2 where it is of 16 bits.</param>
    public StepRecording(int samples, int elementBytes = sizeof(float))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(samples);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(elementBytes);
        (_samples, _elementBytes) = (samples, elementBytes);
    }

    /// <summary>Why nothing can be recorded in this process; null where it can.</summary>
    public static string? Unavailable => OpRecorder.Unavailable ?? AllocationMeter.Unavailable;

    /// <summary>What the second pass computed; null until it has ended.</summary>
    public StepWork? Work { get; private set; }

    /// <summary>Records a function twice: it makes a loss, which is taken backward.</summary>
    /// <param name="samples">Samples of the loss.</param>
    /// <param name="loss">Makes it; it is freed with all that was made.</param>
    /// <param name="clear">Clears gradients, before and after.</param>
    /// <param name="elementBytes">Bytes of an element of the arithmetic.</param>
    public static StepWork Record(int samples, Func<Tensor> loss, Action clear, int elementBytes = sizeof(float))
    {
        ArgumentNullException.ThrowIfNull(loss);
        ArgumentNullException.ThrowIfNull(clear);
        using var recording = new StepRecording(samples, elementBytes);
        clear();
        for (var pass = 0; pass < 2; pass++)
        {
            using var scope = TensorScope.Open();
            recording.Begin();
            var made = loss();
            recording.BackwardBegins();
            Tensors.Backward.Run(made);
            recording.End();
        }
        clear();
        return recording.Work!;
    }

    /// <summary>A forward pass begins.</summary>
    public void Begin()
    {
        _meter = AllocationMeter.Open();
        if (_first is null) _ops = OpRecorder.Start(new OpRecorderOptions { Shapes = true });
    }

    /// <summary>Its backward pass begins.</summary>
    public void BackwardBegins() => _backward = Stopwatch.GetTimestamp();

    /// <summary>The backward pass is over.</summary>
    public void End()
    {
        var trace = _ops?.Stop();
        var peak = _meter!.PeakBytes;
        _meter.Dispose();
        (_meter, _ops) = (null, null);
        if (trace is not null) _first = Read(trace, peak);
        else Work ??= _first! with { ActivationBytes = peak };
    }

    StepWork Read(OpTrace trace, long peak)
    {
        var (forward, backward) = (new List<OpWork>(), new List<OpWork>());
        var thread = trace.Threads.FirstOrDefault(t => t.ThreadId == Environment.CurrentManagedThreadId);
        if (thread is null || trace.Dropped > 0) throw new InvalidOperationException(thread is null ? "No op of the step was seen on its thread." : $"A step of more than {thread.Records.Count} ops can't be recorded.");
        var until = long.MinValue;
        var calls = thread.Records.Count(op => op.Began < _backward);
        for (var i = 0; i < thread.Records.Count; i++)
        {
            var op = thread.Records[i];
            if (op.Began < until || op.Kind == OpKind.BackwardNode) continue;
            var isLeaf = i + 1 == thread.Records.Count || thread.Records[i + 1].Depth <= op.Depth;
            if (WorkKinds.Of(op.Name, thread.Inputs(op), thread.Outputs(op), isLeaf, _elementBytes) is not { } work) continue;
            until = op.Ended;
            (op.Began < _backward ? forward : backward).Add(work);
        }
        return new() { Samples = _samples, Forward = forward, Backward = backward, ForwardCalls = calls, BackwardCalls = thread.Records.Count - calls, ActivationBytes = peak, PeakBytes = peak };
    }

    /// <summary>Breaks off what is being recorded.</summary>
    public void Dispose()
    {
        _ops?.Dispose();
        _meter?.Dispose();
    }
}
