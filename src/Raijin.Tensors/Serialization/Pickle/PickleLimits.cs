namespace Raijin.Tensors;

/// <summary>How much a pickle may ask for. The defaults hold any checkpoint seen in practice, and keep a hostile file below a gigabyte.</summary>
public sealed record PickleLimits
{
    /// <summary>Bytes of one pickle, tensors' elements not counted.</summary>
    /// <value>Default 256 MiB.</value>
    public long MaxBytes { get; init; } = 256 << 20;

    /// <summary>Instructions of one pickle. Each makes at most one object, so this bounds objects, stack and memo too.</summary>
    /// <value>Default 8 million.</value>
    public int MaxInstructions { get; init; } = 8_000_000;

    /// <summary>Bytes of one text or byte string.</summary>
    /// <value>Default 64 MiB.</value>
    public int MaxTextBytes { get; init; } = 64 << 20;

    /// <summary>Digits, or bytes, of one whole number.</summary>
    /// <value>Default 1,000: turning digits into a number takes time that grows with their square.</value>
    public int MaxDigits { get; init; } = 1000;

    /// <summary>Entries of a zip archive.</summary>
    /// <value>Default 1 million.</value>
    public int MaxEntries { get; init; } = 1_000_000;

    /// <summary>Bytes that a tensor may have beyond those of its storage, as one does whose elements are the same memory many times over.</summary>
    /// <value>Default 1 GiB.</value>
    public long MaxExpandedBytes { get; init; } = 1 << 30;
}
