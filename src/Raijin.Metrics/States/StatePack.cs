// All states of a metric as ONE float64 vector, so that one all-reduce(sum) carries every reduction, whatever the number of states:
//
//   header   4 numbers that show whether all ranks declare the same states; updates of each part
//   Sum      the values; integers as two numbers, high and low 32 bits, so that sums over 2^53 stay exact
//   Mean     the values times the updates they hold
//   Min, Max, Custom, lengths of Concatenate: one slot a rank, zeros in the others', so that the sum is the list of all ranks' values
//
// States that concatenate follow in one gather of bytes, whose lengths the all-reduce brought. Bytes a rank: 8 a summed value, 8 · world size a listed one.
// W ranks, n numbers of a state

using System.Diagnostics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>The states of a metric as what two collectives carry.</summary>
sealed class StatePack(IReadOnlyList<MetricPart> parts, StateTransport transport)
{
    const int SignatureNumbers = 4;
    const long LowBits = 0xFFFF_FFFF;

    int World => transport.WorldSize;

    IEnumerable<(MetricStates Part, MetricState State)> States => parts.SelectMany(p => p.States.Select(s => (p.States, s)));

    /// <summary>The values of all ranks as one, and the updates they hold. Runs in the caller's scope.</summary>
    public (List<Tensor> Values, long[] Updates) Reduce(CancellationToken cancellation)
    {
        var packed = Pack();
        transport.AllReduceSum(packed, cancellation);

        var header = packed.narrow(0, 0, SignatureNumbers + parts.Count).cpu().data<double>().ToArray();
        ThrowIfDifferent(header);
        var updates = header[SignatureNumbers..].Select(u => (long)u).ToArray();
        var values = new List<Tensor>();
        long at = header.Length;
        var lengths = new List<long[]>();
        foreach (var (part, state) in States)
        {
            var width = Width(state);
            var numbers = packed.narrow(0, at, width);
            at += width;
            if (state.Reduction == Reduction.Concatenate)
            {
                lengths.Add([.. numbers.cpu().data<double>().ToArray().Select(n => (long)n)]);
                values.Add(state.Value);
                continue;
            }
            values.Add(Unpack(state, numbers, updates[IndexOf(part)], part.Updates));
        }
        if (lengths.Count > 0) Gather(values, lengths, cancellation);
        return (values, updates);
    }

    int IndexOf(MetricStates part)
    {
        for (var i = 0; i < parts.Count; i++)
            if (ReferenceEquals(parts[i].States, part)) return i;
        throw new UnreachableException();
    }

    Tensor Pack()
    {
        var device = States.First().State.Value.device;
        var (low, high) = Signature();
        double[] header = [low, (double)low * low, high, (double)high * high, .. parts.Select(p => (double)p.States.Updates)];
        var numbers = new List<Tensor> { tensor(header, device: device) };
        foreach (var (part, state) in States) numbers.Add(Pack(part, state).to(device));
        return cat(numbers);
    }

    long Width(MetricState state) => state.Reduction switch
    {
        Reduction.Sum => state.Value.NumberOfElements * (IsInteger(state) ? 2 : 1),
        Reduction.Mean => state.Value.NumberOfElements,
        Reduction.Concatenate => World,
        _ => World * state.Value.NumberOfElements * (IsInteger(state) ? 2 : 1),
    };

    Tensor Pack(MetricStates part, MetricState state) => state.Reduction switch
    {
        Reduction.Sum => Numbers(state),
        Reduction.Mean => Numbers(state) * part.Updates,
        Reduction.Concatenate => Listed(tensor(new[] { (double)Bytes(state) }, device: state.Value.device)),
        _ => Listed(Numbers(state)),
    };

    // [n] or, of integers, [2n]: high halves, then low ones.
    static Tensor Numbers(MetricState state)
    {
        var flat = state.Value.reshape(-1);
        if (!IsInteger(state)) return flat.to(ScalarType.Float64);
        var whole = flat.to(ScalarType.Int64);
        return cat([whole.bitwise_right_shift(tensor(32L, device: whole.device)), whole.bitwise_and(tensor(LowBits, device: whole.device))]).to(ScalarType.Float64);
    }

    // [W · n]: this rank's numbers in its slot.
    Tensor Listed(Tensor numbers)
    {
        var all = zeros([World, numbers.NumberOfElements], ScalarType.Float64, numbers.device);
        all[transport.Rank].copy_(numbers);
        return all.reshape(-1);
    }

