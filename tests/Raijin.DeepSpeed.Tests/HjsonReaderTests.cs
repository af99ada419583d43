using System.Text.Json;

namespace Raijin.DeepSpeed.Tests;

public sealed class HjsonReaderTests
{
    static string Shown(HjsonNode? node) => node switch
    {
        HjsonObject members => "{" + string.Join(",", members.Members.Select(member => $"{JsonSerializer.Serialize(member.Key)}:{Shown(member.Value)}")) + "}",
        HjsonList list => "[" + string.Join(",", list.Items.Select(Shown)) + "]",
        HjsonScalar { Kind: HjsonKind.Text } text => JsonSerializer.Serialize(text.Text),
        HjsonScalar scalar => scalar.Text,
        _ => "unreadable",
    };

    static string Read(string text)
    {
        var node = HjsonReader.Read(text, out var faults);
        return faults.Count == 0 ? Shown(node) : string.Join(" | ", faults.Select(fault => $"{fault.At}: {fault.Key}{(fault.Key.Length > 0 ? " " : "")}{fault.Message}"));
    }

    [Theory]
    [InlineData("{}", "{}")]
    [InlineData("{\"a\": 1, \"b\": [1, 2.5, -3e-4, true, false, null, \"x\"]}", "{\"a\":1,\"b\":[1,2.5,-3e-4,true,false,null,\"x\"]}")]
    [InlineData("{a: 1,}", "{\"a\":1}")]
    [InlineData("{\n a: 1\n b: two words, and a comma\n c: tru\n}", "{\"a\":1,\"b\":\"two words, and a comma\",\"c\":\"tru\"}")]
    [InlineData("a: 1\nb: {c: 2}\n", "{\"a\":1,\"b\":{\"c\":2}}")]
    [InlineData("{a: 'single' }", "{\"a\":\"single\"}")]
    [InlineData("{a: [1\n 2\n 3,]}", "{\"a\":[1,2,3]}")]
    [InlineData("{a: 1 # comment\n, b: 007 }\n}", "{\"a\":1,\"b\":\"007 }\"}")]
    [InlineData("{a: \"\\u0041\\n\"}", "{\"a\":\"A\\n\"}")]
    [InlineData("{a:\n  '''\n  first\n    second\n  '''\n}", "{\"a\":\"first\\n  second\"}")]
    public void Lenient_text_is_read_as_Hjson_has_it(string text, string expected) => Assert.Equal(expected, Read(text));

    [Theory]
    [InlineData("", "line 1, column 1: there is nothing in it")]
    [InlineData("{\"a\": 1", "line 1, column 8: the text ends, but the { of line 1, column 1 is not closed")]
    [InlineData("{\"a\": [1, 2", "line 1, column 12: the text ends, but the [ of line 1, column 7 is not closed")]
    [InlineData("{\n  \"a\" 1\n}", "line 2, column 7: '1' stands where the : after \"a\" is expected")]
    [InlineData("{\"a\": ]}", "line 1, column 7: ']' stands where a value is expected")]
    [InlineData("{\"a\": 1}}", "line 1, column 9: '}' stands after the end of the configuration")]
    [InlineData("{\"a\": \"x\n\"}", "line 1, column 7: the text in quotes that begins here is not closed on its line")]
    [InlineData("{\"a\": 1,, \"b\": 2}", "line 1, column 9: a comma stands where a key is expected")]
    [InlineData("# one\n{ // two\n 'a' /* three */ : 'it''s' }", "line 3, column 28: '}' stands where the : after \"s\" is expected")]
    [InlineData("/* open", "line 1, column 1: the comment that begins here is not closed by */")]
    [InlineData("{\"a\": 1, \"b\": 2,\n \"a\": 3, \"b\": 4}", "line 2, column 2: a is given twice: here and on line 1, column 2 | line 2, column 10: b is given twice: here and on line 1, column 10")]
    [InlineData("{\"a\": {{batch}},\n \"b\": \"${DIR}/x\", c: <rate> }", "line 1, column 7: the placeholder {{batch}} of a template is not filled in: write the value in its place | line 2, column 7: the placeholder ${DIR} of a template is not filled in: write the value in its place | line 2, column 22: the placeholder <rate> of a template is not filled in: write the value in its place")]
    public void What_cannot_be_read_is_named_with_line_and_column(string text, string expected) => Assert.Equal(expected, Read(text));

    [Fact]
    public void Nesting_and_numbers_are_bounded()
    {
        Assert.Contains("nests deeper than the 64 levels", Read(string.Concat(Enumerable.Repeat("[", 100_000))), StringComparison.Ordinal);
        Assert.Contains("nests deeper than the 64 levels", Read(string.Concat(Enumerable.Repeat("{\"a\":", 100_000))), StringComparison.Ordinal);
        Assert.Contains("has 1000 characters; 64 are allowed", Read("{a: " + new string('9', 1000) + "}"), StringComparison.Ordinal);
        Assert.Contains("has more than the 100,000 values", Read("[" + string.Concat(Enumerable.Repeat("1,", 100_001)) + "]"), StringComparison.Ordinal);
    }

    [Fact]
    public void Json_is_read_as_a_reader_of_json_reads_it()
    {
        foreach (var text in (string[])[Samples.Plain, Samples.Auto, Samples.Elastic])
        {
            using var json = JsonDocument.Parse(text);
            Assert.Equal(JsonSerializer.Serialize(json.RootElement), Read(text));
        }
    }
}
