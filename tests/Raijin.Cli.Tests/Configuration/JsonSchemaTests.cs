using System.Text.Json.Nodes;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class JsonSchemaTests
{
    [Theory]
    [InlineData("demo")]
    [InlineData("digits")]
    [InlineData("mnist")]
    public void The_default_configuration_is_valid_by_its_own_schema(string task)
    {
        var config = JsonNode.Parse(Call.Run("config", "print", task, "--json").Out)!["config"];
        Assert.Empty(SchemaRules.Problems(config, Schema(task)));
    }

    [Theory]
    [InlineData("""{ "trainer": { "maxEpoch": 3 } }""", "$.trainer.maxEpoch")]
    [InlineData("""{ "trainer": { "maxEpochs": "3" } }""", "$.trainer.maxEpochs")]
    [InlineData("""{ "optimizer": { "learningRate": 0 } }""", "$.optimizer")]
    [InlineData("""{ "optimizer": "adamm" }""", "$.optimizer")]
    [InlineData("""{ "optimizer": { "kind": "adamW", "momentum": 0.9 } }""", "$.optimizer")]
    [InlineData("""{ "checkpoint": { "keep": -1 } }""", "$.checkpoint.keep")]
    [InlineData("""{ "earlyStopping": { "patience": 0 } }""", "$.earlyStopping.patience")]
    [InlineData("""{ "data": { "strategy": "zero4" } }""", "$.data.strategy")]
    [InlineData("""{ "model": { "widths": [1, "two"] } }""", "$.model.widths[1]")]
    [InlineData("""{ "model": null }""", "$.model")]
    public void What_the_program_refuses_the_schema_refuses_too(string config, string path)
    {
        Assert.Equal([path], SchemaRules.Problems(JsonNode.Parse(config), Schema("demo")));
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["a.json"], config);
        if (config != """{ "model": null }""") Assert.Equal(2, Call.Run("config", "validate", "demo", folder["a.json"]).ExitCode); // null leaves a group as it is
    }

    [Theory]
    [InlineData("""{ "optimizer": "sgd", "schedule": { "kind": "stepDecay", "factor": 0.5 } }""")]
    [InlineData("""{ "optimizer": { "momentum": 0.9 }, "earlyStopping": null }""")]
    [InlineData("""{ "trainer": { "maxSteps": null, "validate": "100 steps" } }""")]
    public void What_may_be_written_is_valid(string config) => Assert.Empty(SchemaRules.Problems(JsonNode.Parse(config), Schema("demo")));

    [Fact]
    public void It_says_what_keys_mean_and_what_they_are_when_nothing_is_said()
    {
        var schema = Schema("digits");
        Assert.Equal("https://json-schema.org/draft/2020-12/schema", (string?)schema["$schema"]);
        var hidden = schema["properties"]!["model"]!["properties"]!["hidden"]!;
        Assert.Equal("Units of each hidden layer.", (string?)hidden["description"]);
        Assert.Equal((128, 1.0), ((int)hidden["default"]!, (double)hidden["minimum"]!));
        Assert.Null(schema["properties"]!["data"]!["properties"]!["seed"]); // it follows trainer.seed
    }

    static JsonNode Schema(string task)
    {
        var call = Call.Run("config", "schema", task);
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        return JsonNode.Parse(call.Out)!;
    }
}
