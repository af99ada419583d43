using System.Text;
using CsCheck;
using Raijin.App;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class ConfigFileTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a: &x 1\nb: *x", "line 1: anchors and aliases (&, *) are not allowed")]
    [InlineData("a: 1\nb: *x", "line 2: anchors and aliases (&, *) are not allowed")]
    [InlineData("a: !!python/object:os.system 1", "line 1: type tags (!) are not allowed")]
    [InlineData("a: !Some.Type {}", "line 1: type tags (!) are not allowed")]
    [InlineData("a: 1\n---\nb: 2", "line 2: holds more than one document; a configuration file has one")]
    [InlineData("- a\n- b", "line 1: expected keys and values at the top level")]
    [InlineData("just text", "line 1: expected keys and values at the top level")]
    [InlineData("a: 1\n? [b]\n: 2", "line 1: a key must be plain text")]
    [InlineData("a: {b: 1", "line 2: is not well-formed YAML: While parsing a flow mapping, did not find expected ',' or '}'.")]
    [InlineData("a:\n\tb: 1", "line 1: is not well-formed YAML: While scanning a mapping, found invalid tab as indentation.")]
    public void Yaml_that_is_malformed_or_more_than_data_is_refused(string text, string expected) => Assert.Equal(expected, Refusal("a.yaml", text));

    [Theory]
    [InlineData("[1]", "line 1: expected an object { … } at the top level")]
    [InlineData("{\n  \"a\": 1\n  \"b\": 2\n}", "line 3: is not well-formed JSON: '\"' is invalid after a value. Expected either ',', '}', or ']'.")]
    [InlineData("{} {}", "line 1: is not well-formed JSON: '{' is invalid after a single JSON value. Expected end of data.")]
    [InlineData("", "line 1: is not well-formed JSON: The input does not contain any JSON tokens. Expected the input to start with a valid JSON token, when isFinalBlock is true.")]
    public void Json_that_is_malformed_is_refused(string text, string expected) => Assert.Equal(expected, Refusal("a.json", text));

    [Fact]
    public void Nesting_beyond_the_limit_is_refused_at_once()
    {
        Assert.Equal("line 1: is nested more than 32 levels deep", Refusal("a.yaml", "a: " + new string('[', 500_000)));
        Assert.Contains("maximum configured depth of 32", Refusal("a.json", "{\"a\": " + new string('[', 500_000)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_beyond_the_limit_is_refused() =>
        Assert.Equal("has 1048577 bytes; a configuration file has at most 1048576", Refusal("a.yaml", new string('#', ConfigFile.MaxBytes + 1)));

    [Fact]
    public void What_is_no_text_or_no_configuration_is_refused()
    {
        File.WriteAllBytes(_folder["a.yaml"], [0x61, 0x3a, 0xff]);
        Assert.Equal("is not UTF-8 text", Refusal("a.yaml"));
        Assert.Equal("expected a .yaml, .yml or .json file, not '.toml'", Refusal("a.toml", "a = 1"));
        Directory.CreateDirectory(_folder["b.yaml"]);
        Assert.Equal("is a folder, not a file", Refusal("b.yaml"));
    }

    [Fact]
    public void Lines_are_counted_in_both_formats()
    {
        var yaml = Read("a.yaml", "# one\na: 1\n\nb:\n  c: [1,\n    2]\n");
        Assert.Equal([2, 4], yaml.Entries.Select(entry => entry.Origin.Line));
        Assert.Equal([5, 6], ((ConfigList)((ConfigMap)yaml.Entries[1].Value).Entries[0].Value).Items.Select(item => item.Origin.Line));
        var json = Read("a.json", "\uFEFF{ // one\n\"a\": 1,\n/* three\nfour */ \"b\": {\n\"c\": [1,\n2]}}");
        Assert.Equal([2, 4], json.Entries.Select(entry => entry.Origin.Line));
        Assert.Equal([5, 6], ((ConfigList)((ConfigMap)json.Entries[1].Value).Entries[0].Value).Items.Select(item => item.Origin.Line));
    }

    [Fact]
    public void Mutated_files_are_read_or_refused_and_never_crash()
    {
        const string seed = "a: 1\nb: {c: [x, 'y', \"z\"], d: |\n text\n}\n? e\n: - 1\n  - {f: g}\n%YAML &a *b !c # d\n";
        Gen.Select(Gen.Int[0, seed.Length - 1], Gen.Char["{}[]:,&*!?|>-'\"%@`#\n\t \\0aé"], Gen.Int[0, seed.Length - 1]).Array[1, 6].Sample(
            mutations =>
            {
                var text = new StringBuilder(seed);
                foreach (var (at, character, cut) in mutations)
                {
                    text[at % text.Length] = character;
                    if (cut % 3 == 0) text.Remove(cut % text.Length, 1);
                }
                foreach (var parse in new Func<string, string, ConfigMap>[] { YamlTree.Parse, JsonTree.Parse })
                {
                    try
                    {
                        parse(text.ToString(), "a");
                    }
                    catch (InvalidOptionsException refused)
                    {
                        Assert.Single(refused.Faults);
                    }
                }
            },
            iter: 20_000);
    }

    ConfigMap Read(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        return ConfigFile.Read(_folder[name]);
    }

    // "line 3: problem", or the problem alone, without the folder.
    string Refusal(string name, string? text = null)
    {
        if (text is not null) File.WriteAllText(_folder[name], text);
        var fault = Assert.Single(Assert.Throws<InvalidOptionsException>(() => ConfigFile.Read(_folder[name])).Faults);
        var line = fault.Key.Replace(_folder[name], "", StringComparison.Ordinal).Trim();
        return line.Length > 0 ? $"{line}: {fault.Message}" : fault.Message;
    }
}
