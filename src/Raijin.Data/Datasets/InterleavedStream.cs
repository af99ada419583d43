// Round r takes sample r of every stream that has one. Where all lengths are known, position p follows from them: the whole rounds before it, by a
// search for the last r with Σ min(n_i, r) ≤ p, and how many streams of the round come before it.

namespace Raijin.Data;

/// <summary>A sample of each stream in turn; streams that have ended are left out.</summary>
sealed class InterleavedStream<T>(StreamDataset<T>[] streams) : StreamDataset<T>
{
    public override long? Count => streams.Aggregate((long?)0, (sum, stream) => sum + stream.Count);

    protected internal override string Identity => $"{streams.Length} interleaved [{string.Join("] [", streams.Select(stream => stream.Identity))}]";

    public override IEnumerable<T> Read(long epoch, long first, CancellationToken cancellationToken)
    {
        var (round, skip) = Count is null ? (0, first) : RoundOf(first);
        var open = new List<IEnumerator<T>>();
        try
        {
            foreach (var stream in streams)
                if (stream.Count is not { } count || count > round) open.Add(stream.Read(epoch, round, cancellationToken).GetEnumerator());
            while (open.Count > 0)
            {
                for (var i = 0; i < open.Count;)
                {
                    if (!open[i].MoveNext())
                    {
                        open[i].Dispose();
                        open.RemoveAt(i);
                        continue;
                    }
                    if (skip > 0) skip--;
                    else yield return open[i].Current;
                    i++;
                }
            }
        }
        finally
        {
            foreach (var samples in open) samples.Dispose();
        }
    }

    // The round that a position lies in, and the samples of that round before it.
    (long Round, long Skip) RoundOf(long position)
    {
        long low = 0, high = streams.Max(stream => stream.Count!.Value);
        while (low < high)
        {
            var middle = low + (high - low + 1) / 2;
            if (Before(middle) <= position) low = middle;
            else high = middle - 1;
        }
        return (low, position - Before(low));

        long Before(long round) => streams.Sum(stream => Math.Min(stream.Count!.Value, round));
    }
}
