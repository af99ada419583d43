using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>Where a <see cref="TieredOptimizer"/> keeps its state. No option changes what it computes.</summary>
sealed record TieredOptimizerOptions
{
    /// <summary>The folder of the file that holds the state; made when it does not exist.</summary>
    /// <value>Default none: needed unless <see cref="OffloadRatio"/> is 0.</value>
    public string Folder { get; init; } = "";

    /// <summary>Memory for state on its way between file and update, all leases together.</summary>
    /// <value>Default 192 MiB; at least 16 KiB times the number of tensors kept per parameter, in each of the three leases. DeepSpeed's <c>buffer_count</c> × <c>buffer_size</c>.</value>
    public long LeaseBytes { get; init; } = 192 << 20;

    /// <summary>The share of the elements whose state lies in the file; that of the others, the first ones, stays in memory.</summary>
    /// <value>Default 1; from 0 to 1. DeepSpeed's Twin-Flow <c>ratio</c>.</value>
    public double OffloadRatio { get; init; } = 1;

    /// <summary>Threads that share one update, the caller included.</summary>
    /// <value>Default null: as many as libtorch's operators use.</value>
    public int? Threads { get; init; }

    /// <summary>How many blocks of the file are read at once, and how many written.</summary>
    /// <value>Default 4.</value>
    public int DiskThreads { get; init; } = 4;

    /// <summary>Go through the system's page cache, which keeps in memory what it has room for.</summary>
    /// <value>Default false.</value>
    public bool Buffered { get; init; }

    /// <summary>fp32 values, by parameter name, that masters of half-precision parameters start from. Borrowed until each parameter's first update.</summary>
    /// <value>Default null: masters start from the parameters themselves.</value>
    public IReadOnlyDictionary<string, Tensor>? Masters { get; init; }

    /// <summary>Where the values of parameters are when nobody uses them, by parameter name; they are asked for while they are updated.</summary>
    /// <value>Default null: they stay in memory.</value>
    public IReadOnlyDictionary<string, StoredShards>? Homes { get; init; }

    /// <summary>The books in which leases and file are entered.</summary>
    /// <value>Default null.</value>
    public Ledger? Ledger { get; init; }

    internal void Validate(int mostSlots)
    {
        var faults = new List<OptionFault>();
        var least = LeastLeaseBytes(mostSlots);
        if (OffloadRatio != 0 && string.IsNullOrWhiteSpace(Folder)) faults.Add(new("tier.folder", "is empty; name a folder on a disk that has the space."));
        if (LeaseBytes < least) faults.Add(new("tier.leaseBytes", $"{LeaseBytes} (at least {least}: {TieredOptimizer.NumLeases} leases of {mostSlots} tensors of 16 KiB)."));
        if (!(OffloadRatio >= 0 && OffloadRatio <= 1)) faults.Add(new("tier.offloadRatio", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{OffloadRatio} (allowed 0 to 1).")));
        if (Threads < 1) faults.Add(new("tier.threads", $"{Threads} (at least 1)."));
        if (DiskThreads < 1) faults.Add(new("tier.diskThreads", $"{DiskThreads} (at least 1)."));
        InvalidOptionsException.ThrowIfAny(faults);
    }

    static long LeastLeaseBytes(int mostSlots) => TieredOptimizer.NumLeases * Math.Max(1, mostSlots) * (16L << 10);
}
