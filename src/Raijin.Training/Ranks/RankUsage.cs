using System.Text.Json;
using System.Text.Json.Serialization;
using Raijin.Collectives;
using Raijin.Parallel;
using Raijin.Training;

namespace Raijin;

/// <summary>What a training on several ranks took of each, beside what was planned: in <see cref="FitResult"/>, and as <c>ranks</c> in <c>run.json</c>.</summary>
public sealed record RankUsage
{
    /// <summary>How many ranks trained.</summary>
    public required int Ranks { get; init; }

    /// <summary>How they reached each other.</summary>
    public required TransportKind Transport { get; init; }

    /// <summary>How the model was divided, in words.</summary>
    public required string Strategy { get; init; }

    /// <summary>Bytes of memory by what they hold, activations not counted; of the rank that took the most.</summary>
    public required IReadOnlyList<MemoryUsage> Memory { get; init; }

    /// <summary>Bytes that crossed in a step, by what and how; of the rank where most did.</summary>
    public required IReadOnlyList<TrafficUsage> Traffic { get; init; }

    /// <summary>Compares the ledger with the plan. All ranks call it.</summary>
    internal static RankUsage Measure(ShardedModel sharded, PlanOptions? options, Peers peers)
    {
        var ledger = sharded.Ledger;
        var kinds = Enum.GetValues<BufferKind>();
        var mine = new Measured(
            [.. kinds.Select(k => new HeldBytes(k, ledger.Held(k), ledger.Peak(k)))],
            [.. ledger.LeastStep.Select(c => new CrossedBytes(c.Key.Kind, c.Key.Collective, c.Value.Bytes))]);
        var all = peers.Gather(JsonSerializer.Serialize(mine, RankUsageJson.Default.Measured)).Select(text => JsonSerializer.Deserialize(text, RankUsageJson.Default.Measured)!).ToList();

        var shape = ModelShape.Of(sharded.Module, sharded.Strategy);
        var memory = options is null ? null : MemoryPlan.Of(shape, sharded.Strategy, peers.Size, options);
        var traffic = options is null ? null : CommunicationPlan.Of(shape, sharded.Strategy, peers.Size, options);
        return new()
        {
            Ranks = peers.Size,
            Transport = sharded.World.Transport,
            Strategy = $"{sharded.Strategy}",
            Memory =
            [
                .. kinds.Select(kind => new MemoryUsage(kind, memory?.BytesOf(kind), all.Max(m => m.Memory[(int)kind].Held), all.Max(m => m.Memory[(int)kind].Peak)))
                    .Where(m => m.Planned > 0 || m.Peak > 0),
            ],
            Traffic =
            [
                .. all.SelectMany(m => m.Traffic).GroupBy(t => (t.What, t.Kind)).OrderBy(t => t.Key)
                    .Select(t => new TrafficUsage(t.Key.What, t.Key.Kind, traffic?.Traffic.Where(p => p.What == t.Key.What && p.Kind == t.Key.Kind).Sum(p => p.Bytes), t.Max(m => m.Bytes))),
            ],
        };
    }

    internal sealed record Measured(IReadOnlyList<HeldBytes> Memory, IReadOnlyList<CrossedBytes> Traffic);

    internal readonly record struct HeldBytes(BufferKind Kind, long Held, long Peak);

    internal readonly record struct CrossedBytes(BufferKind What, CollectiveKind Kind, long Bytes);
}

/// <summary>Memory of one kind on a rank.</summary>
/// <param name="Kind">What it holds.</param>
/// <param name="Planned">Bytes that were planned; null where the plan does not know the optimizer.</param>
/// <param name="Held">Bytes held when training ended.</param>
/// <param name="Peak">The most ever held.</param>
public sealed record MemoryUsage(BufferKind Kind, long? Planned, long Held, long Peak);

/// <summary>What crosses between ranks in a step.</summary>
/// <param name="What">What crosses.</param>
/// <param name="Kind">How.</param>
/// <param name="Planned">Bytes that were planned; null where the plan does not know the optimizer.</param>
/// <param name="Crossed">Bytes that crossed.</param>
public sealed record TrafficUsage(BufferKind What, CollectiveKind Kind, long? Planned, long Crossed);

/// <summary>How ranks tell each other what they took.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RankUsage.Measured))]
sealed partial class RankUsageJson : JsonSerializerContext;
