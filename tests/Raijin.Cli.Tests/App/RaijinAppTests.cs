using System.Text.Json;
using System.Text.RegularExpressions;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class RaijinAppTests
{
    [Theory]
    [InlineData("help.txt")]
    [InlineData("help-config-print-demo.txt", "config", "print", "demo", "--help")]
    [InlineData("help-completion.txt", "completion", "-h")]
    public void Help_is_drawn_from_what_commands_declare(string golden, params string[] args)
    {
        var call = Call.Run(args);
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        // The training loop's own options belong to another project, and the width of their column with them.
        var lines = call.Out.Split('\n').Where(line => !line.StartsWith("  --trainer.", StringComparison.Ordinal));
        Golden.Match(Trimmed(string.Join('\n', lines)), golden);
    }

    [Theory]
    [InlineData("--data.maxEpochs", "3")]
    [InlineData("--data.maxEpochs=3")]
    [InlineData("--data.maxEpochs:3")]
    public void A_key_takes_its_value_as_any_option_does(params string[] args) => Assert.Contains("maxEpochs: 3", Print(args), StringComparison.Ordinal);

    [Theory]
    [InlineData("true", "--data.fastDevRun")]
    [InlineData("true", "--data.fastDevRun", "--sources")]
    [InlineData("true", "--data.fastDevRun", "true")]
    [InlineData("false", "--data.fastDevRun=false")]
    public void A_truth_value_needs_no_value(string expected, params string[] args) => Assert.Contains($"fastDevRun: {expected}", Print(args), StringComparison.Ordinal);

    [Fact]
    public void Values_may_look_like_options_and_hold_anything()
    {
        Assert.Contains("maxEpochs: -5", Print("--data.maxEpochs", "-5"), StringComparison.Ordinal);
        Assert.Contains("name: \"a=b: c\"", Print("--model.name=a=b: c"), StringComparison.Ordinal);
        Assert.Contains("name: \"\"", Print("--model.name", ""), StringComparison.Ordinal);
        Assert.Contains("name: \"@file\"", Print("--model.name", "@file"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_given_twice_is_the_last_one_and_a_short_form_is_its_key()
    {
        Assert.Contains("hidden: 7", Print("--model.hidden", "6", "--model.hidden", "7"), StringComparison.Ordinal);
        Assert.Contains("hidden: 8", Print("--size", "8"), StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_may_stand_before_the_task() => Assert.Contains("hidden: 7", Call.Run("config", "print", "--model.hidden", "7", "demo").Out, StringComparison.Ordinal);

    [Fact]
    public void All_faults_of_a_command_line_are_reported_at_once()
    {
        var call = Call.Run("config", "print", "demo", "--model.hiden", "3", "--data.strategy", "zero4", "--ouput", "x", "stray", "--size", "many", "--data.maxEpochs", "--sources", "--config", "absent.yaml");
        Assert.Equal((2, ""), (call.ExitCode, call.Out));
        Golden.Match(call.Error.Replace(Directory.GetCurrentDirectory(), "FOLDER", StringComparison.Ordinal), "faults.txt");
    }

    [Theory]
    [InlineData("confg   unknown; did you mean config?", "confg", "print")]
    [InlineData("raijin config   needs one of: print, schema, validate, import", "config")]
    [InlineData("dmo   unknown; did you mean demo?", "config", "print", "dmo")]
    [InlineData("SHELL   is missing", "completion")]
    [InlineData("SHELL = csh   allowed: bash, zsh, fish, pwsh", "completion", "csh")]
    [InlineData("extra   unexpected; every other argument was understood", "completion", "bash", "extra")]
    [InlineData("--jsn   unknown option; did you mean --json?", "completion", "bash", "--jsn")]
    [InlineData("--config   needs a value", "config", "print", "demo", "--config")]
    [InlineData("--model.hidden   needs a value", "config", "print", "demo", "--model.hidden")]
    [InlineData("--model.hidden   unknown option; --help lists them", "completion", "bash", "--model.hidden", "3")]
    public void A_wrong_command_line_is_exit_code_2_and_says_what_would_be_right(string expected, params string[] args)
    {
        var call = Call.Run(args);
        Assert.Equal((2, ""), (call.ExitCode, call.Out));
        Assert.Equal($"1 problem in the options:\n  {expected}\n", call.Error);
    }

    [Fact]
    public void Under_json_a_fault_is_the_last_line_of_standard_output_too()
    {
        var call = Call.Run("config", "print", "demo", "--model.hiden", "3", "--json");
        Assert.Equal(2, call.ExitCode);
        Assert.Contains("did you mean model.hidden?", call.Error, StringComparison.Ordinal);
        var json = JsonDocument.Parse(call.Out).RootElement;
        Assert.Equal(("config print demo", 2), (json.GetProperty("command").GetString(), json.GetProperty("exitCode").GetInt32()));
        Assert.Equal("model.hiden", json.GetProperty("error").GetProperty("faults")[0].GetProperty("key").GetString());
    }

    [Fact]
    public void The_configuration_prints_as_one_json_object_with_sources()
    {
        var json = JsonDocument.Parse(Call.Run("config", "print", "demo", "--size", "5", "--json", "--sources").Out).RootElement;
        Assert.Equal(5, json.GetProperty("config").GetProperty("model").GetProperty("hidden").GetInt32());
        Assert.Equal("argument", json.GetProperty("sources").GetProperty("model.hidden").GetString());
        Assert.Equal("default", json.GetProperty("sources").GetProperty("model.dropout").GetString());
    }

    [Fact]
    public void A_printed_configuration_is_a_file_that_gives_it_again()
    {
        using var folder = new TemporaryFolder();
        var printed = Print("--size", "5", "--data.maxTime", "90s", "--model.name", "a: b");
        File.WriteAllText(folder["a.yaml"], printed);
        Assert.Equal(printed, Print("--config", folder["a.yaml"]));
    }

    [Theory]
    [InlineData("confi", "config")]
    [InlineData("config print ", "demo")]
    [InlineData("config print demo --mod", "--model.hidden")]
    [InlineData("config print demo --data.strategy ", "zero1")]
    [InlineData("config print demo --js", "--json")]
    [InlineData("config print demo --data.strategy none --mod", "--model.hidden")]
    [InlineData("config print demo --data.strategy ze", "zero1")]
    [InlineData("completion ", "fish")]
    public void Completion_offers_commands_options_keys_and_values(string line, string expected)
    {
        var call = Call.Run($"[suggest:{line.Length}]", line);
        Assert.Contains(expected, call.Out.Split('\n'));
        var typed = Call.Run($"[suggest:{line.Length + 7}]", "raijin " + line);
        Assert.Contains(expected, typed.Out.Split('\n'));
    }

    [Fact]
    public void A_failure_is_exit_code_1_and_one_line_with_the_stack_only_when_asked_for()
    {
        using var folder = new TemporaryFolder();
        var call = Call.Run("fit", "demo", "--output", folder["run"]);
        Assert.Equal((1, "", "error the disk is on fire after 10 epochs\n"), (call.ExitCode, call.Out, call.Error));
        var verbose = Call.Run("fit", "demo", "--output", folder["run"], "--verbose");
        Assert.Contains("   at Raijin.Cli.Tests.DemoData.Prepare", verbose.Error, StringComparison.Ordinal);
        var json = Call.Run("fit", "demo", "--output", folder["run"], "--json");
        Assert.Equal("the disk is on fire after 10 epochs", JsonDocument.Parse(json.Out).RootElement.GetProperty("error").GetProperty("message").GetString());
    }

    [Fact]
    public void Values_out_of_range_are_reported_with_the_other_faults()
    {
        var call = Call.Run("fit", "demo", "--optimizer.learningRate", "0", "--checkpoint.keepLast", "0", "--model.hiden", "3");
        Assert.Equal(2, call.ExitCode);
        Golden.Match(call.Error, "ranges.txt");
    }

    [Fact]
    public void Version_is_one_line() => Assert.Matches(@"^\d+\.\d+\.\d+\n$", Call.Run("--version").Out);

    // Columns are as wide as their widest cell, which may belong to another project.
    static string Trimmed(string page) => Regex.Replace(page, "(?<=\\S)  +", "   ");

    static string Print(params string[] args)
    {
        var call = Call.Run(["config", "print", "demo", .. args]);
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        return call.Out;
    }
}
