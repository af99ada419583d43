namespace Raijin.Collectives;

/// <summary>A call that only moves values: one of MPI's nonblocking calls, or several where it counts further than MPI can.</summary>
sealed unsafe class MpiMove : MpiCall
{
    /// <summary>MPI counts elements in 32 bits.</summary>
    const long LongestPiece = 1 << 30;

    const int MessageTag = 2;

    readonly List<nint> _requests = [];
    readonly MpiParts? _inputParts;
    readonly MpiParts? _outputParts;
    int _complete;

    public MpiMove(MpiTransport transport, in Collective call, long number) : base(transport, call, number)
    {
        var kind = call.Kind;
        if (kind is CollectiveKind.Scatter or CollectiveKind.AllToAll && call.Input is { } input) _inputParts = MpiParts.Of(kind, call.InputCounts, input.NumberOfElements, transport.Size);
        if (kind is CollectiveKind.Gather or CollectiveKind.AllGather or CollectiveKind.AllToAll && call.Output is { } output) _outputParts = MpiParts.Of(kind, call.OutputCounts, output.NumberOfElements, transport.Size);
    }

    public override void Release()
    {
        base.Release();
        _inputParts?.Dispose();
        _outputParts?.Dispose();
    }

    protected override void Issue()
    {
        var (call, communicator, word, inPlace) = (Call, Transport.Communicator, Library.Abi.Word(DType), Library.Abi.InPlace);
        nint request;
        switch (call.Kind)
        {
            case CollectiveKind.Barrier:
                Add(Library.Ibarrier(communicator, &request), request);
                break;
            case CollectiveKind.Broadcast:
                foreach (var (address, count) in Pieces(Output, call.Output!.NumberOfElements)) Add(Library.Ibroadcast(address, count, word, call.Peer, communicator, &request), request);
                break;
            case CollectiveKind.Send:
                foreach (var (address, count) in Pieces(Input, call.Input!.NumberOfElements)) Add(Library.Isend(address, count, word, call.Peer, MessageTag, communicator, &request), request);
                break;
            case CollectiveKind.Receive:
                foreach (var (address, count) in Pieces(Output, call.Output!.NumberOfElements)) Add(Library.Ireceive(address, count, word, call.Peer, MessageTag, communicator, &request), request);
                break;
            case CollectiveKind.AllGather:
                var all = _outputParts!;
                Add(Library.Iallgatherv(IsPart(Input, Output, all) ? inPlace : Input, all.Counts[Transport.Rank], word, Output, all.Counts, all.Offsets, word, communicator, &request), request);
                break;
            case CollectiveKind.Gather:
                var gathered = _outputParts;
                Add(Library.Igatherv(gathered is not null && IsPart(Input, Output, gathered) ? inPlace : Input, (int)call.Input!.NumberOfElements, word, Output,
                    gathered is null ? null : gathered.Counts, gathered is null ? null : gathered.Offsets, word, call.Peer, communicator, &request), request);
                break;
            case CollectiveKind.Scatter:
                var scattered = _inputParts;
                Add(Library.Iscatterv(Input, scattered is null ? null : scattered.Counts, scattered is null ? null : scattered.Offsets, word,
                    scattered is not null && IsPart(Output, Input, scattered) ? inPlace : Output, (int)call.Output!.NumberOfElements, word, call.Peer, communicator, &request), request);
                break;
            default:
                Add(Library.Ialltoallv(Input, _inputParts!.Counts, _inputParts.Offsets, word, Output, _outputParts!.Counts, _outputParts.Offsets, word, communicator, &request), request);
                break;
        }
    }

    protected override bool Advance()
    {
        for (; _complete < _requests.Count; _complete++)
        {
            var request = _requests[_complete];
            if (!IsComplete(ref request)) return false;
        }
        return true;
    }

    /// <summary>Whether this rank's part lies at its place in the whole already.</summary>
    bool IsPart(nint part, nint whole, MpiParts parts) => part == whole + ((nint)parts.Offsets[Transport.Rank] * MpiAbi.ElementBytes(DType)) && parts.Counts[Transport.Rank] > 0;

    IEnumerable<(nint Address, int Count)> Pieces(nint address, long numElements)
    {
        var bytes = MpiAbi.ElementBytes(DType);
        long start = 0;
        // Nothing is a piece too: a message without elements is received all the same.
        do
        {
            yield return (address + (nint)(start * bytes), (int)Math.Min(LongestPiece, numElements - start));
            start += LongestPiece;
        }
        while (start < numElements);
    }

    void Add(int code, nint request)
    {
        Check(code);
        _requests.Add(request);
    }
}
