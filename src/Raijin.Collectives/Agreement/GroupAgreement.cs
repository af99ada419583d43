using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>What ranks find out together about each other.</summary>
public static class GroupAgreement
{
    /// <summary>Whether it is so on any rank. One collective of one byte.</summary>
    public static bool AnyRank(this Group group, bool mine, CancellationToken cancellationToken = default) => Decide(group, mine, ReduceOp.Max, cancellationToken);

    /// <summary>Whether it is so on all ranks. One collective of one byte.</summary>
    public static bool AllRanks(this Group group, bool mine, CancellationToken cancellationToken = default) => Decide(group, mine, ReduceOp.Min, cancellationToken);

    /// <summary>
    /// Makes sure that all ranks have the same: compares 32 bytes in one collective, and only where they differ the texts themselves, line by line.
    /// </summary>
    /// <param name="group">Who takes part.</param>
    /// <param name="subject">What it is, as in <c>Ranks disagree on the options</c>; the same on every rank.</param>
    /// <param name="text">What this rank has: a fact a line, so that the difference is small.</param>
    /// <param name="cancellationToken">Gives up waiting, and with it the group.</param>
    /// <exception cref="DisagreementException">They differ; thrown on every rank.</exception>
    public static void AgreeOn(this Group group, string subject, string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentException.ThrowIfNullOrEmpty(subject);
        ArgumentNullException.ThrowIfNull(text);
        using var none = no_grad();
        using var scope = TensorScope.Open();
        var hashes = zeros(SHA256.HashSizeInBytes * group.Size, ScalarType.Byte, group.Device);
        group.AllGather(tensor(SHA256.HashData(Encoding.UTF8.GetBytes($"{subject}\n{text}")), ScalarType.Byte, group.Device), hashes, cancellationToken: cancellationToken);
        var rows = hashes.cpu().data<byte>().ToArray().Chunk(SHA256.HashSizeInBytes).ToList();
        if (rows.TrueForAll(row => row.AsSpan().SequenceEqual(rows[0]))) return;
        var all = group.AllGatherText($"{subject}\n{text}", cancellationToken: cancellationToken);
        var variants = all.Index().GroupBy(t => t.Item, t => t.Index, StringComparer.Ordinal).OrderByDescending(v => v.Count()).ThenBy(v => v.First()).ToList();
        throw new DisagreementException(Describe(subject, variants)) { Subject = subject, Ranks = [.. variants.Skip(1).SelectMany(v => v).Order()] };
    }

    static bool Decide(Group group, bool mine, ReduceOp op, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(group);
        using var none = no_grad();
        using var vote = full(1, mine ? 1 : 0, ScalarType.Byte, group.Device);
        group.AllReduce(vote, op, cancellationToken: cancellation);
        return vote.item<byte>() != 0;
    }

    static string Describe(string subject, List<IGrouping<string, int>> variants)
    {
        const int Most = 20;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Ranks disagree on {subject}: start all with the same.");
        foreach (var other in variants.Skip(1))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n  - {Names(variants[0])}\n  + {Names(other)}");
            var lines = LineDifference.Between(variants[0].Key, other.Key);
            foreach (var line in lines.Take(Most)) text.Append("\n    ").Append(line);
            if (lines.Count > Most) text.Append(CultureInfo.InvariantCulture, $"\n    … and {lines.Count - Most} lines more");
        }
        return text.ToString();

        static string Names(IGrouping<string, int> variant) => (variant.Count() == 1 ? "rank " : "ranks ") + string.Join(", ", variant);
    }
}
