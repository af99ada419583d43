using CsCheck;
using Raijin.App;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class ConfigWriterTests
{
    static readonly string[] Awkward =
    [
        "null", "~", "", "true", "no", "Off", "1", "1e3", "0x1F", ".inf", 
        "12:30:45", "2020-01-01", "- a", "a: b", "a #b", " a", "a ", "=", "<<", "\u0085", "\u2028", "\uFEFF",
    ];

    static readonly Gen<string> Text = Gen.OneOf(
        Gen.String,
        Gen.String["abz ,:#-[]{}&*!|>'\"%@`\n\t\\~01.é…"],
        Gen.Int[0, Awkward.Length - 1].Select(i => Awkward[i]))
        .Where(text => !text.Any(char.IsSurrogate));

    static readonly Gen<SampleOptions> Options = Gen.Select(
        Gen.Select(Gen.Int, Gen.Long.Nullable(), Gen.Bool, Gen.Enum<StrategySample>(), Gen.Int[0, 1000], Gen.Long, Gen.ULong,
            (epochs, steps, fast, strategy, cadence, ticks, seed) => new TrainerSample
            {
                MaxEpochs = epochs, MaxSteps = steps, FastDevRun = fast, Strategy = strategy, Validate = new(cadence), MaxTime = new(ticks), Seed = seed,
            }),
        Gen.Select(Gen.Int[1, int.MaxValue], Gen.Double.Where(double.IsFinite), Gen.Float.Where(float.IsFinite), Text, Gen.Int.Array[0, 4],
            Gen.Select(Gen.Int, Text, (size, activation) => new LayerSample { Size = size, Activation = activation }).Array[0, 3],
            (hidden, dropout, scale, name, widths, layers) => new ModelSample
            {
                Hidden = hidden, Dropout = dropout, Scale = scale, Name = name, Widths = widths, Layers = layers,
            }),
        Gen.Select(Text, Gen.Int, (monitor, patience) => new StoppingSample { Monitor = monitor, Patience = patience }).Null(),
        Text.Null(),
        (trainer, model, stopping, note) => new SampleOptions { Trainer = trainer, Model = model, EarlyStopping = stopping, Note = note });

    [Fact]
    public void What_is_printed_reads_back_equal_as_yaml_and_as_json() => Options.Sample(
        options =>
        {
            var tree = Tree(options);
            AssertEqual(options, Bind(YamlTree.Parse(ConfigWriter.ToYaml(tree), "a.yaml")));
            AssertEqual(options, Bind(YamlTree.Parse(ConfigWriter.ToYaml(tree, sources: true), "a.yaml")));
            AssertEqual(options, Bind(JsonTree.Parse(ConfigWriter.ToJson(tree), "a.json")));
        },
        iter: 3_000);

    [Fact]
    public void Yaml_is_plain_where_it_can_be_and_quoted_where_it_must()
    {
        var options = new SampleOptions
        {
            Trainer = new() { MaxSteps = 5, Strategy = StrategySample.Zero1 },
            Model = new() { Name = "no", Layers = [new() { Size = 3 }, new()] },
            EarlyStopping = null,
            Note = "a: b\n# c",
        };
        Golden.Match(ConfigWriter.ToYaml(Tree(options)), "sample.yaml");
        Golden.Match(ConfigWriter.ToJson(Tree(options)), "sample.json");
    }

    [Fact]
    public void Sources_stand_beside_the_values()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["base.yaml"], "trainer:\n  maxEpochs: 3\n");
        var argument = new ConfigEntry("model.widths", new ConfigScalar("1,2", Quoted: false, Origin.Argument), Origin.Argument);
        var resolved = ResolvedConfig<SampleOptions>.Resolve(Shape, new(), new([folder["base.yaml"]], new ConfigMap([], Origin.Default), new ConfigMap([argument], Origin.Argument)));
        var yaml = ConfigWriter.ToYaml(resolved.Tree, sources: true).Replace(folder.Path + Path.DirectorySeparatorChar, "", StringComparison.Ordinal);
        Golden.Match(yaml, "sources.yaml");
    }

    static GroupShape Shape => (GroupShape)ValueShape.Of(typeof(SampleOptions))!;

    static ConfigMap Tree(SampleOptions options) => Shape.ToNode(options, "", _ => Origin.Default);

    static SampleOptions Bind(ConfigMap map) => ResolvedConfig<SampleOptions>.Resolve(Shape, new SampleOptions { Note = "other", Model = new() { Widths = [9] } }, new([], new ConfigMap([], Origin.Default), map)).Options;

    static void AssertEqual(SampleOptions expected, SampleOptions actual)
    {
        Assert.Equal(expected.Trainer, actual.Trainer);
        Assert.Equal(expected.EarlyStopping, actual.EarlyStopping);
        Assert.Equal(expected.Note, actual.Note);
        Assert.Equal(expected.Model.Widths, actual.Model.Widths);
        Assert.Equal(expected.Model.Layers, actual.Model.Layers);
        Assert.Equal(expected.Model, actual.Model with { Widths = expected.Model.Widths, Layers = expected.Model.Layers });
    }
}
