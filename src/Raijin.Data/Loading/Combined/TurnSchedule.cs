using System.Globalization;

namespace Raijin.Data;

/// <summary>Whose turn it is, for an endless row of turns: a pure function of the turn's number.</summary>
abstract class TurnSchedule
{
    public abstract string Fingerprint { get; }

    /// <summary>How many of the turns before this one each loader had.</summary>
    public abstract long[] Before(long turn);

    /// <summary>Whose the turns are from this one on, without end.</summary>
    public abstract IEnumerable<int> From(long turn);
}

/// <summary>One after the other.</summary>
sealed class RotatingTurns(int loaders) : TurnSchedule
{
    public override string Fingerprint => "in turn";

    public override long[] Before(long turn)
    {
        var had = new long[loaders];
        for (var i = 0; i < loaders; i++) had[i] = (turn + loaders - 1 - i) / loaders;
        return had;
    }

    public override IEnumerable<int> From(long turn)
    {
        for (; ; turn++) yield return (int)(turn % loaders);
    }
}

/// <summary>At random by shares: in every block each loader has its quota of turns, in an order of the block's own.</summary>
sealed class ShuffledTurns : TurnSchedule
{
    const int LeastBlock = 64, LongestExactBlock = 1024, LongestBlock = 65536;

    readonly ulong _seed;
    // Of the slots of a block, before they are shuffled, loader i has _until[i − 1] to _until[i].
    readonly int[] _until;

    public ShuffledTurns(double[] shares, ulong seed)
    {
        _seed = seed;
        foreach (var share in shares)
            if (!(share > 0 && double.IsFinite(share)))
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"A share of {share} was given; positive, finite ones are expected."), nameof(shares));
        var largest = shares.Max();
        var sum = shares.Sum(share => share / largest);
        var parts = Array.ConvertAll(shares, share => share / largest / sum);

        var quotas = Quotas(parts, ExactBlock(parts) ?? LongestBlock);
        var missing = Array.IndexOf(quotas, 0);
        if (missing >= 0)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"A share of {shares[missing]} is less than 1 in {LongestBlock} of all; leave that loader out or raise its share."), nameof(shares));
        _until = new int[quotas.Length];
        for (var i = 0; i < quotas.Length; i++) _until[i] = quotas[i] + (i == 0 ? 0 : _until[i - 1]);
    }

    int Block => _until[^1];

    public override string Fingerprint => string.Create(CultureInfo.InvariantCulture,
        $"mixed {string.Join(":", _until.Select((until, i) => until - (i == 0 ? 0 : _until[i - 1])))} by seed {_seed}");

    public override long[] Before(long turn)
    {
        var (block, into) = Math.DivRem(turn, Block);
        var had = new long[_until.Length];
        for (var i = 0; i < had.Length; i++) had[i] = block * (_until[i] - (i == 0 ? 0 : _until[i - 1]));
        var order = OfBlock(block);
        for (var slot = 0; slot < into; slot++) had[OwnerOf(order[slot])]++;
        return had;
    }

    public override IEnumerable<int> From(long turn)
    {
        var (block, into) = Math.DivRem(turn, Block);
        for (; ; block++, into = 0)
        {
            var order = OfBlock(block);
            for (; into < Block; into++) yield return OwnerOf(order[into]);
        }
    }

    RandomPermutation OfBlock(long block) => new(Block, LoaderStreams.Mix(_seed, block));

    int OwnerOf(long slot)
    {
        var owner = 0;
        while (slot >= _until[owner]) owner++;
        return owner;
    }

    // The shortest block in which every share is a whole number of turns, as often as makes it long enough to be random.
    static int? ExactBlock(double[] parts)
    {
        for (var block = parts.Length; block <= LongestExactBlock; block++)
            if (Array.TrueForAll(parts, part => Math.Abs(part * block - Math.Round(part * block)) < 1e-9 * block && Math.Round(part * block) >= 1))
                return block * Math.Max(1, (LeastBlock + block - 1) / block);
        return null;
    }

    // By the largest remainders, so that the sum is the block.
    static int[] Quotas(double[] parts, int block)
    {
        var quotas = Array.ConvertAll(parts, part => (int)Math.Floor(part * block + 1e-6));
        var left = block - quotas.Sum();
        foreach (var i in Enumerable.Range(0, parts.Length).OrderByDescending(i => parts[i] * block - quotas[i]).Take(left)) quotas[i]++;
        return quotas;
    }
}
