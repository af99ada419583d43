namespace Raijin.Tensors;

/// <summary>
/// Cuts a list of tensors into units of equal size, to be taken by threads one at a time. A unit may lie inside a large tensor or span many
/// small ones. The cuts depend on the sizes alone, not on threads or machine, so that sums per unit, added in order, are reproducible.
/// </summary>
sealed class WorkPlan
{
    /// <summary>Elements per unit: 448 KB moved by AdamW, about ten microseconds.</summary>
    public const int UnitElements = 16 * 1024;

    // A tensor counts as whole multiples of this many elements: cuts keep the alignment of cache lines, and a tiny tensor its overhead.
    const int Grain = 64;

    readonly Start[] _starts;

    public WorkPlan(ReadOnlySpan<long> counts)
    {
        Counts = counts.ToArray();
        long total = 0;
        foreach (var count in counts) total += Padded(count);
        var units = checked((int)((total + UnitElements - 1) / UnitElements));
        _starts = new Start[units + 1];
        var tensor = 0;
        long offset = 0;
        for (var unit = 0; unit < units; unit++)
        {
            _starts[unit] = new(tensor, offset);
            offset += UnitElements;
            while (tensor < counts.Length && offset >= Padded(counts[tensor]))
                offset -= Padded(counts[tensor++]);
        }

        _starts[units] = new(counts.Length, 0);
    }

    readonly record struct Start(int Tensor, long Offset);

    /// <summary>Elements per tensor.</summary>
    public long[] Counts { get; }

    public int Units => _starts.Length - 1;

    public UnitEnumerator Unit(int unit) => new(this, unit);

    static long Padded(long count) => (count + Grain - 1) / Grain * Grain;

    /// <summary>The ranges of one unit, in order.</summary>
    public ref struct UnitEnumerator
    {
        readonly WorkPlan _plan;
        readonly Start _end;
        int _next;
        long _offset;

        internal UnitEnumerator(WorkPlan plan, int unit)
        {
            _plan = plan;
            (_next, _offset) = plan._starts[unit];
            _end = plan._starts[unit + 1];
        }

        public int Tensor { get; private set; }

        public nint Offset { get; private set; }

        public nint Count { get; private set; }

        public bool MoveNext()
        {
            while (_next < _end.Tensor || (_next == _end.Tensor && _offset < _end.Offset))
            {
                var stop = _next < _end.Tensor ? _plan.Counts[_next] : Math.Min(_plan.Counts[_next], _end.Offset);
                (Tensor, Offset, Count) = (_next, (nint)_offset, (nint)(stop - _offset));
                (_next, _offset) = (_next + 1, 0);
                if (Count > 0) return true;
            }

            return false;
        }
    }
}
