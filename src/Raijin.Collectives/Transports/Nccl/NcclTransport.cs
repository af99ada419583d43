using System.Diagnostics;
using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>
/// Ranks drive a GPU each, over NCCL. A transport of the host, on which the ranks have met already, carries what NCCL can't: the communicator's id, who has come to a call, and that one gave up.
/// </summary>
/// <remarks>
/// Calls run on a stream of their own that begins when libtorch's has come so far; a call is over when its event is, on the host. NCCL reduces in its own order, in the type that crosses: every rank gets the
/// same bits, but not those of the other transports. It waits for no other rank (its nonblocking mode), so a call that can't complete meets its deadline. Messages that are begun before the first of them is
/// polled are one group: a ring of sends and receives needs them begun together.
/// </remarks>
sealed unsafe class NcclTransport : Transport
{
    readonly Transport _host;
    readonly int _device;
    readonly DeviceType _deviceType;
    readonly Func<nint> _torchStream;
    readonly TimeSpan _deadline;
    readonly nint _ready;
    readonly Queue<NcclCall> _queued = new();
    readonly List<NcclCall> _issuing = [];
    bool _aborted;
    bool _left;

    NcclTransport(Transport host, int device, TimeSpan deadline, NcclLibrary nccl, CudaDriver cuda, Func<nint> torchStream, DeviceType deviceType, nint communicator)
    {
        (_host, _device, _deadline, Nccl, Cuda, _torchStream, _deviceType, Communicator) = (host, device, deadline, nccl, cuda, torchStream, deviceType, communicator);
        Settle("ncclCommInitRankConfig");
        Stream = cuda.MakeStream();
        _ready = cuda.MakeEvent();
    }

    public override TransportKind Kind => TransportKind.Nccl;

    public override int Rank => _host.Rank;

    public override int Size => _host.Size;

    internal NcclLibrary Nccl { get; }

    internal CudaDriver Cuda { get; }

    internal nint Communicator { get; }

    internal nint Stream { get; }

    /// <summary>Joins the communicator of all ranks of <paramref name="host"/>. All of them call this.</summary>
    /// <param name="host">Where the ranks have met: shared memory, or MPI. It is this transport's from now on.</param>
    /// <param name="device">The GPU of this rank, by its number in libtorch.</param>
    /// <param name="options">Deadline.</param>
    /// <exception cref="TransportUnavailableException">There is no NCCL, or no driver of a GPU.</exception>
    public static NcclTransport Join(Transport host, int device, GroupOptions? options = null) =>
        Join(host, device, options ?? new GroupOptions(), NcclLibrary.Default, CudaDriver.Default, () => CudaStream.Current(device), DeviceType.CUDA);

    /// <summary>As above, with libraries and memory of a test's choice.</summary>
    internal static NcclTransport Join(Transport host, int device, GroupOptions options, NcclLibrary nccl, CudaDriver cuda, Func<nint> torchStream, DeviceType deviceType)
    {
        cuda.Use(device);
        using var bytes = zeros(NcclUniqueId.Bytes, ScalarType.Byte);
        TensorAccess.TryGetHostMemory(bytes, out var memory);
        ref var id = ref *(NcclUniqueId*)memory.Data;
        if (host.Rank == 0) nccl.Check(nccl.GetUniqueId((NcclUniqueId*)memory.Data), "ncclGetUniqueId");
        Meet(host, new Collective(CollectiveKind.Broadcast, 0, bytes, bytes, Peer: 0), options.Deadline);
        var config = NcclConfig.Nonblocking;
        nint communicator;
        nccl.Check(nccl.CommInitRankConfig(&communicator, host.Size, id, host.Rank, &config), "ncclCommInitRankConfig");
        return new NcclTransport(host, device, options.Deadline, nccl, cuda, torchStream, deviceType, communicator);
    }

    public override Tensor Allocate(long numElements, ScalarType dtype) => zeros(numElements, dtype, new Device(_deviceType, _deviceType == DeviceType.CPU ? -1 : _device));

    public override PendingCollective? Start(in Collective call)
    {
        ObjectDisposedException.ThrowIf(_left, this);
        Cuda.Use(_device);
        if (call.Kind == CollectiveKind.Barrier) return _host.Start(call);
        Refuse(call);
        var pending = new NcclCall(this, call, Arrive(call));
        _queued.Enqueue(pending);
        // Messages wait for others to be a group with.
        if (!pending.IsMessage) Advance();
        return pending;
    }

    public override Transport Split(IReadOnlyList<int> ranks, string name)
    {
        var host = _host.Split(ranks, name);
        Cuda.Use(_device);
        var config = NcclConfig.Nonblocking;
        nint part;
        Nccl.Check(Nccl.CommSplit(Communicator, ranks.Min(), host.Rank, &part, &config), "ncclCommSplit", Communicator);
        Settle("ncclCommSplit");
        return new NcclTransport(host, _device, _deadline, Nccl, Cuda, _torchStream, _deviceType, part);
    }

    public override string? DescribePeer(int rank) => _host.DescribePeer(rank);

    public override void Abort(string reason) => _host.Abort(reason);

