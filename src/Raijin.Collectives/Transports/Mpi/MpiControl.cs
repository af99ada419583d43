using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Raijin.Collectives;

/// <summary>
/// What ranks tell each other besides their collectives, over a communicator of its own: that one gives up, and, when a deadline is met, who has come how far. Whoever waits for a call listens.
/// </summary>
/// <remarks>A message is [kind: 4][inquiry: 4][rank in the group: 4][length of path: 4][calls begun: 8][path][reason, or last calls]. It is small enough to be sent without the other side's doing.</remarks>
sealed unsafe class MpiControl(MpiRuntime runtime, nint communicator)
{
    const int LongestText = 3000;
    const int Header = 24;
    const int StatusBytes = 64;
    const int Tag = 1;

    static readonly TimeSpan SendPatience = TimeSpan.FromSeconds(1);

    readonly List<Outgoing> _outgoing = [];
    byte[] _incoming = [];
    Inquiry? _inquiry;
    int _inquiries;

    enum Kind
    {
        GivesUp = 1,
        HowFar = 2,
        SoFar = 3,
    }

    /// <summary>Reads what came, and answers. Under the gate.</summary>
    public void Poll()
    {
        var library = runtime.Library;
        var status = stackalloc byte[StatusBytes];
        // A probe that finds nothing takes in what has arrived meanwhile; only the next one sees it.
        for (var again = true; ;)
        {
            int there, length;
            library.Check(library.Iprobe(library.Abi.AnySource, Tag, communicator, &there, status), "MPI_Iprobe");
            if (there == 0)
            {
                if (!again) break;
                again = false;
                continue;
            }
            var source = *(int*)(status + library.Abi.StatusSource);
            library.Check(library.GetCount(status, library.Abi.Words.One, &length), "MPI_Get_count");
            if (_incoming.Length < length) _incoming = new byte[length];
            fixed (byte* buffer = _incoming) library.Check(library.Receive(buffer, length, library.Abi.Words.One, source, Tag, communicator, library.Abi.StatusIgnore), "MPI_Recv");
            Handle(source, _incoming.AsSpan(0, length));
        }
        if (_outgoing.Count > 0) Push();
    }

    /// <summary>Tells the other members that this rank gives up, and waits a moment for the message to be on its way. Never throws; not under the gate.</summary>
    public void GiveUp(MpiTransport transport, string reason)
    {
        if (reason.Length > LongestText) reason = reason[..LongestText] + " …";
        lock (runtime.Gate)
        {
            if (runtime.IsOver) return;
            foreach (var rank in transport.WorldRanks)
                if (rank != runtime.Rank) Send(Kind.GivesUp, rank, 0, transport, reason);
        }
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            lock (runtime.Gate)
            {
                Push();
                if (_outgoing.Count == 0) return;
            }
            if (Stopwatch.GetElapsedTime(started) > SendPatience) return;
            MpiRuntime.Nap(50);
        }
    }

    /// <summary>Asks the other members how far they are, and waits a moment for answers. A rank that computes does not answer. Not under the gate.</summary>
    public MpiAnswer?[] Ask(MpiTransport transport, TimeSpan patience)
    {
        Inquiry inquiry;
        lock (runtime.Gate)
        {
            _inquiry = inquiry = new Inquiry(++_inquiries, transport.Path, new MpiAnswer?[transport.Size]);
            inquiry.Answers[transport.Rank] = new MpiAnswer(transport.Begun, transport.DescribePeer(transport.Rank));
            foreach (var rank in transport.WorldRanks)
                if (rank != runtime.Rank) Send(Kind.HowFar, rank, inquiry.Number, transport);
        }
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            lock (runtime.Gate)
            {
                Poll();
                if (Array.TrueForAll(inquiry.Answers, a => a is not null) || Stopwatch.GetElapsedTime(started) > patience)
                {
                    _inquiry = null;
                    return inquiry.Answers;
                }
            }
            MpiRuntime.Nap(200);
        }
    }

    void Handle(int source, ReadOnlySpan<byte> message)
    {
        var (kind, inquiry, rank, begun) = ((Kind)Int(message, 0), Int(message, 4), Int(message, 8), BinaryPrimitives.ReadInt64LittleEndian(message[16..]));
        var pathEnd = Header + Int(message, 12);
        var (path, text) = (Encoding.UTF8.GetString(message[Header..pathEnd]), Encoding.UTF8.GetString(message[pathEnd..]));
        switch (kind)
        {
            case Kind.GivesUp:
                if (_inquiry is { } asked && asked.Path == path) asked.Answers[rank] = new MpiAnswer(begun, null);
                runtime.Fail(new MpiFailure(path, rank, text));
                break;
            case Kind.HowFar:
                if (runtime.Find(path) is { } transport) Send(Kind.SoFar, source, inquiry, transport, transport.DescribePeer(transport.Rank));
                break;
            default:
                if (_inquiry is { } own && own.Number == inquiry) own.Answers[rank] = new MpiAnswer(begun, text);
                break;
        }

        static int Int(ReadOnlySpan<byte> message, int offset) => BinaryPrimitives.ReadInt32LittleEndian(message[offset..]);
    }

    void Send(Kind kind, int to, int inquiry, MpiTransport transport, string? text = null)
    {
        var (path, reason) = (Encoding.UTF8.GetBytes(transport.Path), Encoding.UTF8.GetBytes(text ?? ""));
        var length = Header + path.Length + reason.Length;
        var memory = (byte*)NativeMemory.Alloc((nuint)length);
        var message = new Span<byte>(memory, length);
        BinaryPrimitives.WriteInt32LittleEndian(message, (int)kind);
        BinaryPrimitives.WriteInt32LittleEndian(message[4..], inquiry);
        BinaryPrimitives.WriteInt32LittleEndian(message[8..], transport.Rank);
        BinaryPrimitives.WriteInt32LittleEndian(message[12..], path.Length);
        BinaryPrimitives.WriteInt64LittleEndian(message[16..], transport.Begun);
        path.CopyTo(message[Header..]);
        reason.CopyTo(message[(Header + path.Length)..]);
        nint request;
        // A message that can't be sent is no reason to fail: whom it does not reach has its deadline.
        if (runtime.Library.Isend((nint)memory, length, runtime.Library.Abi.Words.One, to, Tag, communicator, &request) == 0) _outgoing.Add(new Outgoing(request, (nint)memory));
        else NativeMemory.Free(memory);
    }

    void Push()
    {
        for (var i = _outgoing.Count - 1; i >= 0; i--)
        {
            var request = _outgoing[i].Request;
            int done;
            if (runtime.Library.Test(&request, &done, runtime.Library.Abi.StatusIgnore) == 0 && done == 0) continue;
            NativeMemory.Free((void*)_outgoing[i].Memory);
            _outgoing.RemoveAt(i);
        }
    }

    readonly record struct Outgoing(nint Request, nint Memory);

    sealed record Inquiry(int Number, string Path, MpiAnswer?[] Answers);
}

/// <summary>How far a rank is in a group.</summary>
/// <param name="Begun">How many collectives it has begun.</param>
/// <param name="LastCalls">Its last calls, a line each; null where it did not say.</param>
sealed record MpiAnswer(long Begun, string? LastCalls);
