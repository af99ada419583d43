namespace Raijin;

/// <summary>Where a buffer lies when nobody computes with it.</summary>
public abstract record Tier
{
    Tier()
    {
    }

    /// <summary>In the memory of the device that computes.</summary>
    public static Tier Device { get; } = new OnDevice();

    /// <summary>In the host's memory; the same as <see cref="Device"/> where the host computes.</summary>
    public static Tier Host { get; } = new OnHost();

    /// <summary>In files in a folder, read before use and written back after.</summary>
    /// <param name="folder">Made when it does not exist; what a run left there is removed when it ends.</param>
    public static Tier Disk(string folder) => new OnDisk(folder);

    internal sealed record OnDevice : Tier;

    internal sealed record OnHost : Tier;

    internal sealed record OnDisk(string Folder) : Tier;
}
