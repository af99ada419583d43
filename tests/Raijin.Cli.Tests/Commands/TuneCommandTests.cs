using System.Text.Json;
using Raijin.App;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class TuneCommandTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    string Search => _folder["search"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_search_runs_its_trials_as_processes_and_goes_on_where_it_was()
    {
        File.WriteAllText(_folder["search.yaml"], "trainer: { maxEpochs: 2 }\ndata: { batchSize: 256 }\nsearch:\n  model.hidden: [4, 64]\n  optimizer: { choice: [adamW, sgd] }\n");
        Directory.CreateDirectory(Search);
        var first = Tune("--config", _folder["search.yaml"], "--sampler", "grid", "--stop", "none", "--trials", "1");
        var trial = Assert.Single(Trials(first));
        Assert.Equal(("done", "4", "adamW"), (trial.GetProperty("state").GetString(), Value(trial, "model.hidden"), Value(trial, "optimizer")));

        // More trials of the same search: the one that ended is not run again, one that fails does not end it.
        Directory.CreateDirectory(Path.Combine(Search, "trials"));
        File.WriteAllText(Path.Combine(Search, "trials", "1"), "a file where the run's folder should be");
        var all = Tune("--trials", "10", "--jobs", "2");
        var states = Trials(all).Select(t => t.GetProperty("state").GetString()).ToList();
        Assert.Equal(["done", "failed", "done", "done"], states); // the grid has four
        Assert.Equal(trial.GetProperty("seconds").GetDouble(), Trials(all)[0].GetProperty("seconds").GetDouble());
        Assert.NotEqual("", Trials(all)[1].GetProperty("problem").GetString());

        var best = Trials(all).Where(t => t.GetProperty("score").ValueKind == JsonValueKind.Number).MaxBy(t => t.GetProperty("score").GetDouble());
        Assert.Equal(best.GetProperty("number").GetInt32(), all.GetProperty("best").GetInt32());
        var printed = Call.Run("config", "print", "digits", "--config", Path.Combine(Search, "best.yaml")).Out;
        Assert.Contains($"hidden: {Value(best, "model.hidden")}\n", printed, StringComparison.Ordinal);
        Assert.Contains("maxEpochs: 2\n", printed, StringComparison.Ordinal);

        var other = Call.Of(BuiltInTasks.App(), [], "tune", "digits", "--resume", Search, "--search", "model.layers=1,2");
        Assert.Equal(2, other.ExitCode);
        Assert.Contains("go on with the same ranges", other.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_searched_is_said_at_once_with_its_line()
    {
        File.WriteAllText(_folder["a.yaml"], "trainer: { maxEpoch: 2 }\nsearch:\n  model.hiden: [1]\n  model.hidden: { log: [0, 5] }\n  model.dropout: 0.5..2.0\n  optimizer: [sgdd]\n");
        var call = Call.Run("tune", "digits", "--config", _folder["a.yaml"], "--sampler", "best", "--search", "nothing", "--jobs", "0");
        Assert.Equal(2, call.ExitCode);
        Golden.Match(call.Error.Replace(_folder.Path + Path.DirectorySeparatorChar, "", StringComparison.Ordinal), "tune-faults.txt");
    }

    [Fact]
    public void A_search_without_options_says_how_to_give_one() =>
        Assert.Contains("--search   needed: give at least one option and its range", Call.Run("tune", "digits").Error, StringComparison.Ordinal);

    // Trials are processes of the program itself, which here is the test host: the tool stands in for it.
    JsonElement Tune(params string[] args)
    {
        using StringWriter output = new(), error = new();
        var app = BuiltInTasks.App().Describe() with { Start = [Path.Combine(AppContext.BaseDirectory, "raijin")] };
        var exitCode = new CommandLine(app, new Terminal(output, error, TerminalStyle.Plain), new Dictionary<string, string>()).Run(["tune", "digits", "--resume", Search, "--json", .. args]);
        Assert.True(exitCode == 0, error.ToString());
        return JsonDocument.Parse(output.ToString().TrimEnd().Split('\n')[^1]).RootElement;
    }

    static List<JsonElement> Trials(JsonElement result) => [.. result.GetProperty("trials").EnumerateArray()];

    static string? Value(JsonElement trial, string key) => trial.GetProperty("values").GetProperty(key).GetString();
}
