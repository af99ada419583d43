using System.CommandLine;
using static TorchSharp.torch;

namespace Raijin.App;

/// <summary>What a plan is asked for besides the model: the options that <c>plan</c> has in every program.</summary>
sealed class PlanQuestion
{
    readonly Option<int> _ranks = new("--ranks") { Description = "How many ranks divide the work", HelpName = "N", Required = true };
    readonly Option<string> _strategy = new("--strategy") { Description = "Only this one: ddp, zero1, zero2 or zero3", HelpName = "NAME" };
    readonly Option<string> _memory = new("--memory") { Description = "Mark what fits a device of this size: 80GB, 24GiB", HelpName = "SIZE" };
    readonly Option<int?> _shardSize = new("--shard-size") { Description = "So many ranks divide the state; groups of them hold copies (default: all ranks)", HelpName = "N" };
    readonly Option<int?> _secondaryShardSize = new("--secondary-shard-size") { Description = "zero3 keeps a second shard of what was gathered among so many ranks, those of a node (ZeRO++ hpZ; default: none)", HelpName = "N" };
    readonly Option<string> _wire = new("--gradient-wire") { Description = "The type in which gradients cross: bfloat16, float16 (default: their own)", HelpName = "TYPE" };
    readonly Option<string> _weightCodec = new("--weight-codec") { Description = "How zero3 codes parameters that are gathered: int8 (ZeRO++ qwZ; default: not)", HelpName = "CODEC" };
    readonly Option<string> _gradientCodec = new("--gradient-codec") { Description = "How gradients are coded: int4 (ZeRO++ qgZ; default: not)", HelpName = "CODEC" };
    readonly Option<int?> _microbatches = new("--microbatches") { Description = "Microbatches of a step (default: 1)", HelpName = "N" };

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    /// <param name="command">The command.</param>
    public PlanQuestion(Command command)
    {
        _strategy.CompletionSources.Add([.. PlannedStrategy.Names]);
        _wire.CompletionSources.Add("bfloat16", "float16");
        _weightCodec.CompletionSources.Add("int8");
        _gradientCodec.CompletionSources.Add("int4");
        foreach (var option in (Option[])[_ranks, _strategy, _memory, _shardSize, _secondaryShardSize, _wire, _weightCodec, _gradientCodec, _microbatches]) command.Options.Add(option);
    }

    /// <summary>What was asked for.</summary>
    /// <param name="invocation">The call.</param>
    /// <param name="precision">The arithmetic.</param>
    /// <param name="stateBytes">Bytes the algorithm keeps a parameter.</param>
    /// <param name="faults">Takes what is wrong.</param>
    public PlanRequest Read(Invocation invocation, Precision precision, long stateBytes, List<OptionFault> faults)
    {
        var ranks = invocation.Texts(_ranks) is null ? 1 : invocation.Get(_ranks);
        if (ranks < 1) faults.Add(new($"--ranks = {ranks}", "allowed: 1 and more"));
        var strategy = invocation.Text(_strategy);
        if (strategy is not null && !PlannedStrategy.Names.Contains(strategy)) faults.Add(new($"--strategy = {strategy}", $"allowed: {string.Join(", ", PlannedStrategy.Names)}"));
        var shardSize = AtLeastOne(invocation, _shardSize, faults);
        if (shardSize is { } size && ranks >= 1 && ranks % size != 0) faults.Add(new($"--shard-size = {size}", $"does not divide the {ranks} ranks"));
        var secondary = AtLeastOne(invocation, _secondaryShardSize, faults);
        var shards = shardSize ?? ranks;
        if (secondary is { } near && ranks >= 1 && (near == 1 || shards % near != 0)) faults.Add(new($"--secondary-shard-size = {near}", $"is no divisor above 1 of the {shards} ranks that divide the state"));
        var wire = Choice(invocation, _wire, faults, ("bfloat16", (ScalarType?)ScalarType.BFloat16), ("float16", ScalarType.Float16));
        var weights = Choice(invocation, _weightCodec, faults, ("int8", WeightCodec.Int8));
        var gradients = Choice(invocation, _gradientCodec, faults, ("int4", GradientCodec.Int4));
        if (wire is not null && gradients != GradientCodec.None) faults.Add(new($"--gradient-wire = {invocation.Text(_wire)}", "has no effect beside --gradient-codec: give one of them"));
        return new()
        {
            Ranks = ranks,
            // Each option goes to the stages that know it.
            Strategies = [.. PlannedStrategy.All.Where(s => strategy is null || s.Name == strategy).Select(s => s with
            {
                Strategy = s.Strategy with
                {
                    ShardSize = s.Strategy.Stage > 0 ? shardSize ?? 0 : 0,
                    SecondaryShardSize = s.Strategy.Stage == 3 ? secondary ?? 0 : 0,
                    GradientWire = wire,
                    GradientCodec = gradients,
                    WeightCodec = s.Strategy.Stage == 3 ? weights : WeightCodec.None,
                },
            })],
            Memory = Memory(invocation, faults),
            Options = new() { Precision = precision, StateBytes = stateBytes, Microbatches = AtLeastOne(invocation, _microbatches, faults) ?? 1 },
        };
    }

