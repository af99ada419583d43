using Raijin.App;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class ConfigLayersTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Defaults_then_files_in_order_then_arguments_win_key_by_key()
    {
        var resolved = Resolve([Yaml("a", "trainer: { maxEpochs: 1, fastDevRun: true }\nmodel: { hidden: 8 }"), Yaml("b", "trainer: { maxEpochs: 2 }")], ("model.hidden", "16"));
        Assert.Equal(2, resolved.Options.Trainer.MaxEpochs);
        Assert.True(resolved.Options.Trainer.FastDevRun);
        Assert.Equal(16, resolved.Options.Model.Hidden);
        Assert.Equal(0.1, resolved.Options.Model.Dropout);
    }

    [Fact]
    public void Defaults_given_in_code_are_kept_and_not_changed()
    {
        var defaults = new SampleOptions { Model = new() { Hidden = 7, Name = "mine" } };
        var resolved = ResolvedConfig<SampleOptions>.Resolve(Shape, defaults, Sources([], Arguments(("model.hidden", "9"))));
        Assert.Equal((9, "mine", 7), (resolved.Options.Model.Hidden, resolved.Options.Model.Name, defaults.Model.Hidden));
    }

    [Fact]
    public void Every_kind_of_value_binds_from_yaml_and_from_json()
    {
        var yaml = Yaml("a", """
            trainer:
              maxSteps: 12345678901
              strategy: dataParallel
              validate: 500 steps
              maxTime: 1.5h
              seed: 18446744073709551615
            model:
              dropout: 1e-3
              scale: 0.5
              name: yes
              widths: [1, 2, 3]
              layers:
                - size: 4
                - { size: 5, activation: "null" }
            note: a b
            """);
        var json = Json("b", """
            {
              // everything once more
              "trainer": { "maxSteps": 12345678901, "strategy": "dataParallel", "validate": "500 steps", "maxTime": "01:30:00", "seed": 18446744073709551615 },
              "model": { "dropout": 0.001, "scale": 0.5, "name": "yes", "widths": [1, 2, 3], "layers": [{ "size": 4 }, { "size": 5, "activation": "null" }], },
              "note": "a b",
            }
            """);
        foreach (var options in new[] { Resolve([yaml]).Options, Resolve([json]).Options })
        {
            Assert.Equal(12345678901, options.Trainer.MaxSteps);
            Assert.Equal(StrategySample.DataParallel, options.Trainer.Strategy);
            Assert.Equal(new Cadence(500), options.Trainer.Validate);
            Assert.Equal(TimeSpan.FromMinutes(90), options.Trainer.MaxTime);
            Assert.Equal(ulong.MaxValue, options.Trainer.Seed);
            Assert.Equal((0.001, 0.5f, "yes"), (options.Model.Dropout, options.Model.Scale, options.Model.Name));
            Assert.Equal([1, 2, 3], options.Model.Widths);
            Assert.Equal([new LayerSample { Size = 4 }, new LayerSample { Size = 5, Activation = "null" }], options.Model.Layers);
            Assert.Equal("a b", options.Note);
        }
    }

    [Theory]
    [InlineData("1,2,3", new[] { 1, 2, 3 })]
    [InlineData("[4, 5]", new[] { 4, 5 })]
    [InlineData("6", new[] { 6 })]
    [InlineData("[]", new int[0])]
    public void A_list_as_an_argument_is_split_at_commas(string text, int[] expected) =>
        Assert.Equal(expected, Resolve([], ("model.widths", text)).Options.Model.Widths);

    [Fact]
    public void Null_switches_a_group_off_and_a_later_key_switches_it_on_again()
    {
        var off = Yaml("off", "earlyStopping: null");
        Assert.Null(Resolve([off]).Options.EarlyStopping);
        Assert.Equal(new StoppingSample { Patience = 3 }, Resolve([off], ("earlyStopping.patience", "3")).Options.EarlyStopping);
        Assert.Null(Resolve([Yaml("on", "earlyStopping: { patience: 4 }"), off]).Options.EarlyStopping);
        Assert.Equal(new StoppingSample(), Resolve([off, Yaml("again", "earlyStopping: {}")]).Options.EarlyStopping);
    }

    [Fact]
    public void Dotted_keys_work_in_files_too() => Assert.Equal(3, Resolve([Yaml("a", "trainer.maxEpochs: 3")]).Options.Trainer.MaxEpochs);

    [Fact]
    public void An_empty_file_and_an_empty_group_change_nothing()
    {
        Assert.Equal(10, Resolve([Yaml("a", ""), Yaml("b", "# nothing\n"), Yaml("c", "trainer:\n")]).Options.Trainer.MaxEpochs);
    }

    [Fact]
    public void An_argument_given_twice_is_the_last_one() =>
        Assert.Equal(2, Resolve([], ("trainer.maxEpochs", "1"), ("trainer.maxEpochs", "2")).Options.Trainer.MaxEpochs);

    [Fact]
    public void Every_fault_of_every_layer_is_reported_at_once_with_its_line()
    {
        var a = Yaml("a", """
            trainer:
              maxEpoch: 3
              maxEpochs: many
              strategy: zero4
              fastDevRun: "true"
              validate: often
              maxTime: 10
              maxEpochs: 4
            modle:
              hidden: 3
            """);
        var b = Json("b", """
            {
              "trainer": { "seed": -1, "maxSteps": 1.5 },
              "model": {
                "widths": [1, "two", null],
                "layers": [{ "size": 3 }, { "sise": 4 }],
                "name": null, "dropout": [1]
              },
              "earlyStopping": 5,
              "note": { "a": 1 }
            }
            """);
        var error = Assert.Throws<InvalidOptionsException>(() => Resolve([a, b], ("model.hiden", "3"), ("hidden", "4"), ("model.hidden", "0"), ("model.dropout", "NaN")));
        Golden.Match(error.Message.Replace(_folder.Path + Path.DirectorySeparatorChar, "", StringComparison.Ordinal), "faults.txt");
    }

    [Fact]
    public void A_missing_file_does_not_hide_the_faults_of_the_others()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => Resolve([_folder["absent.yaml"], Yaml("a", "nothing: 1")]));
        Assert.Equal(2, error.Faults.Count);
        Assert.Contains("does not exist", error.Faults[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Faults_found_later_get_the_line_of_their_value()
    {
        var resolved = Resolve([Yaml("a", "trainer:\n  maxEpochs: 0")]);
        var located = resolved.Locate([new("trainer.maxEpochs = 0", "must be at least 1"), new("trainer.seed = 0", "odd")]);
        Assert.Equal(["must be at least 1 (a.yaml line 2)", "odd"], located.Select(f => f.Message.Replace(_folder.Path + Path.DirectorySeparatorChar, "", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_property_no_shape_fits_is_not_a_key()
    {
        var keys = ((RecordShape)ValueShape.Of(typeof(SampleOptions))!).Leaves().Select(leaf => leaf.Path).ToList();
        Assert.DoesNotContain("onlyInCode", keys);
        Assert.Equal(16, keys.Count);
    }

    ResolvedConfig<SampleOptions> Resolve(string[] files, params (string Key, string Text)[] arguments) =>
        ResolvedConfig<SampleOptions>.Resolve(Shape, new SampleOptions(), Sources(files, Arguments(arguments)));

    static GroupShape Shape => (GroupShape)ValueShape.Of(typeof(SampleOptions))!;

    static ConfigSources Sources(string[] files, ConfigMap arguments) => new(files, new ConfigMap([], Origin.Default), arguments);

    static ConfigMap Arguments(params (string Key, string Text)[] arguments) =>
        new([.. arguments.Select(a => new ConfigEntry(a.Key, new ConfigScalar(a.Text, Quoted: false, Origin.Argument), Origin.Argument))], Origin.Argument);

    string Yaml(string name, string text) => Write(name + ".yaml", text);

    string Json(string name, string text) => Write(name + ".json", text);

    string Write(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        return _folder[name];
    }
}
