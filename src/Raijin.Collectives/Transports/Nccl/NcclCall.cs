using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>A call of a group over NCCL: first the host's ranks meet for it, then it runs on the group's stream, then an event says that it is over.</summary>
sealed unsafe class NcclCall : PendingCollective
{
    readonly NcclTransport _transport;
    readonly Collective _call;
    readonly ScalarType _dtype;
    readonly nint _input;
    readonly nint _output;
    readonly TensorHold _inputHold;
    readonly TensorHold _outputHold;
    readonly PendingCollective? _arrival;
    nint _event;
    bool _hasCome;

    /// <param name="transport">Whose.</param>
    /// <param name="call">What is done.</param>
    /// <param name="arrival">What the host's ranks do to meet for it; null when they have.</param>
    public NcclCall(NcclTransport transport, in Collective call, PendingCollective? arrival)
    {
        (_transport, _call, _arrival) = (transport, call, arrival);
        _hasCome = arrival is null;
        _dtype = (call.Output ?? call.Input)!.dtype;
        _input = call.Input is null ? 0 : TensorAccess.Address(call.Input);
        _output = call.Output is null ? 0 : TensorAccess.Address(call.Output);
        _inputHold = TensorHold.Take(call.Input);
        _outputHold = TensorHold.Take(ReferenceEquals(call.Output, call.Input) ? null : call.Output);
    }

    public bool IsMessage => _call.Kind is CollectiveKind.Send or CollectiveKind.Receive;

    public override bool Poll()
    {
        // The other ranks' failures come this way.
        _hasCome = _hasCome || _arrival!.Poll();
        _transport.Advance();
        if (_event == 0 || !_hasCome || !_transport.Cuda.IsOver(_event)) return false;
        _transport.Cuda.DestroyEvent(_event);
        _inputHold.Release();
        _outputHold.Release();
        return true;
    }

    public override void Pause(TimeSpan atMost)
    {
        if (!_hasCome) _arrival!.Pause(atMost);
        else Thread.Yield();
    }

    public override IReadOnlyList<int> Missing() => _hasCome ? [] : _arrival!.Missing();

    /// <summary>What it makes of the stream; given a moment after <see cref="Issue"/>, when NCCL has put it there.</summary>
    public void Issued()
    {
        _event = _transport.Cuda.MakeEvent();
        _transport.Cuda.Record(_event, _transport.Stream);
    }

    /// <summary>Gives it to NCCL.</summary>
    public void Issue()
    {
        var (nccl, communicator, stream) = (_transport.Nccl, _transport.Communicator, _transport.Stream);
        var (size, rank, peer) = (_transport.Size, _transport.Rank, _call.Peer);
        var (type, times) = NcclLibrary.TypeOf(_dtype);
        var op = NcclLibrary.OperationOf(_call.Op, _dtype);
        switch (_call.Kind)
        {
            case CollectiveKind.AllReduce:
                Check(nccl.AllReduce(_input, _output, Count(_call.Input!), type, op, communicator, stream));
                break;
            case CollectiveKind.Reduce:
                Check(nccl.Reduce(_input, _output, Count(_call.Input!), type, op, peer, communicator, stream));
                break;
            case CollectiveKind.ReduceScatter when _call.InputCounts is null:
                Check(nccl.ReduceScatter(_input, _output, Count(_call.Output!), type, op, communicator, stream));
                break;
            case CollectiveKind.ReduceScatter:
                Together(r => nccl.Reduce(At(_input, _call.InputCounts, r), _output, Of(_call.InputCounts, r), type, op, r, communicator, stream));
                break;
            case CollectiveKind.AllGather when _call.OutputCounts is null:
                Check(nccl.AllGather(_input, _output, Count(_call.Input!), type, communicator, stream));
                break;
            case CollectiveKind.AllGather:
                Together(r => nccl.Broadcast(r == rank ? _input : At(_output, _call.OutputCounts, r), At(_output, _call.OutputCounts, r), Of(_call.OutputCounts, r), type, r, communicator, stream));
                break;
            case CollectiveKind.Broadcast:
                Check(nccl.Broadcast(_input, _output, Count(_call.Output!), type, peer, communicator, stream));
                break;
            case CollectiveKind.Gather:
                Together(r => peer == rank ? nccl.Receive(At(_output, Even(_call.OutputCounts, _call.Output), r), Of(Even(_call.OutputCounts, _call.Output), r), type, r, communicator, stream) : 0,
                    () => nccl.Send(_input, Count(_call.Input!), type, peer, communicator, stream));
                break;
            case CollectiveKind.Scatter:
                Together(r => peer == rank ? nccl.Send(At(_input, Even(_call.InputCounts, _call.Input), r), Of(Even(_call.InputCounts, _call.Input), r), type, r, communicator, stream) : 0,
                    () => nccl.Receive(_output, Count(_call.Output!), type, peer, communicator, stream));
                break;
            case CollectiveKind.AllToAll:
                var (sent, received) = (Even(_call.InputCounts, _call.Input), Even(_call.OutputCounts, _call.Output));
                Check(nccl.GroupStart());
                for (var r = 0; r < size; r++)
                {
                    Check(nccl.Send(At(_input, sent, r), Of(sent, r), type, r, communicator, stream));
                    Check(nccl.Receive(At(_output, received, r), Of(received, r), type, r, communicator, stream));
                }
                Check(nccl.GroupEnd());
                break;
            case CollectiveKind.Send:
                Check(nccl.Send(_input, Count(_call.Input!), type, peer, communicator, stream));
                break;
            default:
                Check(nccl.Receive(_output, Count(_call.Output!), type, peer, communicator, stream));
                break;
        }

        nuint Count(Tensor tensor) => (nuint)(tensor.NumberOfElements * times);

        nuint Of(IReadOnlyList<long> counts, int r) => (nuint)(counts[r] * times);

        nint At(nint whole, IReadOnlyList<long> counts, int r)
        {
            long start = 0;
            for (var i = 0; i < r; i++) start += counts[i];
            return whole + (nint)(start * MpiAbi.ElementBytes(_dtype));
        }

        IReadOnlyList<long> Even(IReadOnlyList<long>? counts, Tensor? whole) => counts ?? [.. Enumerable.Repeat((whole?.NumberOfElements ?? 0) / size, size)];

        void Together(Func<int, int> each, Func<int>? own = null)
        {
            Check(nccl.GroupStart());
            if (own is not null) Check(own());
            for (var r = 0; r < size; r++) Check(each(r));
            Check(nccl.GroupEnd());
        }
    }

    void Check(int result)
    {
        if (result is not (NcclResult.Success or NcclResult.InProgress)) _transport.Nccl.Check(result, $"{_call.Kind} {_call.Sequence}", _transport.Communicator);
    }
}
