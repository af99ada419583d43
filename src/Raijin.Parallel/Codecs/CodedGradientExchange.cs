using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.Parallel;

// One hop, size N, n elements a slice; e is what is kept on this rank, all of it fp32:
//
//   e [N × n] += g      codes of e ──all-to-all──▶ codes of my slice from each rank      slice = Σ decoded / N, ranks in their order
//   e -= decoded                                                                           (all-reduce: e' [n] += that; codes of e' ──all-gather──▶ all decode the same)
//
// Two hops (`within` a node of L ranks, `across` H nodes; N = H · L): the all-to-all within brings the sums of a node, H slices, which are coded again with errors e' [H × n] and go across. What
// crosses between nodes is 1 / L of what one hop sends.
//
// Cost a step, bytes of the whole tensor: N × CodedBytes(n) all-to-all; all-reduce: as many again in the all-gather; two hops: H × CodedBytes(n) across. Wang et al. 2023, §3.3, arXiv:2306.10209;
// Tang et al. 2021, alg. 1, arXiv:2102.02888. Sums are taken in fp32 in the order of the ranks: the same bits in every run.

/// <summary>
/// Gradients cross as codes, and what the codes do not say is added to the next step's (error feedback): ZeRO++'s qgZ with a <see cref="BlockCodec"/> of 4 bits, 1-bit compression with a
/// <see cref="OneBitCodec"/>. The errors of a step whose gradients overflow start anew.
/// </summary>
sealed class CodedGradientExchange : GradientExchange
{
    readonly Group _group;
    readonly Group? _within;
    readonly Group? _across;
    readonly ValueCodec _codec;
    readonly Staging _staging;
    readonly Staging? _stagingAcross;
    readonly SortedDictionary<string, Tensor> _errors = new(StringComparer.Ordinal);

    /// <param name="group">The ranks whose gradients are averaged.</param>
    /// <param name="codec">How values are coded.</param>
    public CodedGradientExchange(Group group, ValueCodec codec)
    {
        _group = group;
        _codec = codec;
        _staging = new(group);
    }

    /// <summary>In two hops: within a node first.</summary>
    /// <param name="group">The ranks whose gradients are averaged: H · L, rank h · L + l.</param>
    /// <param name="codec">How values are coded, at both hops.</param>
    /// <param name="within">The L ranks with this one's h, in the order of l; nobody else's calls go through it.</param>
    /// <param name="across">The H ranks with this one's l, in the order of h; nobody else's either.</param>
    public CodedGradientExchange(Group group, ValueCodec codec, Group within, Group across) : this(group, codec)
    {
        ArgumentNullException.ThrowIfNull(within);
        ArgumentNullException.ThrowIfNull(across);
        if (within.Size * across.Size != group.Size || Enumerable.Range(0, across.Size).Any(h => group.GlobalRanks[(h * within.Size) + within.Rank] != across.GlobalRanks[h])
            || Enumerable.Range(0, within.Size).Any(l => group.GlobalRanks[(across.Rank * within.Size) + l] != within.GlobalRanks[l]))
            throw new ArgumentException(
                $"Groups {within.Name} of {within.Size} and {across.Name} of {across.Size} are no mesh of the {group.Size} ranks of {group.Name} in which rank h · {within.Size} + l stands in row h and column l.", nameof(within));
        (_within, _across, _stagingAcross) = (within, across, new(across));
    }

    /// <inheritdoc/>
    public override Group Group => _group;

    /// <inheritdoc/>
    public override IReadOnlyList<ExchangeCall> CallsToReduceScatter(Tensor gradients) =>
        _within is null
            ? [new(_group, CollectiveKind.AllToAll, BytesOf(gradients))]
            : [new(_within, CollectiveKind.AllToAll, BytesOf(gradients)), new(_across!, CollectiveKind.AllToAll, BytesOf(gradients) / _within.Size)];

    /// <inheritdoc/>
    public override IReadOnlyList<ExchangeCall> CallsToAllReduce(Tensor gradients) =>
        [new(_group, CollectiveKind.AllToAll, BytesOf(gradients)), new(_group, CollectiveKind.AllGather, BytesOf(gradients))];