    protected override void Dispose(bool disposing)
    {
        if (_left) return;
        _left = true;
        Cuda.Use(_device);
        // A communicator that has something under way would wait for it.
        if (_queued.Count > 0 || _issuing.Count > 0 || _aborted || !Cuda.IsOver(Last())) Nccl.CommAbort(Communicator);
        else
        {
            Nccl.Check(Nccl.CommFinalize(Communicator), "ncclCommFinalize", Communicator);
            Settle("ncclCommFinalize");
            Nccl.Check(Nccl.CommDestroy(Communicator), "ncclCommDestroy");
        }
        Cuda.DestroyEvent(_ready);
        Cuda.DestroyStream(Stream);
        _host.Dispose();

        nint Last()
        {
            Cuda.Record(_ready, Stream);
            return _ready;
        }
    }

    /// <summary>Gives NCCL the next calls, when it has put those before on the stream.</summary>
    internal void Advance()
    {
        while (true)
        {
            if (!IsSettled()) return;
            foreach (var call in _issuing) call.Issued();
            _issuing.Clear();
            if (!_queued.TryDequeue(out var next)) return;
            // What libtorch has been given so far makes the tensors' values.
            Cuda.Record(_ready, _torchStream());
            Cuda.Wait(Stream, _ready);
            _issuing.Add(next);
            if (!next.IsMessage)
            {
                next.Issue();
                continue;
            }
            Nccl.Check(Nccl.GroupStart(), "ncclGroupStart");
            next.Issue();
            while (_queued.TryPeek(out var other) && other.IsMessage)
            {
                _issuing.Add(_queued.Dequeue());
                other.Issue();
            }
            Nccl.Check(Nccl.GroupEnd(), "ncclGroupEnd", Communicator);
        }
    }

    /// <summary>The host's ranks meet for the call: a barrier, or a message of one byte where only two are in it.</summary>
    PendingCollective? Arrive(in Collective call)
    {
        if (call.Kind is not (CollectiveKind.Send or CollectiveKind.Receive)) return _host.Start(new Collective(CollectiveKind.Barrier, call.Sequence, null, null));
        var token = zeros(1, ScalarType.Byte).DetachFromDisposeScope();
        var (input, output) = call.Kind == CollectiveKind.Send ? (token, (Tensor?)null) : (null, token);
        var pending = _host.Start(new Collective(call.Kind, call.Sequence, input, output, Peer: call.Peer));
        if (pending is not null) return new Token(pending, token);
        token.Dispose();
        return null;
    }

    void Refuse(in Collective call)
    {
        var dtype = (call.Output ?? call.Input)!.dtype;
        if (call.Wire is { } wire && wire != dtype) throw new NotSupportedException($"NCCL reduces in the type that crosses, so {dtype} can't cross as {wire} and be summed in Float32: give it a buffer of {wire}, or no wire.");
        var reduces = call.Kind is CollectiveKind.AllReduce or CollectiveKind.ReduceScatter or CollectiveKind.Reduce;
        if (reduces && dtype == ScalarType.Int16) throw new NotSupportedException("NCCL does not reduce Int16: convert to Int32.");
        foreach (var tensor in (Tensor?[])[call.Input, call.Output])
            if (tensor is not null && tensor.device_type != _deviceType) throw new ArgumentException($"Nccl moves memory of GPUs, but a tensor is on {tensor.device}: move it to cuda:{_device}, or use another transport.");
    }

    /// <summary>Whether NCCL has done what it was told so far: put it on the stream, or made the communicator.</summary>
    bool IsSettled()
    {
        int state;
        Nccl.Check(Nccl.CommGetAsyncError(Communicator, &state), "ncclCommGetAsyncError", Communicator);
        if (state is NcclResult.Success or NcclResult.InProgress) return state == NcclResult.Success;
        _aborted = true;
        Nccl.Check(state, "NCCL", Communicator);
        throw new UnreachableException();
    }

    void Settle(string call)
    {
        for (var started = Stopwatch.GetTimestamp(); !IsSettled(); Thread.Yield())
            if (_deadline != Timeout.InfiniteTimeSpan && Stopwatch.GetElapsedTime(started) > _deadline)
            {
                _aborted = true;
                throw new CollectiveException($"{call} on rank {Rank} of {Size} met its deadline of {_deadline:c}: not all ranks came to it.");
            }
    }

    static void Meet(Transport host, in Collective call, TimeSpan deadline)
    {
        var pending = host.Start(call);
        for (var started = Stopwatch.GetTimestamp(); pending is not null && !pending.Poll(); pending.Pause(TimeSpan.FromMilliseconds(20)))
            if (deadline != Timeout.InfiniteTimeSpan && Stopwatch.GetElapsedTime(started) > deadline)
                throw new CollectiveTimeoutException($"The ranks of an NCCL communicator did not meet before the deadline of {deadline:c}: {string.Join(", ", pending.Missing())} did not come.") { Missing = pending.Missing() };
    }

    /// <summary>A message that owns its tensor.</summary>
    sealed class Token(PendingCollective message, Tensor token) : PendingCollective
    {
        public override bool Poll()
        {
            if (!message.Poll()) return false;
            token.Dispose();
            return true;
        }

        public override void Pause(TimeSpan atMost) => message.Pause(atMost);

        public override IReadOnlyList<int> Missing() => message.Missing();
    }
}