    Tensor Unpack(MetricState state, Tensor numbers, long updates, long own)
    {
        switch (state.Reduction)
        {
            case Reduction.Sum:
                return Value(state, numbers);
            case Reduction.Mean:
                return updates == 0 ? state.Value.clone() : Value(state, numbers / updates);
            default:
                var ranks = numbers.reshape(World, -1);
                var folded = Value(state, ranks[0]);
                // In the order of the ranks, so that all of them get the same bits.
                for (var rank = 1; rank < World; rank++) folded = state.Combine(folded, Value(state, ranks[rank]), own, own);
                return folded;
        }
    }

    static Tensor Value(MetricState state, Tensor numbers)
    {
        var shape = state.Value.shape;
        var device = state.Value.device;
        if (!IsInteger(state)) return numbers.to(state.DType).to(device).reshape(shape);
        var halves = numbers.to(ScalarType.Int64).reshape(2, -1);
        return (halves[0] * (LowBits + 1) + halves[1]).to(state.DType).to(device).reshape(shape);
    }

    void Gather(List<Tensor> values, List<long[]> lengths, CancellationToken cancellation)
    {
        var joined = States.Select(s => s.State).Where(s => s.Reduction == Reduction.Concatenate).ToList();
        var mine = cat([.. joined.Select(s => Aten.ViewAs(s.Value.reshape(-1), ScalarType.Byte))]);
        var perRank = Enumerable.Range(0, World).Select(rank => lengths.Sum(l => l[rank])).ToList();
        using var all = transport.AllGather(mine, perRank, cancellation);

        var pieces = joined.ConvertAll(_ => new List<Tensor>());
        long at = 0;
        for (var rank = 0; rank < World; rank++)
            for (var i = 0; i < joined.Count; i++)
            {
                // A copy, because a view as wider elements must begin at a multiple of their size.
                pieces[i].Add(all.narrow(0, at, lengths[i][rank]).clone());
                at += lengths[i][rank];
            }
        var next = 0;
        foreach (var (index, (_, state)) in States.Index())
        {
            if (state.Reduction != Reduction.Concatenate) continue;
            var shape = state.Value.shape;
            shape[0] = -1;
            values[index] = cat(pieces[next].ConvertAll(p => Aten.ViewAs(p, state.DType))).reshape(Rows(shape, state, lengths[next]));
            next++;
        }
    }

    static long[] Rows(long[] shape, MetricState state, long[] lengths)
    {
        var row = shape.Skip(1).Aggregate((long)state.Value.ElementSize, (product, size) => product * size);
        shape[0] = lengths.Sum() / row;
        return shape;
    }

    static long Bytes(MetricState state) => state.Value.NumberOfElements * state.Value.ElementSize;

    static bool IsInteger(MetricState state) => state.DType is ScalarType.Int64 or ScalarType.Int32 or ScalarType.Int16 or ScalarType.Int8 or ScalarType.Byte or ScalarType.Bool;

    // 16 bits each, so that the sums of their squares over a thousand ranks stay exact.
    (ushort Low, ushort High) Signature()
    {
        var hash = 2166136261u;
        foreach (var part in parts)
        {
            Mix($"{part.Path}:{part.States.Kind?.GetType().Name}/");
            foreach (var state in part.States)
            {
                var sizes = state.Reduction == Reduction.Concatenate ? state.Value.shape.Skip(1) : state.Value.shape;
                Mix($"{state.Name}:{state.Reduction}:{state.DType}:{string.Join(",", sizes)};");
            }
        }
        return ((ushort)hash, (ushort)(hash >> 16));

        void Mix(string text)
        {
            foreach (var c in text) hash = (hash ^ c) * 16777619u;
        }
    }

    // N Σh² = (Σh)² holds exactly where all h are equal.
    void ThrowIfDifferent(double[] header)
    {
        if (World * header[1] == header[0] * header[0] && World * header[3] == header[2] * header[2]) return;
        throw new InvalidOperationException(
            $"Rank {transport.Rank} synchronizes {parts.Count} sets of states ({string.Join(", ", States.Select(s => s.State.Name).Take(8))}), and another rank others: build the same metrics, in the same order, on every rank.");
    }
}
