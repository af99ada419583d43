using System.Runtime.CompilerServices;

namespace Raijin;

/// <summary>Where a <see cref="RandomStream"/> stands: all there is to save of it.</summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Stream">Which of the seed's 2^64 independent streams.</param>
/// <param name="Position">How many 32-bit words were drawn.</param>
public readonly record struct RandomPosition(ulong Seed, ulong Stream, ulong Position);

/// <summary>
/// Random numbers as a pure function of (seed, stream, position): Philox4x32-10, a counter-based generator (Salmon et al. 2011, "Parallel random
/// numbers: as easy as 1, 2, 3"). Going to any position is O(1), streams never overlap, and the state is three numbers.
/// </summary>
/// <remarks>Not safe for use by several threads at once: give each its own stream. Not for secrets.</remarks>
public sealed class RandomStream
{
    ulong _position;
    UInt128 _block;
    ulong _blockIndex = ulong.MaxValue;

    /// <summary>A stream from a position on.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">Which stream of the seed: one per purpose and rank.</param>
    /// <param name="position">Words to skip; 0 by default.</param>
    public RandomStream(ulong seed, ulong stream = 0, ulong position = 0)
    {
        Seed = seed;
        Stream = stream;
        _position = position;
    }

    /// <summary>A stream from where another one stood.</summary>
    public RandomStream(RandomPosition position) : this(position.Seed, position.Stream, position.Position)
    {
    }

    /// <summary>The run's seed.</summary>
    public ulong Seed { get; }

    /// <summary>Which stream of the seed.</summary>
    public ulong Stream { get; }

    /// <summary>Where it stands now.</summary>
    public RandomPosition Position => new(Seed, Stream, _position);

    /// <summary>The word at a position, without a generator.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">Which stream.</param>
    /// <param name="position">Which word of it.</param>
    public static uint At(ulong seed, ulong stream, ulong position) => Word(Philox(seed, stream, position >> 2), position);

    /// <summary>32 random bits.</summary>
    public uint NextUInt32()
    {
        var index = _position >> 2;
        if (index != _blockIndex)
        {
            _block = Philox(Seed, Stream, index);
            _blockIndex = index;
        }
        return Word(_block, _position++);
    }

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64() => NextUInt32() | ((ulong)NextUInt32() << 32);

    /// <summary>Uniform in [0, 1), a multiple of 2^-53.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [0, 1), a multiple of 2^-24.</summary>
    public float NextSingle() => (NextUInt32() >> 8) * (1f / (1 << 24));

    /// <summary>Uniform in 0 … <paramref name="bound"/> − 1, without bias.</summary>
    /// <param name="bound">At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bound"/> is not positive.</exception>
    public long NextInt64(long bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        // Lemire 2019: the high half of a product is uniform once the few low halves that would favour some values are drawn again.
        var range = (ulong)bound;
        var low = Math.BigMul(NextUInt64(), range, out var fraction);
        if (fraction < range)
        {
            var threshold = (0UL - range) % range;
            while (fraction < threshold) low = Math.BigMul(NextUInt64(), range, out fraction);
        }
        return (long)low;
    }

    /// <summary>Normal with mean 0 and variance 1, by Box and Muller (cosine half).</summary>
    public double NextGaussian()
    {
        // 1 − u lies in (0, 1]: its logarithm is finite.
        var radius = Math.Sqrt(-2 * Math.Log(1 - NextDouble()));
        return radius * Math.Cos(2 * Math.PI * NextDouble());
    }

    /// <summary>Puts the items in a random order, each of the n! being as likely (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = (int)NextInt64(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>Philox4x32-10 of the counter (block, stream) under the key seed; little-endian throughout.</summary>
    internal static UInt128 Philox(ulong seed, ulong stream, ulong block)
    {
        const uint M0 = 0xD2511F53, M1 = 0xCD9E8D57, W0 = 0x9E3779B9, W1 = 0xBB67AE85;
        var (c0, c1, c2, c3) = ((uint)block, (uint)(block >> 32), (uint)stream, (uint)(stream >> 32));
        var (k0, k1) = ((uint)seed, (uint)(seed >> 32));
        for (var round = 0; round < 10; round++)
        {
            var p0 = (ulong)M0 * c0;
            var p1 = (ulong)M1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += W0;
            k1 += W1;
        }
        return new UInt128(((ulong)c3 << 32) | c2, ((ulong)c1 << 32) | c0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Word(UInt128 block, ulong position)
    {
        var half = (position & 2) == 0 ? (ulong)block : (ulong)(block >> 64);
        return (position & 1) == 0 ? (uint)half : (uint)(half >> 32);
    }
}
