using System.Text.Json;
using Raijin.App;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

/// <summary>A group some of whose values have names: <c>strategy: zero3</c>, or its keys.</summary>
public sealed class NamedGroupTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_name_and_keys_say_the_same()
    {
        AssertSame(Zero.Stage3, Resolve("strategy: zero3").Strategy);
        AssertSame(Zero.Stage3, Resolve("strategy: { stage: 3 }").Strategy);
        AssertSame(Zero.Stage3 with { OffloadOptimizer = Tier.Disk("/scratch") }, Resolve("strategy: { stage: 3, offloadOptimizer: \"disk:/scratch\" }").Strategy);
        Assert.Null(Resolve("devices: 2").Strategy);
    }

    [Fact]
    public void A_name_leaves_nothing_of_the_layer_before_and_keys_refine_it()
    {
        const string file = "strategy: { stage: 3, offloadParameters: host }";
        AssertSame(Zero.Stage2, Resolve(file, ("strategy", "zero2")).Strategy);
        AssertSame(Zero.Stage3 with { OffloadParameters = Tier.Host, ShardSize = 2 }, Resolve(file, ("strategy.shardSize", "2")).Strategy);
        Assert.Null(Resolve(file, ("strategy", "none")).Strategy);
    }

    [Fact]
    public void An_unknown_name_lists_what_is_allowed()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => Resolve("strategy: zero4"));
        Assert.Contains("allowed: none, ddp, zero1, zero2, zero3", Assert.Single(error.Faults).Message, StringComparison.Ordinal);
        error = Assert.Throws<InvalidOptionsException>(() => Resolve("strategy: { stage: 3, offloadOptimizer: tape }"));
        Assert.Contains("allowed: device, host, disk:FOLDER", Assert.Single(error.Faults).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_printed_is_read_back()
    {
        var options = new TrainerOptions { MaxEpochs = 1, Devices = 2, Strategy = Zero.Stage3 with { OffloadOptimizer = Tier.Disk("/scratch") } };
        var shape = RecordShape.OfType(typeof(TrainerOptions))!;
        AssertSame(options.Strategy, Resolve(ConfigWriter.ToYaml(shape.ToNode(options, "", _ => Origin.Default))).Strategy);
    }

    // By their text: lists in records are not compared by value.
    static void AssertSame(Strategy expected, Strategy? actual) => Assert.Equal(JsonSerializer.Serialize(expected), JsonSerializer.Serialize(actual));

    TrainerOptions Resolve(string yaml, params (string Key, string Text)[] arguments)
    {
        var path = _folder["options.yaml"];
        File.WriteAllText(path, yaml);
        var entries = arguments.Select(a => new ConfigEntry(a.Key, new ConfigScalar(a.Text, Quoted: false, Origin.Argument), Origin.Argument));
        return ResolvedConfig<TrainerOptions>.Resolve(
            RecordShape.OfType(typeof(TrainerOptions))!, new TrainerOptions { MaxEpochs = 1 }, new([path], new ConfigMap([], Origin.Default), new ConfigMap([.. entries], Origin.Argument))).Options;
    }
}
