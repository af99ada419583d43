using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>
/// Objects that ranks tell each other, as JSON, texts or bytes: two collectives each, one for the lengths and one for the bytes. For settings, names and results, not for tensors.
/// </summary>
/// <remarks>A type is described by its <see cref="JsonTypeInfo{T}"/>, so this works trimmed and compiled ahead of time. Bytes beyond the limit are an error on every rank, and leave the group usable.</remarks>
public static class GroupObjects
{
    /// <summary>How many bytes one rank may give unless more is said: 64 MiB.</summary>
    public const int DefaultMaxBytes = 64 << 20;

    /// <summary>Every rank ends with the root's object.</summary>
    /// <param name="group">Who takes part.</param>
    /// <param name="value">The root's object; ignored elsewhere.</param>
    /// <param name="root">Who gives it.</param>
    /// <param name="type">How it is written: <c>AppJson.Default.Settings</c> of a source-generated context.</param>
    /// <param name="maxBytes">The most bytes it may have as JSON; the same on every rank.</param>
    /// <param name="cancellationToken">Gives up waiting, and with it the group.</param>
    /// <exception cref="InvalidOperationException">It is larger, or the root could not write it.</exception>
    public static T BroadcastObject<T>(this Group group, T? value, int root, JsonTypeInfo<T> type, int maxBytes = DefaultMaxBytes, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(type);
        return Read(Broadcast(group, () => JsonSerializer.SerializeToUtf8Bytes(value!, type), root, maxBytes, cancellationToken), type);
    }

    /// <summary>The root ends with the objects of all, in the order of the ranks; the others with null.</summary>
    /// <inheritdoc cref="AllGatherObjects{T}" path="/param"/>
    /// <param name="root">Who gets them.</param>
    public static T[]? GatherObjects<T>(this Group group, T value, int root, JsonTypeInfo<T> type, int maxBytes = DefaultMaxBytes, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(type);
        return Gather(group, () => JsonSerializer.SerializeToUtf8Bytes(value, type), root, maxBytes, cancellationToken)?.Select(bytes => Read(bytes, type)).ToArray();
    }

    /// <summary>Every rank ends with the objects of all, in the order of the ranks.</summary>
    /// <param name="group">Who takes part.</param>
    /// <param name="value">This rank's object.</param>
    /// <param name="type">How it is written.</param>
    /// <param name="maxBytes">The most bytes one may have as JSON; the same on every rank.</param>
    /// <param name="cancellationToken">Gives up waiting, and with it the group.</param>
    /// <exception cref="InvalidOperationException">One is larger, or some rank could not write its own.</exception>
    public static T[] AllGatherObjects<T>(this Group group, T value, JsonTypeInfo<T> type, int maxBytes = DefaultMaxBytes, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(type);
        return [.. Gather(group, () => JsonSerializer.SerializeToUtf8Bytes(value, type), EveryRank, maxBytes, cancellationToken)!.Select(bytes => Read(bytes, type))];
    }

    /// <summary>Every rank ends with the root's text.</summary>
    public static string BroadcastText(this Group group, string? value, int root, int maxBytes = DefaultMaxBytes, CancellationToken cancellationToken = default) =>
        Encoding.UTF8.GetString(Broadcast(group, () => Encoding.UTF8.GetBytes(value ?? throw new ArgumentNullException(nameof(value))), root, maxBytes, cancellationToken));

    /// <summary>Every rank ends with the texts of all, in the order of the ranks.</summary>
    public static string[] AllGatherText(this Group group, string value, int maxBytes = DefaultMaxBytes, CancellationToken cancellationToken = default) =>
        [.. Gather(group, () => Encoding.UTF8.GetBytes(value), EveryRank, maxBytes, cancellationToken)!.Select(Encoding.UTF8.GetString)];

    /// <summary>Every rank ends with the root's bytes.</summary>
    public static byte[] BroadcastBytes(this Group group, byte[]? value, int root, int maxBytes = DefaultMaxBytes, CancellationToken cancellationToken = default) =>
        Broadcast(group, () => value ?? throw new ArgumentNullException(nameof(value)), root, maxBytes, cancellationToken);

    /// <summary>Every rank ends with the bytes of all, in the order of the ranks.</summary>
    public static byte[][] AllGatherBytes(this Group group, byte[] value, int maxBytes = DefaultMaxBytes, CancellationToken cancellationToken = default) =>
        Gather(group, () => value ?? throw new ArgumentNullException(nameof(value)), EveryRank, maxBytes, cancellationToken)!;

    const int EveryRank = -1;
    const long Unwritten = -1;

    static T Read<T>(byte[] bytes, JsonTypeInfo<T> type) => JsonSerializer.Deserialize(bytes, type)!;

    static byte[] Broadcast(Group group, Func<byte[]> write, int root, int maxBytes, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(group);
        using var none = no_grad();
        using var scope = TensorScope.Open();
        byte[]? mine = null;
        using var length = zeros(1, ScalarType.Int64, group.Device);
        try
        {
            if (group.Rank == root) mine = write();
        }
        finally
        {
            // Also where writing failed: the others are waiting for the length.
            length.fill_(mine?.LongLength ?? Unwritten);
            group.Broadcast(length, root, cancellation);
        }
        var count = length.item<long>();
        ThrowIfUnfit(group, root, count, maxBytes);
        if (count == 0) return [];
        var bytes = mine is null ? zeros(count, ScalarType.Byte, group.Device) : tensor(mine, ScalarType.Byte, group.Device);
        group.Broadcast(bytes, root, cancellation);
        return mine ?? bytes.cpu().data<byte>().ToArray();
    }

    static byte[][]? Gather(Group group, Func<byte[]> write, int root, int maxBytes, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(group);
        using var none = no_grad();
        using var scope = TensorScope.Open();
        byte[]? mine = null;
        var lengths = zeros(group.Size, ScalarType.Int64, group.Device);
        try
        {
            mine = write();
        }
        finally
        {
            group.AllGather(full(1, mine?.LongLength ?? Unwritten, ScalarType.Int64, group.Device), lengths, cancellationToken: cancellation);
        }
        var counts = lengths.cpu().data<long>().ToArray();
        for (var rank = 0; rank < counts.Length; rank++) ThrowIfUnfit(group, rank, counts[rank], maxBytes);
        var given = tensor(mine, ScalarType.Byte, group.Device);
        var all = root == EveryRank || root == group.Rank ? zeros(counts.Sum(), ScalarType.Byte, group.Device) : null;
        if (root == EveryRank) group.AllGather(given, all!, counts, cancellation);
        else group.Gather(given, all, root, counts, cancellation);
        if (all is null) return null;
        var bytes = all.cpu().data<byte>().ToArray();
        var ends = counts.Select((_, r) => (int)counts.Take(r + 1).Sum()).ToList();
        return [.. counts.Select((count, r) => bytes[(ends[r] - (int)count)..ends[r]])];
    }

    static void ThrowIfUnfit(Group group, int rank, long bytes, int maxBytes)
    {
        if (bytes == Unwritten) throw new InvalidOperationException($"Rank {rank} of group {group.Name} could not write its object: its own error says why.");
        if (bytes > maxBytes) throw new InvalidOperationException($"The object of rank {rank} of group {group.Name} has {bytes:N0} bytes, and at most {maxBytes:N0} are allowed: raise maxBytes on every rank, or send it as a tensor.");
    }
}
