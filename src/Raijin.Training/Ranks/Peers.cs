using System.Diagnostics;
using System.Globalization;
using Raijin.Collectives;
using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>The ranks of a run as its loop meets them: sums of a few numbers, and text. A rank that is alone makes no call and no tensor.</summary>
/// <remarks>What waits here waits for all ranks, up to the group's deadline.</remarks>
sealed class Peers : IDisposable
{
    /// <summary>As many numbers as a step, an epoch or an evaluation has to say at once.</summary>
    const int MaxNumbers = 16;

    // Where small sums are taken, for the whole run: over shared memory it lies in the segment.
    readonly Tensor? _numbers;

    public Peers(World? world)
    {
        World = world;
        if (world is not { Size: > 1 }) return;
        // A tensor of inference mode could not be written outside it.
        using var plain = inference_mode(false);
        _numbers = world.Group.Allocate(MaxNumbers, ScalarType.Float64).DetachFromDisposeScope();
    }

    /// <summary>A rank without others.</summary>
    public static Peers None { get; } = new(null);

    public World? World { get; }

    public int Rank => World?.Rank ?? 0;

    public int Size => World?.Size ?? 1;

    public bool IsAlone => Size == 1;

    /// <summary>Whether this is the rank that writes and prints for all.</summary>
    public bool IsFirst => Rank == 0;

    Group Group => World!.Group;

    /// <summary>Adds numbers over all ranks, in place: one small all-reduce, exact for whole numbers.</summary>
    public void Sum(Span<double> numbers)
    {
        if (IsAlone) return;
        Debug.Assert(numbers.Length <= MaxNumbers);
        if (HostTensor.TryOpen(_numbers!, out var memory))
        {
            using (memory) Write(memory.Span<double>(), numbers);
            Group.AllReduce(_numbers!);
            if (HostTensor.TryOpen(_numbers!, out memory))
                using (memory) memory.Span<double>()[..numbers.Length].CopyTo(numbers);
            return;
        }
        using var scope = NewDisposeScope();
        var padded = new double[MaxNumbers];
        Write(padded, numbers);
        _numbers!.copy_(tensor(padded));
        Group.AllReduce(_numbers);
        _numbers.cpu().data<double>().ToArray().AsSpan(0, numbers.Length).CopyTo(numbers);

        static void Write(Span<double> all, ReadOnlySpan<double> numbers)
        {
            numbers.CopyTo(all);
            all[numbers.Length..].Clear();
        }
    }

    /// <summary>The mean of a number over all ranks.</summary>
    public double Mean(double number)
    {
        if (IsAlone) return number;
        Span<double> sum = [number];
        Sum(sum);
        return sum[0] / Size;
    }

    /// <summary>The least of all ranks' numbers; null where some rank has none.</summary>
    public long? Least(long? number)
    {
        var all = Gather(number?.ToString(CultureInfo.InvariantCulture) ?? "");
        return all.Contains("") ? null : all.Min(text => long.Parse(text, CultureInfo.InvariantCulture));
    }

    /// <summary>Whether any rank says so.</summary>
    public bool Any(bool wish)
    {
        if (IsAlone) return wish;
        Span<double> wishes = [wish ? 1 : 0];
        Sum(wishes);
        return wishes[0] > 0;
    }

    /// <summary>The text of the first rank, on all.</summary>
    public string OfFirst(string text) => IsAlone ? text : Group.BroadcastText(IsFirst ? text : null, 0);

    /// <summary>The texts of all ranks, in their order, on all.</summary>
    public IReadOnlyList<string> Gather(string text)
    {
        if (IsAlone) return [text];
        return Group.AllGatherText(text);
    }

    /// <summary>Makes sure that all ranks have the same, a fact a line: <c>trainer.seed = 3</c>.</summary>
    /// <exception cref="DisagreementException">They do not; lists what differs, and on which ranks.</exception>
    public void Agree(string subject, IEnumerable<string> lines)
    {
        if (!IsAlone) Group.AgreeOn(subject, string.Join('\n', lines));
    }

    /// <summary>What ranks hold of a tensor's first dim, one after another, on all; the parts may differ in length and be empty. The caller owns it.</summary>
    public Tensor Join(Tensor part)
    {
        using var scope = NewDisposeScope();
        var row = part.shape[1..];
        var width = row.Aggregate(1L, (product, size) => product * size);
        var lengths = Lengths(part.NumberOfElements);
        var all = AllGather(part.contiguous().reshape(-1), lengths);
        return all.reshape([lengths.Sum() / width, .. row]).MoveToOuterDisposeScope();
    }

    /// <summary>How metrics cross.</summary>
    public StateTransport States() => new(Rank, Size, (sum, cancellation) => Group.AllReduce(sum, cancellationToken: cancellation), (bytes, counts, _) => AllGather(bytes, counts));

    /// <summary>Gives every rank the first one's values, in place.</summary>
    public void TakeFirst(Tensor values)
    {
        if (IsAlone) return;
        using var none = no_grad();
        using var scope = NewDisposeScope();
        var flat = values.detach().contiguous().reshape(-1);
        Group.Broadcast(flat, 0);
        if (!values.is_contiguous()) values.copy_(flat.view_as(values));
    }

    /// <summary>Seeds everything random for this rank. Ranks as threads share one set of generators, which the first seeds for all.</summary>
    public void SeedRank(long seed)
    {
        if (!SharesGenerators) Seed.Everything(seed, Rank);
        else if (IsFirst) Seed.Everything(seed);
    }

    /// <summary>Whether ranks are threads, which draw from the same generators.</summary>
    public bool SharesGenerators => !IsAlone && Group.Transport == TransportKind.InProcess;

    /// <summary>Nobody goes on before all have come.</summary>
    public void Meet()
    {
        if (!IsAlone) Group.Barrier();
    }

    /// <summary>Tells the others that this rank gives up, so that nobody waits for it. An error that is itself the news of another rank's end is not passed on.</summary>
    public void GiveUp(Exception error)
    {
        if (IsAlone) return;
        // What is only tried may fail without an end to the process.
        if (!SharesGenerators && !World!.IsApart) RankProcess.Tell(error);
        if (error is not CollectiveException) Group.Abort($"{error.GetType().Name}: {error.Message}");
    }

    long[] Lengths(long own)
    {
        using var lengths = zeros(Size, ScalarType.Int64);
        lengths[Rank] = own;
        Group.AllReduce(lengths);
        return lengths.data<long>().ToArray();
    }

    Tensor AllGather(Tensor own, IReadOnlyList<long> lengths)
    {
        var all = empty(lengths.Sum(), own.dtype, own.device);
        Group.AllGather(own, all, lengths);
        return all;
    }

    public void Dispose() => _numbers?.Dispose();
}
