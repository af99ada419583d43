using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>Ranks as threads that lay their calls on one table; whoever comes last does the work for all, with libtorch's operators.</summary>
sealed class MeetingTransport(MeetingTransport.Table table, int rank) : Transport
{
    public override TransportKind Kind => TransportKind.InProcess;

    public override int Rank => rank;

    public override int Size => table.Size;

    public override Tensor Allocate(long numElements, ScalarType dtype) => zeros(numElements, dtype).DetachFromDisposeScope();

    public override PendingCollective? Start(in Collective call) => table.Lay(rank, call);

    public override Transport Split(IReadOnlyList<int> ranks, string name) => new MeetingTransport(table.Part(name, ranks), ranks.ToList().IndexOf(rank));

    public override void Abort(string reason) => table.Abort(rank, reason);

    public override string? LastCalls(int rank) => table.LastCalls(rank);

    protected override void Dispose(bool disposing)
    {
    }

    /// <summary>What the threads share.</summary>
    internal sealed class Table(int size)
    {
        readonly object _gate = new();
        readonly Dictionary<string, Seat> _seats = new(StringComparer.Ordinal);
        readonly Dictionary<string, Table> _parts = new(StringComparer.Ordinal);
        readonly long[] _meetings = new long[size];
        readonly long[] _messages = new long[size * size * 2];
        readonly CallLog[] _logs = [.. Enumerable.Range(0, size).Select(_ => new CallLog(16))];
        RankFailureException? _failure;

        public int Size => size;

        public Table Part(string name, IReadOnlyList<int> ranks)
        {
            lock (_gate)
            {
                var key = $"{name}:{string.Join(",", ranks)}";
                if (!_parts.TryGetValue(key, out var part)) _parts.Add(key, part = new Table(ranks.Count));
                return part;
            }
        }

        public void Abort(int rank, string reason)
        {
            lock (_gate)
            {
                _failure ??= new RankFailureException(rank, reason);
                foreach (var part in _parts.Values) part.Abort(rank, reason);
                Monitor.PulseAll(_gate);
            }
        }

        public string LastCalls(int rank)
        {
            lock (_gate) return _logs[rank].Describe();
        }

        public PendingCollective? Lay(int rank, in Collective call)
        {
            lock (_gate)
            {
                if (_failure is not null) throw _failure;
                string key;
                int wanted;
                if (call.Kind is CollectiveKind.Send or CollectiveKind.Receive)
                {
                    var (from, to) = call.Kind == CollectiveKind.Send ? (rank, call.Peer) : (call.Peer, rank);
                    key = $"m{from}-{to}-{_messages[(((from * size) + to) * 2) + (call.Kind == CollectiveKind.Send ? 0 : 1)]++}";
                    wanted = 2;
                }
                else
                {
                    key = $"c{_meetings[rank]++}";
                    wanted = size;
                }
                if (!_seats.TryGetValue(key, out var seat)) _seats.Add(key, seat = new Seat(this));
                seat.Calls.Add(rank, call);
                seat.Tickets.Add(rank, _logs[rank].Started(call.Sequence, CallSignature.Of(call)));
                if (seat.Calls.Count < wanted) return seat;
                _seats.Remove(key);
                Execute(seat.Calls);
                foreach (var (member, ticket) in seat.Tickets) _logs[member].Completed(ticket);
                seat.IsDone = true;
                Monitor.PulseAll(_gate);
                return null;
            }
        }

        static void Execute(SortedDictionary<int, Collective> calls)
        {
            using var none = no_grad();
            using var scope = NewDisposeScope();
            var first = calls.Values.First();
            switch (first.Kind)
            {
                case CollectiveKind.AllReduce:
                case CollectiveKind.Reduce:
                    var reduced = Reduced(calls);
                    foreach (var (rank, call) in calls)
                        if (call.Peer < 0 || call.Peer == rank) call.Output!.copy_(reduced);
                    break;
                case CollectiveKind.ReduceScatter:
                    Divide(Reduced(calls), first.InputCounts, calls);
                    break;
                case CollectiveKind.Scatter:
                    Divide(calls[first.Peer].Input!.clone(), calls[first.Peer].InputCounts, calls);
                    break;
                case CollectiveKind.AllGather:
                case CollectiveKind.Gather:
                    var all = cat([.. calls.Values.Select(c => c.Input!)]);
                    foreach (var call in calls.Values) call.Output?.copy_(all);
                    break;
                case CollectiveKind.Broadcast:
                    foreach (var call in calls.Values) call.Output!.copy_(calls[first.Peer].Input!);
                    break;
                case CollectiveKind.AllToAll:
                    var parts = calls.Values.Select(c => Split(c.Input!, c.InputCounts, calls.Count)).ToList();
                    var index = 0;
                    foreach (var call in calls.Values)
                    {
                        call.Output!.copy_(cat([.. parts.Select(p => p[index])]));
                        index++;
                    }
                    break;
                case CollectiveKind.Send:
                case CollectiveKind.Receive:
                    calls.Values.First(c => c.Output is not null).Output!.copy_(calls.Values.First(c => c.Input is not null).Input!);
                    break;
            }
        }

        static Tensor Reduced(SortedDictionary<int, Collective> calls)
        {
            var first = calls.Values.First();
            var dtype = first.Input!.dtype;
            var wide = dtype is ScalarType.BFloat16 or ScalarType.Float16 || first.Wire is not null ? ScalarType.Float32 : dtype;
            var sum = Crossed(first).to(wide, copy: true);
            foreach (var call in calls.Values.Skip(1))
            {
                var other = Crossed(call).to(wide);
                sum = first.Op switch
                {
                    ReduceOp.Min => minimum(sum, other),
                    ReduceOp.Max => maximum(sum, other),
                    ReduceOp.Product => sum.mul(other),
                    _ => sum.add(other),
                };
            }
            if (first.Op == ReduceOp.Mean) sum = sum.mul(1.0 / calls.Count);
            return first.Wire is { } wire ? sum.to(wire).to(dtype) : sum.to(dtype);

            static Tensor Crossed(Collective call) => call.Wire is { } wire ? call.Input!.to(wire) : call.Input!;
        }

        static void Divide(Tensor whole, IReadOnlyList<long>? counts, SortedDictionary<int, Collective> calls)
        {
            var parts = Split(whole, counts, calls.Count);
            foreach (var (rank, call) in calls) call.Output!.copy_(parts[rank]);
        }

        static List<Tensor> Split(Tensor whole, IReadOnlyList<long>? counts, int size)
        {
            counts ??= [.. Enumerable.Repeat(whole.NumberOfElements / size, size)];
            var parts = new List<Tensor>();
            long offset = 0;
            foreach (var count in counts)
            {
                parts.Add(whole.narrow(0, offset, count));
                offset += count;
            }
            return parts;
        }

        sealed class Seat(Table table) : PendingCollective
        {
            public SortedDictionary<int, Collective> Calls { get; } = [];

            public Dictionary<int, long> Tickets { get; } = [];

            public bool IsDone { get; set; }

            public override bool Poll()
            {
                lock (table._gate)
                {
                    if (!IsDone && table._failure is { } failure) throw failure;
                    return IsDone;
                }
            }

            public override void Pause(TimeSpan atMost)
            {
                lock (table._gate)
                    if (!IsDone && table._failure is null) Monitor.Wait(table._gate, atMost);
            }

            public override IReadOnlyList<int> Missing()
            {
                lock (table._gate) return [.. Enumerable.Range(0, table.Size).Except(Calls.Keys)];
            }
        }
    }
}