    static int? AtLeastOne(Invocation invocation, Option<int?> option, List<OptionFault> faults)
    {
        if (invocation.Text(option) is null || invocation.Get(option) is not { } value) return null;
        if (value >= 1) return value;
        faults.Add(new($"{option.Name} = {value}", "allowed: 1 and more"));
        return null;
    }

    static T? Choice<T>(Invocation invocation, Option<string> option, List<OptionFault> faults, params IReadOnlyList<(string Name, T Value)> choices)
    {
        if (invocation.Text(option) is not { } text) return default;
        foreach (var (name, value) in choices)
            if (name == text) return value;
        faults.Add(new($"{option.Name} = {text}", $"allowed: {string.Join(", ", choices.Select(c => c.Name))}"));
        return default;
    }

    long? Memory(Invocation invocation, List<OptionFault> faults)
    {
        if (invocation.Text(_memory) is not { } text) return null;
        if (ByteSize.TryParse(text, out var bytes)) return bytes;
        faults.Add(new($"--memory = {text}", $"{ByteSize.Expectation} 80GB"));
        return null;
    }
}

/// <summary>What a plan is asked for.</summary>
sealed record PlanRequest
{
    /// <summary>How many ranks.</summary>
    public required int Ranks { get; init; }

    /// <summary>What is compared.</summary>
    public required IReadOnlyList<PlannedStrategy> Strategies { get; init; }

    /// <summary>The size of a device; null where nobody said.</summary>
    public required long? Memory { get; init; }

    /// <summary>What time is predicted from; null where nobody asked.</summary>
    public PlannedTime? Time { get; init; }

    /// <summary>Precision and optimizer.</summary>
    public required PlanOptions Options { get; init; }
}

/// <summary>A strategy as a plan names it.</summary>
/// <param name="Name">Its stage: <c>zero3</c>.</param>
/// <param name="Offload">What does not lie on the device, and where; empty for nothing.</param>
/// <param name="Strategy">The strategy.</param>
sealed record PlannedStrategy(string Name, string Offload, Strategy Strategy)
{
    // Only named here; nothing is written to it.
    static readonly Tier Disk = Tier.Disk("offload");

    /// <summary>Stages with and without offload, from what takes the most of a device to what takes the least.</summary>
    public static IReadOnlyList<PlannedStrategy> All { get; } =
    [
        new("ddp", "", Zero.Stage0),
        new("zero1", "", Zero.Stage1),
        new("zero1", "optimizer on host", Zero.Stage1 with { OffloadOptimizer = Tier.Host }),
        new("zero2", "", Zero.Stage2),
        new("zero2", "optimizer on host", Zero.Stage2 with { OffloadOptimizer = Tier.Host }),
        new("zero3", "", Zero.Stage3),
        new("zero3", "optimizer on host", Zero.Stage3 with { OffloadOptimizer = Tier.Host }),
        new("zero3", "both on host", Zero.Stage3 with { OffloadOptimizer = Tier.Host, OffloadParameters = Tier.Host }),
        new("zero3", "both on disk", Zero.Stage3 with { OffloadOptimizer = Disk, OffloadParameters = Disk }),
    ];

    /// <summary>The names of the stages.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(strategy => strategy.Name).Distinct()];
}