    /// <inheritdoc/>
    public override void Progress()
    {
        base.Progress();
        _within?.Progress();
        _across?.Progress();
    }

    /// <inheritdoc/>
    public override PendingExchange ReduceScatter(string bucket, Tensor gradients, Tensor slice) =>
        _within is null ? OneHop(bucket, gradients, slice) : TwoHops(bucket, gradients, slice);

    /// <inheritdoc/>
    /// <remarks>One hop to the slices and one back, both coded, both with errors of their own.</remarks>
    public override PendingExchange AllReduce(string bucket, Tensor gradients)
    {
        var count = Share(gradients);
        var bytes = _codec.CodedBytes(count);
        var (sent, received, mine) = (_staging.Rent(bytes * _group.Size), _staging.Rent(bytes * _group.Size), _staging.Rent(bytes));
        Code(Errors($"{bucket}/worker", gradients.NumberOfElements), gradients, _group.Size, sent);
        return new StagedExchange(_group.AllToAllAsync(sent, received), [SendMean], Decode, () => Return(sent, received, mine));

        Work SendMean()
        {
            var errors = Errors($"{bucket}/server", count);
            AddAll(received, bytes, errors, count, 1f / _group.Size);
            Code(errors, null, 1, mine);
            return _group.AllGatherAsync(mine, sent);
        }

        void Decode()
        {
            using var wide = Wide(gradients);
            using (var coded = Staging.Open(sent))
            using (var values = Staging.Open(wide))
            {
                for (var rank = 0; rank < _group.Size; rank++)
                    _codec.Decode(coded.ByteSlice(rank * bytes, (int)bytes), values.Slice<float>(rank * count, (int)count), 1, add: false);
            }
            Narrow(wide, gradients);
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Key, Tensor Tensor)> SaveTensors() => [.. _errors.Select(e => (e.Key, e.Value))];

    /// <inheritdoc/>
    public override void LoadTensors(IReadOnlyDictionary<string, Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        using var none = no_grad();
        foreach (var (key, errors) in _errors)
            if (!tensors.ContainsKey(key)) errors.zero_();
        foreach (var (key, saved) in tensors)
        {
            if (_errors.TryGetValue(key, out var known) && known.NumberOfElements != saved.NumberOfElements)
                ShapeMismatchException.Throw(key, $"[{known.NumberOfElements}]", $"[{string.Join(", ", saved.shape)}]", "What a codec kept fits the world size and the buckets it was saved with.");
            Errors(key, saved.NumberOfElements).copy_(saved);
        }
    }

    /// <inheritdoc/>
    public override void Rescale(double factor)
    {
        using var none = no_grad();
        foreach (var errors in _errors.Values) errors.mul_(factor);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _staging.Dispose();
        _stagingAcross?.Dispose();
        foreach (var errors in _errors.Values) errors.Dispose();
        _errors.Clear();
    }

    long BytesOf(Tensor gradients) => _codec.CodedBytes(gradients.NumberOfElements / _group.Size) * _group.Size;

    StagedExchange OneHop(string bucket, Tensor gradients, Tensor slice)
    {
        var count = Share(gradients);
        var bytes = _codec.CodedBytes(count);
        var (sent, received) = (_staging.Rent(bytes * _group.Size), _staging.Rent(bytes * _group.Size));
        Code(Errors($"{bucket}/worker", gradients.NumberOfElements), gradients, _group.Size, sent);
        return new StagedExchange(_group.AllToAllAsync(sent, received), [], () => Mean(received, bytes, _group.Size, slice), () => Return(sent, received));
    }

    StagedExchange TwoHops(string bucket, Tensor gradients, Tensor slice)
    {
        var (within, across) = (_within!, _across!);
        var count = Share(gradients);
        var bytes = _codec.CodedBytes(count);
        var (sent, received) = (_staging.Rent(bytes * _group.Size), _staging.Rent(bytes * _group.Size));
        var (sentAcross, receivedAcross) = (_stagingAcross!.Rent(bytes * across.Size), _stagingAcross.Rent(bytes * across.Size));
        Code(Errors($"{bucket}/worker", gradients.NumberOfElements), gradients, _group.Size, received);
        // Coded in the order of the ranks h · L + l; to each l within goes its column, all h.
        using (var ordered = Staging.Open(received))
        using (var columns = Staging.Open(sent))
        {
            for (var h = 0; h < across.Size; h++)
                for (var l = 0; l < within.Size; l++)
                    ordered.ByteSlice(((h * within.Size) + l) * bytes, (int)bytes).CopyTo(columns.ByteSlice(((l * across.Size) + h) * bytes, (int)bytes));
        }
        // Each hop has a group of its own, whose calls stand in the order of the exchanges whenever they are begun.
        return new StagedExchange(within.AllToAllAsync(sent, received), [SendAcross], () => Mean(receivedAcross, bytes, across.Size, slice), () =>
        {
            Return(sent, received);
            _stagingAcross.Return(sentAcross);
            _stagingAcross.Return(receivedAcross);
        })
        { BeginsWhenPolled = true };

        Work SendAcross()
        {
            var errors = Errors($"{bucket}/node", count * across.Size);
            using (var coded = Staging.Open(received))
            using (var sums = Staging.Open(errors))
            {
                for (var l = 0; l < within.Size; l++)
                    for (var h = 0; h < across.Size; h++)
                        _codec.Decode(coded.ByteSlice(((l * across.Size) + h) * bytes, (int)bytes), sums.Slice<float>(h * count, (int)count), 1f / within.Size, add: true);
            }
            Code(errors, null, across.Size, sentAcross);
            return across.AllToAllAsync(sentAcross, receivedAcross);
        }
    }

    long Share(Tensor gradients)
    {
        if (gradients.NumberOfElements % _group.Size != 0)
            throw new ArgumentException($"{gradients.NumberOfElements} gradients are not divisible among {_group.Size} ranks of group {_group.Name}: pad the bucket.", nameof(gradients));
        return gradients.NumberOfElements / _group.Size;
    }

    // The errors take the values in, are coded, and what is left stays in them.
    void Code(Tensor errors, Tensor? values, int parts, Tensor coded)
    {
        using var none = no_grad();
        if (values is not null) errors.add_(values);
        using var left = Staging.Open(errors);
        using var to = Staging.Open(coded);
        _codec.EncodeKeepingErrors(left.Span<float>(), parts, to.Bytes);
    }

    void Mean(Tensor received, long bytes, int sources, Tensor slice)
    {
        using var wide = Wide(slice);
        using (var none = no_grad()) wide.zero_();
        AddAll(received, bytes, wide, slice.NumberOfElements, 1f / sources);
        Narrow(wide, slice);
    }

    // In the order of the sources.
    void AddAll(Tensor received, long bytes, Tensor sums, long count, float factor)
    {
        using var coded = Staging.Open(received);
        using var values = Staging.Open(sums);
        for (long source = 0; source * bytes < received.NumberOfElements; source++)
            _codec.Decode(coded.ByteSlice(source * bytes, (int)bytes), values.Slice<float>(0, (int)count), factor, add: true);
    }

    static Tensor Wide(Tensor tensor)
    {
        using var none = no_grad();
        return (tensor.dtype == ScalarType.Float32 ? tensor.alias() : zeros(tensor.NumberOfElements, ScalarType.Float32)).DetachFromDisposeScope();
    }

    static void Narrow(Tensor wide, Tensor tensor)
    {
        using var none = no_grad();
        if (tensor.dtype != ScalarType.Float32) tensor.copy_(wide);
    }

    Tensor Errors(string key, long count)
    {
        if (_errors.TryGetValue(key, out var errors)) return errors;
        using var none = no_grad();
        errors = zeros(count, ScalarType.Float32).DetachFromDisposeScope();
        _errors.Add(key, errors);
        return errors;
    }

    void Return(params ReadOnlySpan<Tensor> rented)
    {
        foreach (var tensor in rented) _staging.Return(tensor);
    }
}
