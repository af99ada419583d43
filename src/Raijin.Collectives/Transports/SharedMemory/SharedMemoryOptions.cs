namespace Raijin.Collectives;

/// <summary>How processes of one host share memory.</summary>
sealed record SharedMemoryOptions
{
    /// <summary>Where the file lies through which ranks find each other; it is gone as soon as all have.</summary>
    /// <value>Default <c>/dev/shm</c> on Linux, the system's folder for temporary files elsewhere.</value>
    public string Folder { get; init; } = OperatingSystem.IsLinux() ? "/dev/shm" : Path.GetTempPath();

    /// <summary>How long ranks wait for each other when they join, and when they allocate or divide a group together.</summary>
    /// <value>Default 2 minutes.</value>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How many slots each rank has for data that others can't reach.</summary>
    /// <value>Default 4.</value>
    public int NumSlots { get; init; } = 4;

    /// <summary>Bytes of a slot. All slots of the ranks that share a cache should fit in it.</summary>
    /// <value>Default 256 KiB.</value>
    public int SlotBytes { get; init; } = 256 << 10;

    /// <summary>Bytes of each of the two slots from one rank to another, through which messages cross that the receiver can't reach.</summary>
    /// <value>Default 64 KiB.</value>
    public int MessageSlotBytes { get; init; } = 64 << 10;

    /// <summary>How long a rank looks for the others before it sleeps. Ranks that are more than the processors never look.</summary>
    /// <value>
    /// Default 200 µs: longer than waking up takes. With less, a rank that slept comes so late that the other sleeps next, and so on: ranks of short steps then never meet awake.
    /// </value>
    public TimeSpan Spin { get; init; } = TimeSpan.FromMicroseconds(200);

    /// <summary>Whether memory is shared through files with names in <see cref="Folder"/> for the moment until all have mapped them, where a process may not open the descriptors of another.</summary>
    /// <value>Default false on Linux, true elsewhere.</value>
    public bool NamedFiles { get; init; } = !OperatingSystem.IsLinux();
}
