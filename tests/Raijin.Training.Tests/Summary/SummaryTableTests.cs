using Raijin.Testing;
using Raijin.Training.Tests.Display;

namespace Raijin.Training.Tests.Summary;

public sealed class SummaryTableTests
{
    static ModuleFacts Row(string name, int depth, string type, long[]? shape, long parameters, long? flops = null, bool children = false, long own = 0) =>
        new(name, depth, type, shape, parameters, children ? own : parameters, flops, children);

    static ModelFacts Facts(params ModuleFacts[] modules) => new() { Name = "Model", Modules = modules, Parameters = 9_610, TrainableParameters = 1_290, Bytes = 38_440, Flops = 18_944 * 64 };

    [Fact]
    public void Rows_are_nested_and_each_column_adds_up()
    {
        var facts = Facts(
            Row("net", 0, "Sequential", [64, 10], 9_610, 18_944 * 64, children: true),
            Row("0", 1, "Linear", [64, 128], 8_320, 16_384 * 64),
            Row("1", 1, "ReLU", [64, 128], 0),
            Row("blocks", 1, "ModuleList", null, 1_290, 2_560 * 64, children: true),
            Row("0", 2, "Block", [64, 10], 1_290, 2_560 * 64, children: true, own: 10),
            Row("linear", 3, "Linear", [64, 10], 1_280, 2_560 * 64),
            Row("loss", 0, "CrossEntropyLoss", null, 0));
        Golden.Match(TestConsole.TextOf(SummaryTable.Lines(facts, 64, maxDepth: 3, maxRows: 40)), "nested.txt");
    }

    [Fact]
    public void A_large_model_shows_fewer_levels_before_it_loses_rows()
    {
        var modules = Enumerable.Range(0, 12).SelectMany(i => (ModuleFacts[])[Row($"block{i}", 0, "Block", [2, 8], 100, 640, children: true), .. Enumerable.Range(0, 5).Select(j => Row($"part{j}", 1, "Linear", [2, 8], 20, 128))]).ToArray();
        var lines = SummaryTable.Lines(Facts(modules), 2, maxDepth: 3, maxRows: 20);
        Assert.Equal(12 + 4, lines.Count);
        Assert.Contains("100", TestConsole.TextOf([lines[2]]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_with_many_parts_shows_its_beginning_and_its_end()
    {
        var modules = Enumerable.Range(0, 100).Select(i => Row($"layer{i}", 0, "Linear", [2, 8], 72, 256)).ToArray();
        Golden.Match(TestConsole.TextOf(SummaryTable.Lines(Facts(modules), 2, maxDepth: 3, maxRows: 9)), "long.txt");
    }
}
