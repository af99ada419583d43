using System.Text;
using System.Text.Json.Serialization;
using CsCheck;
using Raijin.Data.Tests.Loading;
using Raijin.Testing;

namespace Raijin.Data.Tests.Datasets;

public sealed partial class LinesDatasetTests : IDisposable
{
    static readonly string[] Lines = ["", "a", "zwölf", "two words", "\r", "x\ry"];

    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Lines_are_those_that_a_text_reader_finds() =>
        Gen.Select(Gen.Int[0, 5].Select(i => Lines[i]).Array[0, 12], Gen.Bool, Gen.Bool).Sample((lines, windows, last) =>
        {
            var ending = windows ? "\r\n" : "\n";
            File.WriteAllText(_folder["lines"], string.Join(ending, lines) + (last ? ending : ""));
            using var set = new LinesDataset(_folder["lines"]);
            var expected = File.ReadAllText(_folder["lines"]).Split('\n').ToList();
            if (expected[^1].Length == 0) expected.RemoveAt(expected.Count - 1);
            Assert.Equal(expected.Select(line => line.EndsWith('\r') ? line[..^1] : line), Enumerable.Range(0, (int)set.Count).Select(i => set.Get(new(i))));
        }, iter: 200, threads: 1);

    [Fact]
    public void Lines_longer_than_the_buffer_are_found()
    {
        var lines = new[] { new string('a', 3 << 20), "b", new string('c', 1 << 20), "" };
        File.WriteAllText(_folder["lines"], string.Join('\n', lines) + "\nend");
        using var set = new LinesDataset(_folder["lines"]);
        Assert.Equal([.. lines, "end"], Enumerable.Range(0, 5).Select(i => set.Get(new(i))));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Get(new(5)));
    }

    [Fact]
    public void Json_lines_are_shuffled_and_batched_by_workers()
    {
        File.WriteAllLines(_folder["json"], Enumerable.Range(0, 50).Select(i => $$"""{"Number": {{i}}}"""));
        using var set = new LinesDataset(_folder["json"]);
        var loader = set.Json(LinesJson.Default.Line).Map(line => line.Number).Batches(new LoaderOptions { BatchSize = 8, Workers = 2 }, Read.Collated);
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (long)i), Read.Labels(loader).SelectMany(batch => batch).Order());
    }

    [Fact]
    public void What_is_no_text_or_no_json_is_named_by_file_and_line()
    {
        File.WriteAllBytes(_folder["bad"], [.. "{\"Number\": 1}\n{\"Number\": }\n\xff\nnull\n".Select(c => (byte)c)]);
        using var set = new LinesDataset(_folder["bad"]);
        Assert.Equal(4, set.Count);
        var json = set.Json(LinesJson.Default.Line);
        Assert.Equal(1, json.Get(new(0)).Number);
        Assert.StartsWith($"{_folder["bad"]} line 2 is not a JSON value of type Line: ", Assert.Throws<InvalidDataException>(() => json.Get(new(1))).Message, StringComparison.Ordinal);
        Assert.StartsWith($"{_folder["bad"]} line 3 is not UTF-8: ", Assert.Throws<InvalidDataException>(() => set.Get(new(2))).Message, StringComparison.Ordinal);
        Assert.Contains("line 4 is null", Assert.Throws<InvalidDataException>(() => json.Get(new(3))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_file_has_no_lines_and_a_closed_one_says_so()
    {
        File.WriteAllText(_folder["empty"], "");
        using (var set = new LinesDataset(_folder["empty"])) Assert.Equal(0, set.Count);
        File.WriteAllText(_folder["one"], "a", Encoding.UTF8);
        var closed = new LinesDataset(_folder["one"]);
        closed.Dispose();
        Assert.Throws<ObjectDisposedException>(() => closed.Get(new(0)));
        Assert.Throws<FileNotFoundException>(() => new LinesDataset(_folder["none"]));
    }

    internal sealed record Line(long Number);

    [JsonSerializable(typeof(Line))]
    internal sealed partial class LinesJson : JsonSerializerContext;
}
