using System.Diagnostics;
using System.Text;
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

    /// <summary>Whether any rank says so.</summary>
    public bool Any(bool wish)
    {
        if (IsAlone) return wish;
        Span<double> wishes = [wish ? 1 : 0];
        Sum(wishes);
        return wishes[0] > 0;
    }

    /// <summary>The text of the first rank, on all.</summary>
    public string OfFirst(string text) => IsAlone ? text : Gather(IsFirst ? text : "")[0];

    /// <summary>The texts of all ranks, in their order, on all.</summary>
    public IReadOnlyList<string> Gather(string text)
    {
        if (IsAlone) return [text];
        using var scope = NewDisposeScope();
        var own = Encoding.UTF8.GetBytes(text);
        var lengths = Lengths(own.Length);
        using var all = AllGather(own.Length == 0 ? zeros(0, ScalarType.Byte) : tensor(own), lengths);
        var bytes = all.cpu().data<byte>().ToArray();
        var texts = new string[Size];
        for (var (rank, at) = (0, 0L); rank < Size; at += lengths[rank++]) texts[rank] = Encoding.UTF8.GetString(bytes, (int)at, (int)lengths[rank]);
        return texts;
    }

    /// <summary>Checks that all ranks say the same, a line a thing: <c>trainer.seed = 3</c>.</summary>
    /// <exception cref="InvalidOptionsException">They do not; lists what differs, and on which ranks.</exception>
    public void Agree(IEnumerable<string> lines)
    {
        if (IsAlone) return;
        var all = Gather(string.Join('\n', lines)).Select(text => text.Split('\n')).ToList();
        var first = all[0].ToHashSet(StringComparer.Ordinal);
        var faults = new List<OptionFault>();
        for (var rank = 1; rank < Size; rank++)
        {
            var here = all[rank].ToHashSet(StringComparer.Ordinal);
            foreach (var line in all[0].Where(l => !here.Contains(l))) faults.Add(new(NameOf(line), $"{ValueOf(line)} on rank 0, but {Other(all[rank], line)} on rank {rank}: run the same program with the same options on every rank"));
            foreach (var line in all[rank].Where(l => !first.Contains(l) && !Array.Exists(all[0], f => NameOf(f) == NameOf(l)))) faults.Add(new(NameOf(line), $"not there on rank 0, but {ValueOf(line)} on rank {rank}: run the same program with the same options on every rank"));
        }
        InvalidOptionsException.ThrowIfAny(faults);

        static string NameOf(string line) => line.Split(" = ", 2)[0];
        static string ValueOf(string line) => line.Split(" = ", 2) is [_, var value] ? $"= {value}" : "";
        static string Other(string[] lines, string line) => Array.Find(lines, l => NameOf(l) == NameOf(line)) is { } other ? ValueOf(other) : "not there";
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
        if (!IsAlone && error is not CollectiveException) Group.Abort($"{error.GetType().Name}: {error.Message}");
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
