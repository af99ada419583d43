using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>A call of a group over MPI. It holds its tensors' memory until MPI is done with it, whatever their owner does. All but the three waiting members run under the gate.</summary>
abstract unsafe class MpiCall : PendingCollective
{
    protected readonly Collective Call;

    TensorHold _input;
    TensorHold _output;
    long _ticket;

    protected MpiCall(MpiTransport transport, in Collective call, long number)
    {
        Transport = transport;
        Call = call;
        Number = number;
        Input = Address(call.Input);
        Output = Address(call.Output);
        DType = (call.Output ?? call.Input)?.dtype ?? ScalarType.Byte;
    }

    /// <summary>Which of its group's collectives it is.</summary>
    public long Number { get; }

    /// <summary>Whom a message goes to or comes from; null for a collective.</summary>
    public int? Peer => Call.Kind is CollectiveKind.Send or CollectiveKind.Receive ? Call.Peer : null;

    /// <summary>Whether MPI knows of it.</summary>
    public bool IsBegun { get; private set; }

    public bool IsDone { get; private set; }

    protected MpiTransport Transport { get; }

    protected MpiLibrary Library => Transport.Runtime.Library;

    /// <summary>The type of the tensors.</summary>
    protected ScalarType DType { get; }

    /// <summary>Where the input begins; 0 for none.</summary>
    protected nint Input { get; }

    protected nint Output { get; }

    public static MpiCall Of(MpiTransport transport, in Collective call, long number) => call.Kind switch
    {
        CollectiveKind.AllReduce or CollectiveKind.ReduceScatter or CollectiveKind.Reduce => new MpiReduction(transport, call, number),
        _ => new MpiMove(transport, call, number),
    };

    /// <summary>Takes hold of its tensors' memory.</summary>
    /// <param name="ticket">Its place in the log.</param>
    public void Hold(long ticket)
    {
        _ticket = ticket;
        _input = TensorHold.Take(Call.Input);
        _output = TensorHold.Take(ReferenceEquals(Call.Output, Call.Input) ? null : Call.Output);
    }

    /// <summary>Hands it to MPI, or goes on with it.</summary>
    /// <returns>Whether it is complete.</returns>
    public bool Go()
    {
        if (!IsBegun)
        {
            IsBegun = true;
            Issue();
        }
        if (!Advance()) return false;
        IsDone = true;
        Release();
        Transport.Completed(_ticket);
        Transport.Moved();
        return true;
    }

    /// <summary>Lets go of its tensors' memory. Once.</summary>
    public virtual void Release()
    {
        _input.Release();
        _output.Release();
    }

    public sealed override bool Poll() => Transport.Poll(this);

    public sealed override void Pause(TimeSpan atMost) => Transport.Pause(atMost);

    public sealed override IReadOnlyList<int> Missing() => Transport.Missing(this);

    protected abstract void Issue();

    protected abstract bool Advance();

    /// <summary>Whether a request is complete; it is null from then on.</summary>
    protected bool IsComplete(ref nint request)
    {
        int done, code;
        fixed (nint* handle = &request) code = Library.Test(handle, &done, Library.Abi.StatusIgnore);
        Check(code);
        return done != 0;
    }

    protected void Check(int code)
    {
        if (code != 0) Library.Check(code, $"{Call.Kind} {Call.Sequence}");
    }

    static nint Address(Tensor? tensor)
    {
        if (tensor is null) return 0;
        return TensorAccess.TryGetHostMemory(tensor, out var memory)
            ? memory.Data
            : throw new ArgumentException($"Mpi moves memory of the host, but a tensor is on {tensor.device}: copy it there, or use Nccl.");
    }
}
