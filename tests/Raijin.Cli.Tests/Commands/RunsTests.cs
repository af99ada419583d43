using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Raijin.App;
using Raijin.Testing;
using Raijin.Training;

namespace Raijin.Cli.Tests;

/// <summary>The commands over runs, on folders written here.</summary>
public sealed class RunsTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A run of ten steps and two validations, as the trainer leaves it.</summary>
    string Make(string name, double rate, int number, bool json = false, string status = "finished", int? process = null)
    {
        var folder = _folder[name];
        Directory.CreateDirectory(folder);
        RunLogger logger = json ? new JsonLinesLogger() : new CsvLogger();
        logger.Open(folder, 0);
        for (var step = 1; step <= 10; step++)
        {
            logger.Write(new(LogScope.Step, step, step / 6, TimeSpan.FromSeconds(step), [new("train/loss", 2 * Math.Exp(-rate * step)), new("lr/weights", 0.1 / step)]));
            if (step % 5 == 0) logger.Write(new(LogScope.Epoch, step, step / 5 - 1, TimeSpan.FromSeconds(step), [new("val/accuracy", step == 5 ? 0.5 + rate : 0.4 + rate), new("val/loss", 3 * Math.Exp(-rate * step))]));
        }
        logger.Close();
        File.WriteAllText(Path.Combine(folder, "config.yaml"), string.Create(CultureInfo.InvariantCulture, $"optimizer:\n  learningRate: {rate}\nmodel:\n  hidden: 128\n{(number == 2 ? "  dropout: 0.1\n" : "")}"));
        File.WriteAllText(Path.Combine(folder, RunCard.FileName), string.Create(CultureInfo.InvariantCulture, $$$"""
            {"status":"{{{status}}}","started":"2026-01-0{{{number}}}T03:04:05+00:00","host":"{{{Environment.MachineName}}}","processId":{{{process ?? Environment.ProcessId}}},"monitor":"max val/accuracy","steps":{{{(status == "running" ? 0 : 10)}}},"seconds":{{{(status == "running" ? 0 : 10)}}},"metrics":{"val/accuracy":{{{0.4 + rate}}}}}
            """));
        return folder;
    }

    string Shown(string text) => Regex.Replace(text.Replace(_folder.Path, "RUNS", StringComparison.Ordinal), "(?<=\\S)  +", "   ");

    [Fact]
    public void Runs_are_listed_oldest_first_with_their_best_and_where_it_was()
    {
        Make("digits/2", 0.2, 2, json: true);
        Make("digits/1", 0.1, 1);
        // Its process is gone: no machine has one of this number.
        Make("digits/3", 0.3, 3, status: "running", process: int.MaxValue);
        Make("digits/4", 0.25, 4, status: "running");
        var call = Call.Run("runs", _folder.Path);
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        Golden.Match(Shown(call.Out), "runs.txt");
    }

    [Fact]
    public void The_list_as_json_has_numbers_and_the_metric_can_be_chosen()
    {
        var run = Make("1", 0.1, 1);
        var call = Call.Run("runs", _folder.Path, "--metric", "val/loss", "--json");
        var listed = Assert.Single(JsonDocument.Parse(call.Out).RootElement.GetProperty("runs").EnumerateArray());
        Assert.Equal((run, "finished", 10, 10.0), (listed.GetProperty("folder").GetString(), listed.GetProperty("status").GetString(), listed.GetProperty("steps").GetInt64(), listed.GetProperty("seconds").GetDouble()));
        Assert.Equal(("val/loss", 3 * Math.Exp(-1), 10), (listed.GetProperty("metric").GetString(), listed.GetProperty("best").GetDouble(), listed.GetProperty("bestStep").GetInt64()));
    }

    [Fact]
    public void Two_runs_differ_in_what_they_were_told_and_in_what_came_of_it()
    {
        var call = Call.Run("runs", "diff", Make("1", 0.1, 1), Make("2", 0.2, 2));
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        Golden.Match(Shown(call.Out), "runs-diff.txt");
    }

    [Fact]
    public void What_is_no_run_is_refused_by_name()
    {
        Directory.CreateDirectory(_folder["empty"]);
        var call = Call.Run("runs", "diff", _folder["empty"], _folder["missing"]);
        Assert.Equal(2, call.ExitCode);
        Assert.Contains("is no run's folder", call.Error, StringComparison.Ordinal);
        Assert.Contains("does not exist", call.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_plot_has_a_panel_for_each_family_and_lies_in_the_run_s_folder()
    {
        var run = Make("1", 0.1, 1);
        var call = Call.Run("plot", run, "--smooth", "0.5", "--json");
        Assert.Equal(0, call.ExitCode);
        var json = JsonDocument.Parse(call.Out).RootElement;
        Assert.Equal(["loss", "lr/weights", "val/accuracy"], json.GetProperty("panels").EnumerateArray().Select(p => p.GetString()));
        Assert.Equal(Path.Combine(run, "plot.png"), json.GetProperty("picture").GetString());
        Assert.Equal("PNG"u8.ToArray(), File.ReadAllBytes(Path.Combine(run, "plot.png"))[1..4]);
    }

    [Fact]
    public void Faults_of_a_plot_are_reported_together()
    {
        var call = Call.Run("plot", _folder["missing"], "--smooth", "1", "--x", "hours");
        Assert.Equal(2, call.ExitCode);
        foreach (var expected in (string[])["--smooth = 1", "0 to below 1", "--x = hours", "step, epoch, seconds", "does not exist"]) Assert.Contains(expected, call.Error, StringComparison.Ordinal);
        call = Call.Run("plot", Make("1", 0.1, 1), "--metric", "nothing*");
        Assert.Contains("matches nothing that was logged: train/loss, lr/weights, val/accuracy, val/loss", call.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_whose_last_line_is_cut_off_is_read_up_to_it()
    {
        var run = Make("1", 0.1, 1);
        var log = Path.Combine(run, "metrics.csv");
        File.WriteAllBytes(log, File.ReadAllBytes(log)[..^7]);
        Assert.Equal([5], RunSeries.Read(run).Single(s => s.Key == "val/loss").Points.Select(p => p.Step));
    }
}
