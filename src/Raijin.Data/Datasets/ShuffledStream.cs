// The stream is cut into blocks of B samples (the first of a random size up to B, so that borders differ between epochs) and each block is put in
// a random order. While block k is handed out, block k + 1 is read into the places that become free: B samples are held, and one is read
// for each handed out.
//
// Position p lies in a block that follows from p alone, so resuming reads that block again: at most B samples before the position.

namespace Raijin.Data;

/// <summary>A stream shuffled within a bounded buffer.</summary>
sealed class ShuffledStream<T>(StreamDataset<T> source, int buffer, ulong seed) : StreamDataset<T>
{
    public override long? Count => source.Count;

    protected internal override string Identity => $"shuffled in {buffer} by seed {seed}{(source.Identity.Length == 0 ? "" : $" of {source.Identity}")}";

    public override IEnumerable<T> Read(long epoch, long first, CancellationToken cancellationToken)
    {
        var lead = 1 + LoaderStreams.Buffer(seed, epoch, block: 0).NextInt64(buffer);
        // Block 0 has the lead, block k begins at lead + (k − 1)·B.
        var block = first < lead ? 0 : 1 + (first - lead) / buffer;
        var start = block == 0 ? 0 : lead + (block - 1) * buffer;
        var skip = (int)(first - start);

        using var samples = source.Read(epoch, start, cancellationToken).GetEnumerator();
        var held = new T[buffer];
        // Sample i of the current block lies in held[place[i]].
        var place = new int[buffer];
        var next = new int[buffer];
        var size = 0;
        for (var limit = block == 0 ? (int)lead : buffer; size < limit && samples.MoveNext(); size++) (held[size], place[size]) = (samples.Current, size);

        while (size > 0)
        {
            var order = new RandomPermutation(size, LoaderStreams.Buffer(seed, epoch, block + 1));
            var read = 0;
            // The next block may be larger than this one (the lead): its first samples take the places that were never used.
            for (var free = size; block == 0 && free < buffer && samples.MoveNext(); free++) (held[free], next[read++]) = (samples.Current, free);
            for (var i = 0; i < size; i++)
            {
                var at = place[order[i]];
                if (skip > 0) skip--;
                else yield return held[at];
                if (samples.MoveNext()) (held[at], next[read++]) = (samples.Current, at);
            }
            (place, next, size) = (next, place, read);
            block++;
        }
    }
}
