namespace Raijin.Tensors;

/// <summary>The ops of one recording, by thread.</summary>
public sealed class OpTrace
{
    internal OpTrace(IReadOnlyList<ThreadOps> threads, long dropped)
    {
        Threads = threads;
        Dropped = dropped;
    }

    /// <summary>Each thread that ran an op, in the order in which they first did.</summary>
    public IReadOnlyList<ThreadOps> Threads { get; }

    /// <summary>Ops that ran and are not here: their thread's buffer was full, or they were nested deeper than 128.</summary>
    public long Dropped { get; }

    /// <summary>Recorded ops over all threads.</summary>
    public int Count => Threads.Sum(t => t.Records.Count);
}

/// <summary>The ops of one thread, in the order in which they began.</summary>
public sealed class ThreadOps
{
    readonly int[] _shapes;

    internal ThreadOps(int threadId, IReadOnlyList<OpRecord> records, int[] shapes)
    {
        ThreadId = threadId;
        Records = records;
        _shapes = shapes;
    }

    /// <summary>The thread's managed id (<see cref="Environment.CurrentManagedThreadId"/>).</summary>
    public int ThreadId { get; }

    /// <summary>The ops, by beginning: a parent comes before what is nested in it.</summary>
    public IReadOnlyList<OpRecord> Records { get; }

    /// <summary>The arguments of an op of this thread, in schema order; empty when shapes were not recorded.</summary>
    public OpArgument[] Inputs(in OpRecord record) => Arguments(record.Inputs);

    /// <summary>The results of an op of this thread; empty when shapes were not recorded.</summary>
    public OpArgument[] Outputs(in OpRecord record) => Arguments(record.Outputs);

    // A count, then for each argument its number of dims and those, or -1 and a value.
    OpArgument[] Arguments(int at)
    {
        if (at < 0) return [];
        var arguments = new OpArgument[_shapes[at++]];
        for (var i = 0; i < arguments.Length; i++)
        {
            var dims = _shapes[at++];
            if (dims < 0)
            {
                arguments[i] = new OpArgument(null, _shapes[at++]);
                continue;
            }
            var shape = new long[dims];
            for (var d = 0; d < dims; d++) shape[d] = _shapes[at++];
            arguments[i] = new OpArgument(shape, 0);
        }
        return arguments;
    }
}
