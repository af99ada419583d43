// C classes, m draws of each. The C·m pairs (class, j) come in a random order; pair (c, j) is the sample of class c at place j mod n_c of the
// class's own order. So every class is drawn exactly m times, and its samples equally often or once more. Both orders are keyed
// permutations of the epoch: a draw costs two of them, no table.

using System.Globalization;

namespace Raijin.Data;

/// <summary>Draws every class equally often.</summary>
sealed class BalancedSampler : Sampler
{
    // Samples by class: those of class c are _samples[_first[c] .. _first[c + 1]].
    readonly int[] _samples;
    readonly int[] _first;
    readonly long _each;

    public BalancedSampler(IReadOnlyList<long> labels, ClassBalance balance)
    {
        var keys = labels.ToArray();
        Fingerprint = string.Create(CultureInfo.InvariantCulture, $"{balance}d from {keys.Length} by labels {Digest<long>(keys)}");
        _samples = [.. Enumerable.Range(0, keys.Length).OrderBy(sample => keys[sample])];
        var first = new List<int>();
        for (var i = 0; i < _samples.Length; i++)
            if (i == 0 || keys[_samples[i]] != keys[_samples[i - 1]]) first.Add(i);
        first.Add(_samples.Length);
        _first = [.. first];
        var sizes = Enumerable.Range(0, NumClasses).Select(Size);
        _each = balance switch
        {
            ClassBalance.Oversample => sizes.Max(),
            ClassBalance.Undersample => sizes.Min(),
            _ => throw new ArgumentOutOfRangeException(nameof(balance), balance, "Allowed: Oversample, Undersample."),
        };
    }

    int NumClasses => _first.Length - 1;

    int Size(int @class) => _first[@class + 1] - _first[@class];

    public override long Count => _samples.Length;

    public override long Draws => _each * NumClasses;

    public override string Fingerprint { get; }

    public override SampleOrder Order(ulong seed, long epoch) => new Drawn(this, seed, epoch);

    sealed class Drawn : SampleOrder
    {
        readonly BalancedSampler _sampler;
        readonly RandomPermutation _pairs;
        readonly RandomPermutation[] _within;

        public Drawn(BalancedSampler sampler, ulong seed, long epoch)
        {
            _sampler = sampler;
            _pairs = new RandomPermutation(sampler.Draws, LoaderStreams.DrawPart(seed, epoch, part: 0));
            _within = new RandomPermutation[sampler.NumClasses];
            for (var c = 0; c < _within.Length; c++) _within[c] = new(sampler.Size(c), LoaderStreams.DrawPart(seed, epoch, c + 1));
        }

        public override void Fill(long first, Span<long> samples)
        {
            for (var i = 0; i < samples.Length; i++)
            {
                var (j, c) = Math.DivRem(_pairs[first + i], _sampler.NumClasses);
                samples[i] = _sampler._samples[_sampler._first[c] + _within[c][j % _sampler.Size((int)c)]];
            }
        }
    }
}
