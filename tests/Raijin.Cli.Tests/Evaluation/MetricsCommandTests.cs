using System.Text.Json;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

/// <summary><c>raijin metrics</c> on files of predictions, beside what eng/recordings/metrics_command.py recorded of scikit-learn and scipy.</summary>
public sealed class MetricsCommandTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    static string Recordings([System.Runtime.CompilerServices.CallerFilePath] string test = "") => Path.Combine(Path.GetDirectoryName(test)!, "Recordings");

    string Write(params string[] lines)
    {
        var path = _folder["file.csv"];
        File.WriteAllLines(path, lines);
        return path;
    }

    static JsonElement Json(Call call) => JsonDocument.Parse(call.Out.TrimEnd().Split('\n')[^1]).RootElement;

    static void Near(double expected, JsonElement actual, string name) =>
        Assert.True(Math.Abs(expected - actual.GetDouble()) <= 1e-9 * Math.Max(1, Math.Abs(expected)), $"{name}: expected {expected:r}, but it is {actual.GetDouble():r}");

    [Theory]
    [InlineData("binary")]
    [InlineData("multiclass")]
    [InlineData("multilabel")]
    [InlineData("regression")]
    public void Every_number_is_the_reference_s(string task)
    {
        var call = Call.Run("metrics", "--task", task, Path.Combine(Recordings(), task + ".csv"), "--no-plots", "--json");
        Assert.Equal(0, call.ExitCode);
        var json = Json(call);
        using var recorded = JsonDocument.Parse(File.ReadAllText(Path.Combine(Recordings(), "measures.json")));
        foreach (var measure in recorded.RootElement.GetProperty(task).EnumerateObject())
        {
            if (measure.Name == "confusion")
                Assert.Equal(measure.Value.EnumerateArray().SelectMany(r => r.EnumerateArray()).Select(v => v.GetDouble()), json.GetProperty("confusion").EnumerateArray().SelectMany(r => r.EnumerateArray()).Select(v => v.GetDouble()));
            else if (measure.Name.Split('.') is [var metric, "perClass"])
                foreach (var (index, value) in measure.Value.EnumerateArray().Index()) Near(value.GetDouble(), json.GetProperty("perClass").GetProperty(metric)[index], measure.Name);
            else
                Near(measure.Value.GetDouble(), json.GetProperty("metrics").GetProperty(measure.Name), measure.Name);
        }
    }

    [Theory]
    [InlineData("binary")]
    [InlineData("multiclass")]
    [InlineData("multilabel")]
    [InlineData("regression")]
    public void The_table_shows_all_of_them(string task)
    {
        var call = Call.Run("metrics", "--task", task, Path.Combine(Recordings(), task + ".csv"), "--no-plots");
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        Golden.Match(call.Out, $"metrics-{task}.txt");
    }

    [Fact]
    public void Pictures_are_drawn_into_the_folder_asked_for()
    {
        var call = Call.Run("metrics", "--task", "binary", Path.Combine(Recordings(), "binary.csv"), "--output", _folder["pictures"], "--json");
        Assert.Equal(["calibration-error.png", "confusion-matrix.png", "precision-recall-curve.png", "roc.png"], Directory.GetFiles(_folder["pictures"]).Select(Path.GetFileName).Order());
        Assert.All(Json(call).GetProperty("pictures").EnumerateArray(), p => Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(p.GetString()!)[..4]));
    }

    [Fact]
    public void Classes_may_be_names()
    {
        var json = Json(Call.Run("metrics", "--task", "multiclass", Write("target,prediction", "owl,owl", "cat,dog", "dog,dog", "cat,cat"), "--no-plots", "--json"));
        Assert.Equal(3, json.GetProperty("classes").GetInt32());
        Near(0.75, json.GetProperty("metrics").GetProperty("Accuracy"), "Accuracy");
        // cat, dog, owl
        Assert.Equal([1, 1, 0, 0, 1, 0, 0, 0, 1], json.GetProperty("confusion").EnumerateArray().SelectMany(r => r.EnumerateArray()).Select(v => v.GetDouble()));
    }

    [Fact]
    public void A_binary_file_may_hold_both_probabilities_or_hard_predictions()
    {
        var both = Json(Call.Run("metrics", "--task", "binary", Write("target,p0,p1", "0,0.8,0.2", "1,0.4,0.6", "1,0.7,0.3"), "--no-plots", "--json")).GetProperty("metrics");
        Near(1, both.GetProperty("Auroc"), "Auroc");
        Near(2 / 3.0, both.GetProperty("Accuracy"), "Accuracy");
        var hard = Json(Call.Run("metrics", "--task", "binary", Write("target,prediction", "0,0", "1,1", "1,0"), "--no-plots", "--json")).GetProperty("metrics");
        Near(2 / 3.0, hard.GetProperty("Accuracy"), "Accuracy");
        Assert.False(hard.TryGetProperty("Auroc", out _));
    }

    [Fact]
    public void A_threshold_decides_what_is_1() =>
        Near(1, Json(Call.Run("metrics", "--task", "binary", Write("target,prediction", "0,0.2", "1,0.35", "1,0.6"), "--threshold", "0.3", "--no-plots", "--json")).GetProperty("metrics").GetProperty("Accuracy"), "Accuracy");

    [Fact]
    public void Weights_count()
    {
        var json = Json(Call.Run("metrics", "--task", "regression", Write("target,prediction,weight", "1,2,1", "1,1,3"), "--no-plots", "--json"));
        Near(0.25, json.GetProperty("metrics").GetProperty("MeanSquaredError"), "MeanSquaredError");
    }

    [Theory]
    [InlineData("binary", "row 2: prediction is 1.2: expected a probability from 0 to 1", "target,prediction", "0,0.5", "1,1.2")]
    [InlineData("binary", "row 1: target is 2: expected a class from 0 to 1", "target,prediction", "2,0.5")]
    [InlineData("binary", "row 2: target is empty", "target,prediction", "1,0.5", ",0.5")]
    [InlineData("binary", "row 1: p0 to p1 sum to 1.2", "target,p0,p1", "1,0.5,0.7")]
    [InlineData("binary", "a binary file has p0 and p1, or prediction", "target,p0,p1,p2", "1,0.5,0.5,0")]
    [InlineData("binary", "has no column target. It has: label, prediction", "label,prediction", "1,0.5")]
    [InlineData("binary", "row 1: weight is -1: expected 0 or more", "target,prediction,weight", "1,0.5,-1")]
    [InlineData("multiclass", "has p2, but not p1: number the columns from 0", "target,p0,p2", "1,0.5,0.5")]
    [InlineData("multiclass", "row 1: target is 2: expected a class from 0 to 1", "target,p0,p1", "2,0.5,0.5")]
    [InlineData("multiclass", "row 1: prediction is -1: expected a class", "target,prediction", "1,-1")]
    [InlineData("multilabel", "has 2 columns t0, t1, … and 1 columns p0, p1", "t0,t1,p0", "1,0,0.5")]
    [InlineData("regression", "has targets such as \"a\": expected numbers", "target,prediction", "a,1")]
    [InlineData("regression", "has no row below its header", "target,prediction")]
    public void A_file_that_is_wrong_says_where(string task, string expected, params string[] lines)
    {
        var call = Call.Run("metrics", "--task", task, Write(lines), "--no-plots");
        Assert.Equal(1, call.ExitCode);
        Assert.Contains(expected, call.Error);
    }

    [Theory]
    [InlineData("--task = ternary   allowed: binary, multiclass, multilabel, regression", "--task", "ternary")]
    [InlineData("--threshold = 2   expected a probability from 0 to 1", "--task", "binary", "--threshold", "2")]
    [InlineData("--threshold   belongs to --task binary and multilabel", "--task", "regression", "--threshold", "0.3")]
    [InlineData("--classes   belongs to --task multiclass", "--task", "binary", "--classes", "3")]
    public void Options_that_are_wrong_are_exit_code_2(string expected, params string[] args)
    {
        var call = Call.Run(["metrics", Write("target,prediction", "1,0.5"), .. args]);
        Assert.Equal((2, $"1 problem in the options:\n  {expected}\n"), (call.ExitCode, call.Error));
    }
}
