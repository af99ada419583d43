using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Records libtorch's ops, of all threads of the process, with names, times and nesting, into memory that is set aside beforehand. Costs about 0.2 µs an op while it
/// runs and nothing before and after: the observers are attached at the start and gone at the end.
/// </summary>
/// <remarks>
/// libtorch has observers (<c>at::RecordFunction</c>) but no C interface to them. On Linux x64 its C++ entry points are called with a hand-made structure; whether the
/// layout is the expected one is tried once, on a product of two small matrices whose ops are known. Where not, nothing is recorded and <see cref="Unavailable"/> says why.
/// </remarks>
public sealed class OpRecorder : IDisposable
{
    /// <summary>Threads that can be recorded at once; ops of further ones are not seen.</summary>
    public const int MaxThreads = 64;

    static readonly Lazy<string?> Reason = new(TryOut);
    static readonly Lock Gate = new();
    static OpRecorder? s_current;
    static int s_sessions;

    readonly (ulong Ops, ulong Nodes) _handles;
    OpTrace? _trace;

    OpRecorder(OpRecorderOptions options) => _handles = RecordFunctionAbi.Attach(++s_sessions, options.CapacityPerThread, options.Shapes);

    /// <summary>Why ops can't be recorded in this process; null where they can.</summary>
    public static string? Unavailable => Reason.Value;

    /// <summary>Whether a recording is under way in the process.</summary>
    public static bool IsRecording => Volatile.Read(ref s_current) is not null;

    /// <summary>Begins to record.</summary>
    /// <exception cref="PlatformNotSupportedException">Ops can't be recorded here; the message says why.</exception>
    /// <exception cref="InvalidOperationException">A recording is already under way: there is one for the process.</exception>
    public static OpRecorder Start(OpRecorderOptions? options = null) =>
        TryStart(options) ?? throw new InvalidOperationException("Ops are already being recorded: there is one recording for the process. Stop the other first.");

    /// <summary>Begins to record; null while another recording is under way.</summary>
    /// <exception cref="PlatformNotSupportedException">Ops can't be recorded here; the message says why.</exception>
    public static OpRecorder? TryStart(OpRecorderOptions? options = null)
    {
        options ??= new OpRecorderOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.CapacityPerThread);
        if (Unavailable is { } reason) throw new PlatformNotSupportedException($"libtorch's ops can't be recorded: {reason}.");
        lock (Gate) return s_current is null ? s_current = new OpRecorder(options) : null;
    }

    /// <summary>Ends the recording and gives what there is. An op still running on another thread is left out. A second call gives the same again.</summary>
    public OpTrace Stop()
    {
        lock (Gate)
        {
            if (_trace is not null) return _trace;
            _trace = RecordFunctionAbi.Detach(_handles);
            s_current = null;
            return _trace;
        }
    }

    /// <summary>Ends the recording.</summary>
    public void Dispose() => Stop();

    static unsafe string? TryOut()
    {
        LibTorch.EnsureLoaded();
        if (RecordFunctionAbi.Obstacle() is { } obstacle) return obstacle;
        RecordFunctionAbi.LayoutCheck check = default;
        RecordFunctionAbi.Check(&check, static () =>
        {
            using var scope = NewDisposeScope();
            using var gradients = enable_grad();
            using var left = zeros([2, 3], requires_grad: true);
            left.mm(zeros([3, 5])).sum().backward();
        });
        if (check.Products < 2 || check.Nodes != 1) return $"a product and its backward pass were seen as {check.Products} products and {check.Nodes} nodes, at least 2 and 1 were expected";
        if (!check.Inputs || !check.Outputs || check.Sequence < 0 || check.Sequence != check.NodeSequence) return $"the observers' layout is not the expected one (inputs {check.Inputs}, results {check.Outputs}, sequence {check.Sequence} and {check.NodeSequence})";
        return null;
    }
}

/// <summary>The settings of an <see cref="OpRecorder"/>.</summary>
public sealed record OpRecorderOptions
{
    /// <summary>Ops kept of each thread; the first ones, further ones are counted only. 56 bytes each, and 64 with shapes, of which only what is used takes memory.</summary>
    /// <value>Default 262,144.</value>
    public int CapacityPerThread { get; init; } = 1 << 18;

    /// <summary>Whether the shapes of arguments and results are kept: about 0.3 µs an op instead of 0.2.</summary>
    /// <value>Default false.</value>
    public bool Shapes { get; init; }
}
